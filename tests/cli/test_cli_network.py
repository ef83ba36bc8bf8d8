"""`dred network`: what named networks do, told and drawn."""

from pathlib import Path

import pytest
from in_process import Run

from dred.channel import PRESETS, GilbertElliott


def test_every_network_is_listed_with_its_numbers(dred: Run) -> None:
    listed = {row["name"]: row for row in dred("network", "list", "--json").json}
    assert set(listed) == set(PRESETS)
    train = PRESETS["train"].config
    assert isinstance(train.loss, GilbertElliott)
    assert train.outages is not None
    told = listed["train"]["network"]
    assert told["loss"] == {"model": "GilbertElliott", "loss": train.loss.loss, "mean_burst": train.loss.mean_burst}
    assert told["outages"]["longest_ms"] == train.outages.longest_ms
    assert all(row["source"] for row in listed.values())
    words = dred("network", "list").out
    assert all(f"{name}: {preset.title}" in words for name, preset in PRESETS.items())
    assert "8 %, 6 packets in a row on average" in words


def test_what_is_measured_is_near_what_the_network_is_told_to_do(dred: Run) -> None:
    measured = dred("network", "show", "lossy-wifi", "--json").json["measured"]
    assert measured["packets"] == 15_000
    assert measured["loss_percent"] == pytest.approx(6, abs=1)
    assert measured["mean_burst"] == pytest.approx(3, abs=0.4)
    assert 15 <= measured["delay_ms"]["50 %"] <= 40 <= measured["delay_ms"]["100 %"]
    again, other = (dred("network", "show", "lossy-wifi", "--seed", seed, "--json").json for seed in (1, 2))
    assert again["measured"] == measured
    assert other["measured"] != measured | {"seed": 2}


@pytest.mark.parametrize("name", PRESETS)
def test_words_and_strips_stand_for_the_first_minute(dred: Run, name: str) -> None:
    outcome = dred("network", "show", name, "--seconds", "90")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    strips = lines[lines.index("the first 60 s") + 1 :]
    has_queue = PRESETS[name].config.bottleneck is not None
    assert [line.split()[0] for line in strips] == ["lost", "delay", "queue"][: 2 + has_queue]
    assert all("█" in line for line in strips)


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_picture_is_drawn_and_is_the_same_again(dred: Run, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    paths = [tmp_path / f"{number}.{suffix}" for number in range(2)]
    for path in paths:
        assert dred("network", "show", "congested-uplink", "--seconds", "20", "--out", path).code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().startswith({"svg": b"<?xml", "png": b"\x89PNG"}[suffix])


@pytest.mark.parametrize(
    "words",
    [
        ["show", "moon"],
        ["show", "train", "--seconds", "0"],
        ["show", "train", "--packet-bytes", "0"],
        ["show", "train", "--seed", "-1"],
        ["show", "train", "--out", "x.pdf"],
    ],
    ids=" ".join,
)
def test_what_is_wrong_with_a_network_is_told_in_one_line(
    dred: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = dred("network", *words)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
