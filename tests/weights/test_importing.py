import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dred.errors import ModelError, UsageError
from dred.weights import WeightSet, export_dnnw, import_weights, write_safetensors
from dred.weights.unsigned_bias import with_unsigned_biases


@pytest.fixture
def blob(tiny_weights: WeightSet, tmp_path: Path) -> Path:
    """A blob with its tables file beside it."""
    return export_dnnw(tiny_weights, tmp_path / "made" / "net-1.dnnw")[0]


def test_a_blob_takes_the_tables_beside_it(tiny_weights: WeightSet, blob: Path, assert_equal):
    weights = import_weights(blob)
    assert_equal(weights, tiny_weights)
    assert weights.name == "opus-1.6.1"
    assert weights.card.source == "net-1.dnnw + net-1.tables.json"
    assert (weights.card.libopus, weights.card.bitstream_version) == ("1.6.1", 12)
    assert weights.card.licence == "BSD-3-Clause"
    assert "Xiph" in weights.card.copyright


def test_a_blob_takes_the_tables_that_are_given(tiny_weights: WeightSet, blob: Path, tmp_path: Path, assert_equal):
    tables = shutil.move(blob.with_name("net-1.tables.json"), tmp_path / "tables")
    assert_equal(import_weights(blob, tables=Path(tables)), tiny_weights)


def test_a_blob_without_tables_says_what_to_pass(blob: Path):
    blob.with_name("net-1.tables.json").unlink()
    with pytest.raises(ModelError, match=r"--tables FILE or put net-1\.tables\.json beside"):
        import_weights(blob)


def test_tables_of_another_version_are_refused(tiny_weights: WeightSet, blob: Path, tmp_path: Path):
    fewer = {name: table[:, :2].copy() for name, table in tiny_weights.tables.items()}
    layers = {name: tensor for name, tensor in tiny_weights.tensors.items() if not name.startswith("dec_")}
    other = export_dnnw(replace(tiny_weights, tensors=layers, tables=fewer), tmp_path / "other.dnnw")[1]
    with pytest.raises(ModelError, match="'dec_dense1' takes 4 values, the latent tables have 2"):
        import_weights(blob, tables=other)


def test_tables_that_are_no_text_are_refused(blob: Path):
    blob.with_name("net-1.tables.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match="not a tables file"):
        import_weights(blob)


def test_a_blob_of_nobodys_release_keeps_its_own_name(tiny_weights: WeightSet, tmp_path: Path):
    own = replace(tiny_weights, card=replace(tiny_weights.card, libopus=""))
    weights = import_weights(export_dnnw(own, tmp_path / "mine-1.0.dnnw")[0])
    assert (weights.name, weights.card.licence, weights.card.copyright) == ("mine-1.0", "", "")


def test_a_tree_and_a_blob_give_the_same_set(source_files, blob: Path, tmp_path: Path, write_tree, assert_equal):
    from_tree = import_weights(write_tree(source_files, tmp_path / "opus-src"))
    from_blob = import_weights(blob)
    assert_equal(from_tree, from_blob)
    assert from_tree.name == from_blob.name
    assert from_tree.card == replace(from_blob.card, source="opus-src")


def test_dreds_own_file_comes_back_as_it_was(tiny_weights: WeightSet, tmp_path: Path, assert_equal):
    own = replace(tiny_weights, name="mine", card=replace(tiny_weights.card, imported="2026-02-03"))
    write_safetensors(own, tmp_path / "x")
    weights = import_weights(tmp_path / "x")
    assert_equal(weights, own)
    assert (weights.name, weights.card) == ("mine", own.card)


def test_content_decides_and_not_the_suffix(tiny_weights: WeightSet, blob: Path, tmp_path: Path, assert_equal):
    disguised = tmp_path / "weights.tar.gz"
    shutil.copy(blob, disguised)
    assert_equal(import_weights(disguised, tables=blob.with_name("net-1.tables.json")), tiny_weights)
    write_safetensors(tiny_weights, tmp_path / "weights.dnnw")
    assert_equal(import_weights(tmp_path / "weights.dnnw"), tiny_weights)


def test_name_and_date_are_the_callers_if_given(blob: Path):
    weights = import_weights(blob, name="best", imported="2026-02-03")
    assert (weights.name, weights.card.imported) == ("best", "2026-02-03")
    assert import_weights(blob).card.imported == ""


def test_an_impossible_name_is_the_callers_mistake(blob: Path):
    with pytest.raises(UsageError, match="1 to 64 letters"):
        import_weights(blob, name="../best")


def test_tables_for_anything_but_a_blob_are_the_callers_mistake(tiny_weights: WeightSet, blob: Path, tmp_path: Path):
    write_safetensors(tiny_weights, tmp_path / "x")
    with pytest.raises(UsageError, match="x is none"):
        import_weights(tmp_path / "x", tables=blob)


@pytest.mark.parametrize("content", [b"", b"\0" * 600, b"RIFF\0\0\0\0WAVE", b"DNN", b'{"a": 1}'])
def test_any_other_file_is_refused(tmp_path: Path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ModelError, match="no DNNw blob, no archive or source tree of Opus, and no safetensors"):
        import_weights(tmp_path / "x")


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match="cannot read"):
        import_weights(tmp_path / "x")


