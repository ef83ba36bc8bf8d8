from dataclasses import replace
from pathlib import Path

import pytest

from dred.weights import WeightSet, describe, import_weights
from dred.weights.card import as_json


def test_the_card_tells_origin_layers_tables_and_hashes(tiny_weights: WeightSet):
    text = describe(tiny_weights)
    assert text.endswith("\n")
    for line in (
        "name:               opus-1.6.1",
        "source:             a test",
        "libopus:            1.6.1",
        "bitstream version:  12",
        "licence:            BSD-3-Clause",
        f"SHA-256 of arrays:  {tiny_weights.tensors_sha256}",
        f"SHA-256 of tables:  {tiny_weights.tables_sha256}",
        "RDO-VAE decoder: 42 parameters",
        "tables of 16 levels: 3 latent and 2 state dimensions",
    ):
        assert line in text.splitlines()
    (sparse,) = [line.split() for line in text.splitlines() if "gdense1" in line]
    assert sparse == ["gdense1", "12", "->", "16", "int8", "sparse", "112"]


def test_what_is_not_stated_is_left_out(tiny_weights: WeightSet):
    text = describe(tiny_weights)
    assert "training" not in text
    assert "imported" not in text
    card = replace(tiny_weights.card, training="recipe tiny", libopus="", licence="")
    text = describe(replace(tiny_weights, card=card))
    assert "training:           recipe tiny" in text
    assert "libopus:            none" in text
    assert "licence:            not stated" in text


def test_arrays_of_unknown_networks_are_counted_too(tiny_weights: WeightSet):
    tensors = {**tiny_weights.tensors, "lace_window": tiny_weights.tensors["conv2d_1_bias"]}
    assert "other: 2 parameters\n  lace_window" in describe(replace(tiny_weights, tensors=tensors))


@pytest.mark.reference
def test_the_published_networks_have_their_published_size(shared: Path):
    # Source: ../shared/spec/dred-facts.md section 1.8 (encoder 187,840 + 2,560 weights, decoder 226,208 + 8,896 ...).
    weights = import_weights(shared / "weights" / "libopus-1.6.1.dnnw")
    num_weights: dict[str, int] = {}
    for layer in weights.layers:
        num_weights[layer.component] = num_weights.get(layer.component, 0) + layer.num_weights
    assert num_weights["RDO-VAE encoder"] == 187_840 + 2_560
    assert num_weights["RDO-VAE decoder"] == 226_208 + 8_896
    assert num_weights["FARGAN vocoder"] == 811_008 + 5_584


def test_a_prior_is_shown(foreseeing_weights: WeightSet):
    assert f"prior of a latent: {16 * 2 + 2 + 12 + 18 + 16 * 9 + 54} integers" in describe(foreseeing_weights)
    assert as_json(foreseeing_weights)["prior"]["inputs"] == [3, 2, 2]
