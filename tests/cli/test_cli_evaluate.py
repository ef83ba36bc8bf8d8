"""`dred evaluate` as a user calls it: a folder of results, a page, and one clear line when something is wrong."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from in_process import Run

from dred.audio import read_audio, write_wav
from dred.data import bundled_clip
from dred.evaluation.folder import read_evaluation

EXPERIMENT = """
title = "A small experiment"
metrics = ["gap_snr"]
[[scheme]]
name = "clean"
is_lossy = false
[[scheme]]
name = "plc"
plc = "classic"
[[scheme]]
name = "dred"
dred = {duration_ms = 500}
[[network]]
name = "bursts"
model = "gilbert-elliott"
loss_percent = [10, 30]
"""


@pytest.fixture
def experiment(tmp_path: Path, installed_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    speech = tmp_path / "speech"
    speech.mkdir()
    samples = read_audio(bundled_clip()).samples
    for name, start in (("one", 16_000), ("two", 48_000)):
        write_wav(speech / f"{name}.wav", samples[start : start + 16_000], 16_000)
    path = tmp_path / "small.toml"
    path.write_text(EXPERIMENT)
    return path


def test_an_evaluation_leaves_a_page_tables_and_all_rows(experiment: Path, dred: Run) -> None:
    out = experiment.parent / "found"
    found = dred("evaluate", experiment, "--speech", experiment.parent / "speech", "--out", out, "--jobs", "1")
    assert found.code == 0
    assert found.out.splitlines()[-1] == f"look and listen: {out / 'report.html'}"
    assert {path.name for path in out.iterdir()} >= {"report.html", "rows.csv", "evaluation.json", "cache"}
    evaluation = read_evaluation(out)
    assert len(evaluation.rows) == 3 * 2 * 2
    assert "A small experiment" in (out / "report.html").read_text()


def test_json_gives_means_with_intervals_by_scheme(experiment: Path, dred: Run) -> None:
    speech, out = experiment.parent / "speech", experiment.parent / "found"
    found = dred("evaluate", experiment, "--speech", speech, "--out", out, "--jobs", "1", "--json")
    summary = found.json
    assert found.code == 0
    assert list(summary) == ["clean", "plc", "dred"]
    assert summary["clean"]["gap_snr"] == {"mean": None, "low": None, "high": None}
    interval = summary["dred"]["gap_snr"]
    assert interval["low"] <= interval["mean"] <= interval["high"]
    assert summary["dred"]["kbps"] > summary["plc"]["kbps"]


def test_a_network_without_losses_does_not_flatter_the_summary(experiment: Path, dred: Run) -> None:
    speech, out = experiment.parent / "speech", experiment.parent / "found"
    words = ("--speech", speech, "--out", out, "--jobs", "1", "--metrics", "f0_error", "--json")
    lossy = dred("evaluate", experiment, *words).json
    experiment.write_text(EXPERIMENT + '[[network]]\nname = "quiet"\n')
    assert dred("evaluate", experiment, *words).json == lossy
    experiment.write_text(EXPERIMENT.partition("[[network]]")[0] + '[[network]]\nname = "quiet"\n')
    quiet = dred("evaluate", experiment, *words).json
    assert quiet["plc"]["loss_percent"] == 0
    assert quiet["plc"]["f0_error"]["mean"] < lossy["plc"]["f0_error"]["mean"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["missing.toml", "--out", "x"], "cannot read missing.toml"),
        (["small.toml", "--out", "x", "--speech", "nowhere"], "cannot read nowhere"),
        (["small.toml", "--out", "small.toml"], "cannot make small.toml"),
        (["small.toml", "--out", "x", "--metrics", "taste"], "no metric is called taste"),
        (["small.toml", "--out", "x", "--jobs", "0"], "jobs must be at least 1"),
        (["small.toml", "--out", "x", "--clips", "0"], "count must be at least 1"),
        (["small.toml", "--out", "x", "--weights", "none"], "none"),
        (["broken.toml", "--out", "x"], "broken.toml"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    experiment: Path, dred: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(experiment.parent)
    Path("broken.toml").write_text("= 1")
    found = dred("evaluate", *arguments)
    assert found.code == 2
    assert told in found.err
    assert len(found.err.splitlines()) == 1


@pytest.mark.slow
def test_an_interrupt_keeps_what_was_done_and_the_next_run_goes_on(experiment: Path) -> None:
    out = experiment.parent / "found"
    words = [experiment, "--speech", experiment.parent / "speech", "--out", out, "--jobs", "1"]
    command = [sys.executable, "-m", "dred", "evaluate", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    cache = out / "cache"
    while process.poll() is None and not list(cache.rglob("*.json")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=120)
    kept = {path: path.read_bytes() for path in cache.rglob("*.json")}
    assert kept
    if process.returncode:
        assert (process.returncode, complaint) == (130, "dred: interrupted\n")
        assert not (out / "report.html").exists()
    subprocess.run(command, check=True, capture_output=True)
    assert len(read_evaluation(out).rows) == 12
    assert all(path.read_bytes() == data for path, data in kept.items())