def test_an_empty_directory_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match=r"no dnn/dred_config\.h; a release of Opus"):
        import_weights(tmp_path)


@pytest.mark.reference
@pytest.mark.parametrize("release", ["1.6.1", "1.5.2"])
def test_libopus_weights_go_through_dreds_file_and_back(shared: Path, tmp_path: Path, release):
    published = shared / "weights" / f"libopus-{release}.dnnw"
    write_safetensors(import_weights(published), tmp_path / "own")
    blob, tables = export_dnnw(import_weights(tmp_path / "own"), tmp_path / "again.dnnw")
    assert blob.read_bytes() == published.read_bytes()
    assert tables.read_bytes() == published.with_name(f"libopus-{release}.tables.json").read_bytes()


@pytest.mark.reference
@pytest.mark.parametrize("release", ["1.6.1", "1.5.2"])
def test_unsigned_biases_are_those_of_the_published_layers(shared: Path, release):
    published = import_weights(shared / "weights" / f"libopus-{release}.dnnw").tensors
    bare = {name: tensor for name, tensor in published.items() if not name.endswith("_subias")}
    assert len(bare) < len(published)
    made = with_unsigned_biases(bare)
    assert set(made) == set(published)
    for name, tensor in published.items():
        np.testing.assert_allclose(made[name], tensor, rtol=0, atol=1e-5, err_msg=name)


def test_a_trained_set_comes_back_with_what_libopus_needs(tiny_weights: WeightSet, tmp_path: Path):
    card = replace(tiny_weights.card, libopus="", bitstream_version=201)
    tensors = {name: tensor for name, tensor in tiny_weights.tensors.items() if name != "gdense1_subias"}
    trained = replace(tiny_weights, name="trained", card=card, tensors=tensors)
    blob, _ = export_dnnw(trained, tmp_path / "trained.dnnw")
    again = import_weights(blob, name="trained")
    assert again.card.bitstream_version == 201
    assert again.tables_sha256 == trained.tables_sha256
    assert set(again.tensors) == {*trained.tensors, "gdense1_subias"}
    for name, tensor in trained.tensors.items():
        assert again.tensors[name].dtype == tensor.dtype
        np.testing.assert_array_equal(again.tensors[name], tensor, err_msg=name)
    export_dnnw(again, tmp_path / "again.dnnw")
    assert (tmp_path / "again.dnnw").read_bytes() == blob.read_bytes()


@pytest.mark.parametrize("is_sparse", [False, True])
def test_an_unsigned_bias_makes_up_for_the_offset_of_activations(is_sparse: bool, rng: np.random.Generator):
    blocks = rng.integers(-128, 128, (2, 3, 8, 4)).astype(np.int8)
    if is_sparse:
        blocks[1, 1:] = 0
    dense = blocks.transpose(0, 2, 1, 3).reshape(16, 12).astype(np.int64)
    tensors = {
        "layer_weights_int8": (np.concatenate([blocks[0], blocks[1, :1]]) if is_sparse else blocks).ravel(),
        "layer_scale": rng.random(16).astype(np.float32),
        "layer_bias": rng.standard_normal(16).astype(np.float32),
    }
    if is_sparse:
        tensors["layer_weights_idx"] = np.array([3, 0, 4, 8, 1, 0], np.int32)
    q = rng.integers(-127, 128, 12)
    expected = tensors["layer_scale"] * (dense @ q) + tensors["layer_bias"]
    subias = with_unsigned_biases(tensors)["layer_subias"]
    np.testing.assert_allclose(tensors["layer_scale"] * (dense @ (q + 127)) + subias, expected, atol=0.1)


@pytest.mark.reference
def test_tables_of_the_other_release_are_refused(shared: Path):
    with pytest.raises(ModelError, match="the state tables have 19"):
        import_weights(
            shared / "weights" / "libopus-1.6.1.dnnw", tables=shared / "weights" / "libopus-1.5.2.tables.json"
        )
