"""Sets of networks from several sets: each from where it was wanted, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dred.cli import main
from dred.errors import UsageError
from dred.weights import COMPONENTS, RDOVAE, Card, WeightSet, combine, read_safetensors, write_safetensors
from tiny_networks import LATENT_DIM, STATE_DIM, fargan_tensors, pitch_tensors, predictor_tensors, rdovae_tensors

CARD = Card(source="a test", libopus="", bitstream_version=201, licence="CC0-1.0")


def make_set(seed: int, training: str = "") -> WeightSet:
    """Return a complete set; another seed gives other numbers in equal shapes."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, np.ndarray] = {}
    for make in (pitch_tensors, rdovae_tensors, fargan_tensors, predictor_tensors):
        tensors |= make(rng)
    tables = {
        f"{vector}_{role}_q8": rng.integers(1, 255, (16, dims)).astype(np.uint8)
        for vector, dims in (("latent", LATENT_DIM), ("state", STATE_DIM))
        for role in ("quant_scales", "dead_zone", "r", "p0")
    }
    card = replace(CARD, training=training)
    return WeightSet(name=f"set-{seed}", card=card, tensors=tensors, tables=tables)


def of(component: str, weights: WeightSet) -> dict[str, bytes]:
    return {name: t.tobytes() for name, t in weights.tensors.items() if name.startswith(COMPONENTS[component])}


def test_each_network_comes_from_the_set_that_was_named() -> None:
    sets = [make_set(seed) for seed in range(4)]
    networks = {"pitch network": sets[0], "FARGAN vocoder": sets[1], "PLC predictor": sets[2]}
    networks |= dict.fromkeys(RDOVAE, sets[3])
    combined = combine(networks, "all", CARD)
    assert combined.name == "all"
    assert combined.tables_sha256 == sets[3].tables_sha256
    for component, source in networks.items():
        assert of(component, combined) == of(component, source) != of(component, make_set(9))
    assert sum(len(of(component, combined)) for component in COMPONENTS) == len(combined.tensors)


def test_the_prior_comes_with_the_rdovae() -> None:
    dim = LATENT_DIM
    prior = {
        "hidden_bias": np.zeros((16, 1), np.int32),
        "first_bias": np.zeros(1, np.int32),
        "inputs": np.zeros((dim, 2, 1), np.int16),
        "outputs": np.zeros((1, 3 * dim), np.int16),
        "odds": np.zeros((16, 3 * dim), np.int32),
        "inside": np.zeros((dim, 2, 3 * dim), np.int16),
    }
    with_prior = replace(make_set(1), prior=prior)
    combined = combine(dict.fromkeys(RDOVAE, with_prior) | {"PLC predictor": make_set(2)}, "both", CARD)
    assert combined.prior.keys() == prior.keys()
    assert combined.tables_sha256 == with_prior.tables_sha256


def test_a_network_that_is_not_named_is_left_out() -> None:
    combined = combine(dict.fromkeys(RDOVAE, make_set(1)), "half", CARD)
    assert {layer.component for layer in combined.layers} == set(RDOVAE)


def test_what_does_not_belong_together_is_refused() -> None:
    one, two = make_set(1), make_set(2)
    whole = dict.fromkeys(RDOVAE, one)
    without = replace(one, tensors={name: t for name, t in one.tensors.items() if not name.startswith("plc_")})
    for networks, card, words in (
        ({**whole, "mouth": two}, CARD, "not mouth"),
        ({"pitch network": one}, CARD, "both halves"),
        ({RDOVAE[0]: one, RDOVAE[1]: two}, CARD, "both halves"),
        (whole, replace(CARD, bitstream_version=12), "201, not 12"),
        ({**whole, "PLC predictor": without}, CARD, "set-1 has no PLC predictor"),
    ):
        with pytest.raises(UsageError, match=words):
            combine(networks, "x", card)


def test_the_command_writes_a_set_with_the_cards_of_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["weights", "combine", str(tmp_path / "own.safetensors")]
    for seed, option in enumerate(("--fargan", "--rdovae", "--pitch", "--plc")):
        write_safetensors(make_set(seed, json.dumps({"recipe": option})), tmp_path / f"{seed}.safetensors")
        arguments += [option, str(tmp_path / f"{seed}.safetensors")]
    assert main(arguments) == 0
    own = read_safetensors(tmp_path / "own.safetensors")
    assert own.name == "own"
    assert json.loads(own.card.training)["PLC predictor"] == {"recipe": "--plc"}
    assert of("PLC predictor", own) == of("PLC predictor", make_set(3))
    (tmp_path / "card.json").write_text('{"networks": "four"}')
    assert main([*arguments, "--card", str(tmp_path / "card.json"), "--name", "mine"]) == 0
    mine = read_safetensors(tmp_path / "own.safetensors")
    assert (mine.name, json.loads(mine.card.training)) == ("mine", {"networks": "four"})
    (tmp_path / "card.json").write_text("[]")
    capsys.readouterr()
    assert main([*arguments, "--card", str(tmp_path / "card.json")]) == 2
    assert "a card is a JSON object" in capsys.readouterr().err
