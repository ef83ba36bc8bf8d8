import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dred.errors import ModelError, UsageError
from dred.weights import (
    WeightSet,
    available,
    data_directory,
    installed,
    introduce,
    is_built_in,
    load,
    passed_over,
    remove,
    save,
    write_safetensors,
)


def variant(weights: WeightSet, name: str, libopus: str, version: int) -> WeightSet:
    return replace(weights, name=name, card=replace(weights.card, libopus=libopus, bitstream_version=version))


@pytest.fixture
def directory(tiny_weights: WeightSet, tmp_path: Path, nothing_built_in: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four sets, installed where $DRED_WEIGHTS says."""
    monkeypatch.setenv("DRED_WEIGHTS", str(tmp_path / "sets"))
    for name, libopus, version in (
        ("a-trained", "", 12),
        ("opus-1.5.2", "1.5.2", 10),
        ("opus-1.6.1", "1.6.1", 12),
        ("opus-1.6.10", "1.6.10", 12),
    ):
        save(variant(tiny_weights, name, libopus, version))
    return tmp_path / "sets"


def test_the_directory_is_the_users_unless_the_environment_names_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("DRED_WEIGHTS", raising=False)
    default = data_directory()
    assert default.name == "weights"
    assert "dred" in default.parts
    monkeypatch.setenv("DRED_WEIGHTS", str(tmp_path / "here"))
    assert data_directory() == tmp_path / "here"


def test_sets_are_listed_best_first(directory: Path):
    assert [entry.name for entry in installed()] == ["opus-1.6.10", "opus-1.6.1", "opus-1.5.2", "a-trained"]
    first = installed()[0]
    assert first.path == directory / "opus-1.6.10.safetensors"
    assert first.size_bytes == first.path.stat().st_size
    assert first.card is not None
    assert first.card.bitstream_version == 12


def test_what_cannot_be_used_comes_last(directory: Path, tiny_weights: WeightSet):
    save(variant(tiny_weights, "from-the-future", "9" * 5_000, 13))
    (directory / "gone.safetensors").symlink_to(directory / "nowhere")
    assert [entry.name for entry in available()][-2:] == ["from-the-future", "gone"]
    assert load().name == "opus-1.6.10"
    with pytest.raises(ModelError, match="gone"):
        load("gone")


def test_the_best_set_is_loaded_by_default(directory: Path):
    assert load().name == "opus-1.6.10"


def test_a_set_is_loaded_by_name_or_version(directory: Path, tiny_weights: WeightSet, assert_equal):
    assert load("a-trained").name == "a-trained"
    assert load(version=10).name == "opus-1.5.2"
    assert_equal(load("opus-1.5.2", version=10), tiny_weights)


def test_an_unchanged_file_is_read_once_and_a_changed_one_again(directory: Path, tiny_weights: WeightSet):
    first = load("opus-1.6.1")
    assert load("opus-1.6.1") is first
    path = save(variant(tiny_weights, "opus-1.6.1", "1.6.1", 13))
    os.utime(path, ns=(0, 1))
    assert load("opus-1.6.1").card.bitstream_version == 13


@pytest.mark.parametrize(
    ("name", "version", "complaint"),
    [
        ("none", None, r"no weights named 'none' in .*; at hand are opus-1.6.10 \(version 12\), "),
        ("opus-1.5.2", 12, r"no weights named 'opus-1.5.2' of bitstream version 12 in "),
        (None, 11, r"no weights of bitstream version 11 in "),
    ],
)
def test_a_set_that_is_not_there_says_what_is(directory: Path, name, version, complaint):
    with pytest.raises(ModelError, match=complaint) as caught:
        load(name, version=version)
    assert_one_line_with_three_ways_out(caught.value)


@pytest.mark.parametrize("exists", [True, False])
def test_an_empty_or_missing_directory_says_the_ways_out(tmp_path: Path, exists):
    if exists:
        (tmp_path / "sets").mkdir()
    assert installed(tmp_path / "sets") == []
    with pytest.raises(ModelError, match="no weights in") as caught:
        load(directory=tmp_path / "sets")
    assert_one_line_with_three_ways_out(caught.value)


def assert_one_line_with_three_ways_out(error: ModelError) -> None:
    text = str(error)
    assert "\n" not in text
    for way in ("`dred weights install`", "`dred weights import ARCHIVE`", "$DRED_WEIGHTS"):
        assert way in text


def test_a_broken_file_is_listed_last_and_never_loaded_by_default(directory: Path):
    (directory / "0.safetensors").write_bytes(b"broken")
    last = installed()[-1]
    assert (last.name, last.card) == ("0", None)
    assert "no readable safetensors" in last.problem
    assert load().name == "opus-1.6.10"
    with pytest.raises(ModelError, match=r"no readable weights named '0' in .*no readable safetensors"):
        load("0")


def test_saving_again_replaces(directory: Path, tiny_weights: WeightSet):
    save(variant(tiny_weights, "opus-1.5.2", "1.5.2", 9))
    assert [entry.name for entry in installed()][-1] == "opus-1.5.2"
    assert len(installed()) == 4


def test_a_removed_set_is_gone(directory: Path):
    assert remove("opus-1.6.10") == directory / "opus-1.6.10.safetensors"
    assert load().name == "opus-1.6.1"
    with pytest.raises(ModelError, match=r"no weights named 'opus-1.6.10'"):
        remove("opus-1.6.10")


def test_only_a_name_can_be_removed(directory: Path):
    with pytest.raises(UsageError):
        remove("../sets/opus-1.6.1")


@pytest.fixture
def bundled(tiny_weights: WeightSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightSet:
    """A built-in set of dred's own, and a directory without installed ones."""
    weights = variant(tiny_weights, "dred-own", "", 201)
    path = tmp_path / "package" / "dred-own.safetensors"
    write_safetensors(weights, path)
    monkeypatch.setenv("DRED_WEIGHTS", str(tmp_path / "sets"))
    monkeypatch.setattr("dred.weights.registry.bundled_weights", lambda: (path,))
    return weights


def test_built_in_weights_serve_where_none_are_installed(bundled: WeightSet, assert_equal):
    assert installed() == []
    (entry,) = available()
    assert (entry.name, entry.is_built_in) == ("dred-own", True)
    assert_equal(load(), bundled)
    assert load(version=201) is load("dred-own")
    with pytest.raises(
        ModelError, match=r"no weights of bitstream version 12 in .*; at hand are dred-own \(version 201\)"
    ):
        load(version=12)


def test_installed_weights_come_first_and_published_ones_before_all(bundled: WeightSet, tiny_weights: WeightSet):
    save(variant(tiny_weights, "mine", "", 201))
    assert load().name == "mine"
    save(variant(tiny_weights, "opus-1.5.2", "1.5.2", 10))
    assert load().name == "opus-1.5.2"
    save(variant(tiny_weights, "opus-1.6.1", "1.6.1", 12))
    (data_directory() / "0.safetensors").write_bytes(b"broken")
    assert [entry.name for entry in available()] == ["opus-1.6.1", "opus-1.5.2", "mine", "dred-own", "0"]
    assert [entry.is_built_in for entry in available()] == [False, False, False, True, False]


def test_an_installed_set_takes_the_place_of_the_built_in_one_of_its_name(bundled: WeightSet, tiny_weights: WeightSet):
    save(variant(tiny_weights, "dred-own", "", 12))
    (entry,) = available()
    assert not entry.is_built_in
    assert load("dred-own").card.bitstream_version == 12
    assert not is_built_in(load())
    remove("dred-own")
    assert is_built_in(load())


def test_a_broken_installed_set_does_not_keep_the_built_in_one_from_serving(bundled: WeightSet):
    data_directory().mkdir()
    (data_directory() / "dred-own.safetensors").write_bytes(b"broken")
    assert [(entry.name, entry.is_built_in) for entry in available()] == [("dred-own", True), ("dred-own", False)]
    assert is_built_in(load())


def test_built_in_weights_cannot_be_removed_and_are_not_in_a_directory_that_is_named(
    bundled: WeightSet, tmp_path: Path
):
    with pytest.raises(ModelError, match="no weights named 'dred-own'"):
        remove("dred-own")
    with pytest.raises(ModelError, match="no weights in"):
        load(directory=tmp_path / "sets")


def test_a_set_is_introduced_by_what_one_must_know_of_it(bundled: WeightSet, tiny_weights: WeightSet):
    assert introduce(load()) == "built-in dred-own, not interoperable with libopus"
    assert introduce(available()[0]) == introduce(load())
    assert introduce(variant(tiny_weights, "mine", "", 201)) == "mine, not interoperable with libopus"
    assert introduce(variant(tiny_weights, "opus-1.6.1", "1.6.1", 12)) == "opus-1.6.1"
    assert not is_built_in(variant(tiny_weights, "dred-own", "", 12))


def test_a_set_that_lacks_networks_comes_behind_whole_ones(bundled: WeightSet, tiny_weights: WeightSet):
    save(variant(tiny_weights, "mine", "", 201))
    halved = {name: array for name, array in tiny_weights.tensors.items() if not name.startswith("plc_")}
    save(replace(variant(tiny_weights, "opus-1.6.1", "1.6.1", 12), tensors=halved))
    assert [entry.name for entry in available()] == ["mine", "dred-own", "opus-1.6.1"]
    assert [entry.missing for entry in available()] == [(), (), ("PLC predictor",)]
    assert [entry.name for entry in passed_over()] == ["opus-1.6.1"]
    assert load().name == "mine"
    remove("mine")
    assert load().name == "dred-own"
    assert load(version=12).name == "opus-1.6.1", "who asks for it gets it"
    save(variant(tiny_weights, "opus-1.6.1", "1.6.1", 12))
    assert passed_over() == ()


def test_a_set_of_other_numbers_is_not_the_built_in_one(bundled: WeightSet):
    others = {name: array + 1 if array.dtype == np.float32 else array for name, array in bundled.tensors.items()}
    assert is_built_in(replace(bundled))
    assert not is_built_in(replace(bundled, tensors=others))
