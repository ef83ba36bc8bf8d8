"""The weight set that dred brings along: whole, small, its own, and in the wheel."""

import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from dred.data import bundled_weights
from dred.weights import OWN_BITSTREAM_VERSION, WeightSet, read_safetensors
from dred.weights.layers import ESSENTIAL_COMPONENTS

PROJECT = Path(__file__).resolve().parents[2]
MAX_BYTES = 6_000_000
# Shorter arrays may be equal by chance.
MIN_COMPARED_VALUES = 16


@pytest.fixture(scope="module")
def path() -> Path:
    (path,) = bundled_weights()
    return path


@pytest.fixture(scope="module")
def built_in(path: Path) -> WeightSet:
    return read_safetensors(path)


def test_it_is_small_and_has_every_network(path: Path, built_in: WeightSet) -> None:
    assert path.stat().st_size <= MAX_BYTES
    assert path.stem == built_in.name
    assert {layer.component for layer in built_in.layers} == set(ESSENTIAL_COMPONENTS)


def test_it_never_claims_to_be_of_the_standard(built_in: WeightSet) -> None:
    assert built_in.card.bitstream_version == OWN_BITSTREAM_VERSION
    assert built_in.card.libopus == ""
    assert not built_in.card.is_interoperable


def test_its_card_tells_what_one_must_know(built_in: WeightSet) -> None:
    card = built_in.card.model
    assert card is not None
    described = tuple(made.network for made in card.networks)
    assert all(network.startswith(described) for network in ESSENTIAL_COMPONENTS)
    assert all(made.recipe and made.commit and made.compute for made in card.networks)
    assert all(source.licence and source.hours > 0 for source in card.data)
    assert len(card.metrics) >= 3
    assert all(figure.low < figure.high for figure in card.metrics)
    assert card.intended_use
    assert card.known_failures
    assert built_in.card.licence


@pytest.mark.reference
def test_none_of_its_arrays_is_a_published_one(
    built_in: WeightSet, weights_v12: WeightSet, weights_v10: WeightSet
) -> None:
    for published in (weights_v12, weights_v10):
        known = {
            array.tobytes() for array in published.tensors.values() if array.size >= MIN_COMPARED_VALUES and array.any()
        }
        assert not [name for name, array in built_in.tensors.items() if array.tobytes() in known]
        assert built_in.tables_sha256 != published.tables_sha256


@pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling, which builds wheels, is not installed")
def test_the_wheel_holds_it_and_no_other_weights(path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        weights = [info.filename for info in packed.infolist() if info.filename.endswith((".safetensors", ".dnnw"))]
        assert weights == [f"dred/data/{path.name}"]
        assert packed.read(weights[0]) == path.read_bytes()
    assert wheel.stat().st_size <= MAX_BYTES
