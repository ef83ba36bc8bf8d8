import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from dred.errors import ModelError
from dred.weights import Card, WeightSet, read_safetensors, write_safetensors
from dred.weights.safetensors_file import read_card


@pytest.fixture
def path(tiny_weights: WeightSet, tmp_path: Path) -> Path:
    path = tmp_path / "set.safetensors"
    write_safetensors(tiny_weights, path)
    return path


def rewrite(
    path: Path, *, metadata: dict[str, str] | None = None, arrays: dict | None = None, resum: bool = True
) -> None:
    """Change a file as another writer could, with a sum that fits unless `resum` is off."""
    with safe_open(path, framework="numpy") as file:
        old = file.metadata()
        old_arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    new = {**old, **(metadata or {})}
    if resum:
        words = [new[key].encode() for key in ("format", "name", "order", "card", "hashes")]
        new["sha256"] = hashlib.sha256(b"\0".join(words)).hexdigest()
    new_arrays = {name: array for name, array in {**old_arrays, **(arrays or {})}.items() if array is not None}
    save_file(new_arrays, path, new)


def test_what_is_written_is_read_again(tiny_weights: WeightSet, path: Path, assert_equal):
    weights = read_safetensors(path)
    assert_equal(weights, tiny_weights)
    assert (weights.name, weights.card) == (tiny_weights.name, tiny_weights.card)


def test_the_card_is_read_without_the_arrays(tiny_weights: WeightSet, path: Path):
    assert read_card(path) == (tiny_weights.card, tuple(tiny_weights.tensors))


def test_equal_sets_make_equal_files(tiny_weights: WeightSet, tmp_path: Path):
    files = set()
    for number in range(8):
        write_safetensors(tiny_weights, tmp_path / f"{number}.safetensors")
        files.add((tmp_path / f"{number}.safetensors").read_bytes())
    assert len(files) == 1


def test_any_text_in_the_card_survives(tiny_weights: WeightSet, tmp_path: Path):
    text = 'naïve "quotes" \\ \n\t\x01 \U0001f3a4 \x7f'
    card = replace(tiny_weights.card, source=text, training=text)
    write_safetensors(replace(tiny_weights, card=card), tmp_path / "x.safetensors")
    assert read_safetensors(tmp_path / "x.safetensors").card == card


def test_writing_leaves_no_other_file(path: Path):
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tiny_weights: WeightSet, path: Path):
    before = path.read_bytes()
    with pytest.raises(ModelError, match="cannot write"):
        write_safetensors(tiny_weights, path / "below-a-file.safetensors")
    assert path.read_bytes() == before


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_flipped_bit_is_noticed(path: Path, data):
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    broken = path.with_name("broken")
    broken.write_bytes(content)
    with pytest.raises(ModelError):
        read_safetensors(broken)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_truncation_is_noticed(path: Path, data):
    content = path.read_bytes()
    broken = path.with_name("broken")
    broken.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(ModelError):
        read_safetensors(broken)


def test_a_changed_value_is_named(path: Path):
    rewrite(path, arrays={"dec_dense1_bias": np.zeros(6, np.float32)})
    with pytest.raises(ModelError, match="'dec_dense1_bias' differs from its SHA-256"):
        read_safetensors(path)


def test_a_missing_array_is_named(path: Path):
    rewrite(path, arrays={"dec_dense1_bias": None})
    with pytest.raises(ModelError, match="'dec_dense1_bias' is missing"):
        read_safetensors(path)


def test_an_extra_array_is_named(path: Path):
    rewrite(path, arrays={"extra_bias": np.zeros(1, np.float32)})
    with pytest.raises(ModelError, match="'extra_bias' is unknown"):
        read_safetensors(path)


def test_an_array_of_another_dtype_is_named(path: Path, tiny_weights: WeightSet):
    rewrite(path, arrays={"dec_dense1_bias": tiny_weights.tensors["dec_dense1_bias"].view(np.int32)})
    with pytest.raises(ModelError, match="'dec_dense1_bias' is int32, not float32"):
        read_safetensors(path)


def test_a_dtype_that_no_set_has_is_named(path: Path):
    rewrite(path, arrays={"dec_dense1_bias": np.zeros(6, np.float64)})
    with pytest.raises(ModelError, match="'dec_dense1_bias' is F64"):
        read_safetensors(path)


def test_a_missing_file_is_a_model_error(tmp_path: Path):
    with pytest.raises(ModelError, match="no readable safetensors"):
        read_safetensors(tmp_path / "none")


def test_a_safetensors_file_of_someone_else_is_refused(tmp_path: Path):
    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "x")
    with pytest.raises(ModelError, match="the format is unnamed"):
        read_safetensors(tmp_path / "x")


CARD = json.dumps(
    {"source": "", "libopus": "", "bitstream_version": 12, "licence": "", "copyright": "", "training": ""}
)


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        ({"format": "dred-weights/2"}, "the format is dred-weights/2"),
        ({"name": "../up"}, "a set's name"),
        ({"unheard": "of"}, "'unheard' is unknown"),
        ({"order": "["}, "order is not JSON"),
        ({"order": "[" * 100_000}, "order is not JSON"),
        ({"order": "[[1, 2]]"}, "no list of names and dtypes"),
        ({"order": "{}"}, "no list of names and dtypes"),
        ({"order": "[]"}, "is unknown"),
        ({"hashes": "[]"}, "hashes is no JSON object"),
        ({"hashes": "{}"}, "is unknown"),
        ({"card": "{}"}, "is missing"),
        ({"card": CARD}, "'imported' is missing"),
        ({"card": CARD[:-1] + ', "imported": 5}'}, "the card's imported is 5"),
        ({"card": CARD[:-1] + ', "imported": "", "more": 1}'}, "'more' is unknown"),
        ({"card": CARD[:-1] + ', "imported": "", "model": []}'}, "the model card is no JSON object"),
        ({"card": CARD.replace("12", '"12"')[:-1] + ', "imported": ""}'}, "the card's bitstream_version is '12'"),
    ],
)
def test_metadata_that_another_writer_got_wrong_are_refused(path: Path, metadata, complaint):
    rewrite(path, metadata=metadata)
    with pytest.raises(ModelError, match=complaint):
        read_safetensors(path)


def test_changed_metadata_are_noticed(path: Path, tiny_weights: WeightSet):
    with safe_open(path, framework="numpy") as file:
        card = Card(**json.loads(file.metadata()["card"]))
    assert card == tiny_weights.card
    rewrite(path, metadata={"name": "another"}, resum=False)
    with pytest.raises(ModelError, match="the metadata differ"):
        read_card(path)


def test_a_prior_travels_in_the_file(foreseeing_weights: WeightSet, tmp_path: Path, assert_equal):
    path = tmp_path / "own.safetensors"
    write_safetensors(foreseeing_weights, path)
    read = read_safetensors(path)
    assert_equal(read, foreseeing_weights)
    assert read.prior.keys() == foreseeing_weights.prior.keys()
    for name, array in foreseeing_weights.prior.items():
        assert read.prior[name].dtype == array.dtype
        np.testing.assert_array_equal(read.prior[name], array)
    assert read.tables_sha256 == foreseeing_weights.tables_sha256
