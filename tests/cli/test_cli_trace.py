"""`dred trace`: statistics, training, draws and plots from the command line."""

from pathlib import Path

import numpy as np
import pytest
from in_process import Run

from dred.channel import GilbertElliott, loss_statistics, read_trace, write_trace
from dred.channel.models import burst_lengths


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """Two traces of a bursty network."""
    folder = tmp_path / "calls"
    folder.mkdir()
    for number in (1, 2):
        lost = GilbertElliott(loss=0.3, mean_burst=4).draw(400, np.random.default_rng(number))
        write_trace(folder / f"call{number}.txt", lost)
    return folder


def test_show_tells_loss_and_bursts(dred: Run, traces: Path) -> None:
    outcome = dred("trace", "show", traces, "--json")
    expected = loss_statistics(read_trace(traces / "call1.txt"))
    assert outcome.code == 0
    told = outcome.json["traces"][0] if isinstance(outcome.json, dict) else outcome.json[0]
    assert told["packets"] == 400
    assert told["loss_percent"] == pytest.approx(100 * expected.loss_rate, abs=0.01)


def test_a_trained_model_draws_the_loss_that_is_asked_for(dred: Run, traces: Path, tmp_path: Path) -> None:
    model, drawn = tmp_path / "mine.json", tmp_path / "loss.txt"
    assert dred("trace", "fit", traces, "--out", model, "--states", "2").code == 0
    assert dred("trace", "draw", "--model", model, "--loss", "15", "--packets", "20000", "--out", drawn).code == 0
    statistics = loss_statistics(read_trace(drawn))
    assert statistics.num_packets == 20_000
    assert statistics.loss_rate == pytest.approx(0.15, abs=0.02)


def test_the_built_in_model_draws_bursts_within_bounds(dred: Run, tmp_path: Path) -> None:
    drawn = tmp_path / "loss.txt"
    words = ["--loss", "20", "--packets", "400", "--burst-ms", "120,320", "--out", drawn]
    assert dred("trace", "draw", *words).code == 0
    assert 6 < burst_lengths(read_trace(drawn)).max() <= 16


def test_a_plot_is_a_picture_with_distances(dred: Run, traces: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    picture = tmp_path / "plot.svg"
    outcome = dred("trace", "plot", traces, "--out", picture, "--draws", "5", "--json")
    assert outcome.code == 0
    assert set(outcome.json["distances"]) == {"hidden Markov", "Gilbert-Elliott", "uniform"}
    assert picture.read_text().lstrip().startswith("<?xml")


@pytest.mark.parametrize(
    "words",
    [
        ["show", "nowhere"],
        ["draw", "--packets", "0", "--out", "x.txt"],
        ["draw", "--packets", "10", "--loss", "120", "--out", "x.txt"],
        ["draw", "--packets", "10", "--model", "nowhere.json", "--out", "x.txt"],
        ["draw", "--packets", "10", "--burst-ms", "5", "--out", "x.txt"],
        ["fit", "nowhere", "--out", "x.json"],
        ["plot", "nowhere", "--out", "x.svg"],
    ],
    ids=" ".join,
)
def test_what_is_wrong_is_told_in_one_line(
    dred: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = dred("trace", *words)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
