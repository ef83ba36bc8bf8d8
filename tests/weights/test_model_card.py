"""Model cards: into a file's metadata and back, into words, and refused where they are not sound."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import ModelError
from dred.weights import (
    DataSource,
    MeasuredFigure,
    ModelCard,
    NetworkTraining,
    WeightSet,
    as_json,
    describe,
    parse_model_card,
    read_safetensors,
    write_model_card,
    write_safetensors,
)

CARD = ModelCard(
    intended_use="calls between two ends that both use dred",
    known_failures=("music", "two voices at once"),
    data=(DataSource(name="LibriSpeech", licence="CC-BY-4.0", hours=1.5, note="read English"),),
    networks=(
        NetworkTraining(
            network="FARGAN vocoder",
            recipe="fargan, fargan-adversarial",
            steps=6650,
            seed=97,
            commit="abc123",
            compute="one H200, 8 min",
        ),
    ),
    metrics=(MeasuredFigure(name="PLCMOS", value=3.5, low=3.4, high=3.6, conditions="71 clips"),),
)


@pytest.fixture
def trained(tiny_weights: WeightSet) -> WeightSet:
    card = replace(tiny_weights.card, libopus="", bitstream_version=201, model=CARD)
    return replace(tiny_weights, name="trained", card=card)


def test_a_card_goes_through_json() -> None:
    assert parse_model_card(json.loads(json.dumps(write_model_card(CARD)))) == CARD


def test_whole_numbers_pass_for_reals() -> None:
    value = json.loads(json.dumps(write_model_card(CARD)))
    value["data"][0]["hours"] = 2
    hours = parse_model_card(value).data[0].hours
    assert (hours, type(hours)) == (2.0, float)


def test_a_card_is_part_of_the_file(trained: WeightSet, tmp_path: Path) -> None:
    write_safetensors(trained, tmp_path / "a.safetensors")
    assert read_safetensors(tmp_path / "a.safetensors").card == trained.card


def test_files_without_a_model_card_are_what_they_were(tiny_weights: WeightSet, tmp_path: Path) -> None:
    write_safetensors(tiny_weights, tmp_path / "a.safetensors")
    assert b'\\"model\\"' not in (tmp_path / "a.safetensors").read_bytes()
    assert read_safetensors(tmp_path / "a.safetensors").card.model is None


def test_words_tell_all_of_it(trained: WeightSet) -> None:
    lines = describe(trained).splitlines()
    for line in (
        "bitstream version:  201, not interoperable with libopus",
        "intended use",
        "  calls between two ends that both use dred",
        "known failures",
        "  music",
        "  two voices at once",
        "trained on",
        "  LibriSpeech, 1.5 h, CC-BY-4.0; read English",
        "trained by",
        "  FARGAN vocoder: fargan, fargan-adversarial, 6,650 steps, seed 97, commit abc123; one H200, 8 min",
        "figures, with intervals of 95 %",
        "  PLCMOS: 3.5 (3.4 to 3.6); 71 clips",
    ):
        assert line in lines
    assert max(map(len, lines)) <= 120


def test_json_tells_all_of_it(trained: WeightSet) -> None:
    told = json.loads(json.dumps(as_json(trained)))
    assert parse_model_card(told["model"]) == CARD
    assert (told["name"], told["arrays_sha256"]) == ("trained", trained.tensors_sha256)
    assert [layer["name"] for layer in told["layers"]] == [layer.name for layer in trained.layers]


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("intended_use",), 5, "the model card's intended_use is 5, not a str"),
        (("known_failures",), "music", "the model card's known_failures is no list"),
        (("known_failures", 0), None, "the model card's known_failures is None, not a str"),
        (("data",), [[]], "the model card's data is no JSON object"),
        (("data", 0, "hours"), "1", "the model card's data's hours is '1', not a float"),
        (("networks", 0, "steps"), True, "the model card's networks's steps is True, not a int"),
        (("networks", 0, "weather"), "fine", "the model card's networks has an unknown field 'weather'"),
        (("metrics", 0, "low"), 3.7, "PLCMOS of 3.5 is not within 3.7 to 3.6"),
    ],
)
def test_a_card_that_is_not_sound_is_refused(path: tuple[str | int, ...], value: object, complaint: str) -> None:
    card = json.loads(json.dumps(write_model_card(CARD)))
    place = card
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ModelError, match=complaint):
        parse_model_card(card)


def test_a_missing_field_is_named() -> None:
    card = json.loads(json.dumps(write_model_card(CARD)))
    del card["metrics"][0]["high"]
    with pytest.raises(ModelError, match="metrics has no field 'high'"):
        parse_model_card(card)


@pytest.mark.parametrize("hours", [10**400, float("nan"), float("inf")], ids=["huge", "nan", "inf"])
def test_numbers_are_finite(hours: float) -> None:
    value = json.loads(json.dumps(write_model_card(CARD)))
    value["data"][0]["hours"] = hours
    with pytest.raises(ModelError, match="hours is not finite"):
        parse_model_card(value)


def test_a_terminal_obeys_nothing_in_a_card(trained: WeightSet) -> None:
    model = replace(CARD, intended_use="all\x1b[2J\nlicence: \ud800")
    told = describe(replace(trained, card=replace(trained.card, source="a\nb", model=model)))
    assert "\x1b" not in told
    told.encode()
    assert "a\N{REPLACEMENT CHARACTER}b" in told


PLACES = [
    ("intended_use",),
    ("known_failures",),
    ("known_failures", 0),
    ("data", 0),
    ("data", 0, "hours"),
    ("data", 0, "note"),
    ("networks",),
    ("networks", 0, "steps"),
    ("metrics", 0, "value"),
    ("metrics", 0, "high"),
]


@given(
    place=st.sampled_from(PLACES),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "networks", "metrics", "name", "value", "x"]), inner, max_size=4)
        ),
        max_leaves=10,
    ),
)
def test_any_value_makes_a_card_or_is_refused(place: tuple[str | int, ...], value: object) -> None:
    card = json.loads(json.dumps(write_model_card(CARD)))
    inner = card
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with suppress(ModelError):
        assert isinstance(parse_model_card(card), ModelCard)
