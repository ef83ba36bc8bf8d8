"""`dred simulate` from the command line: files, sentences, exit codes."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_simulation import short_clip

from dred.audio import read_audio, write_wav
from dred.channel import write_trace
from dred.cli import main
from dred.errors import UsageError
from dred.report import staged_folder


@pytest.fixture
def speech(tmp_path: Path, installed_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second of speech in a file, and weights to work with."""
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    write_wav(tmp_path / "speech.wav", short_clip().samples[:16_000], 16_000)
    return tmp_path / "speech.wav"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "new" / "out"


def test_all_results_are_written_and_named(speech: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_trace(speech.with_name("call.txt"), np.arange(9) >= 6)
    trace = str(speech.with_name("call.txt"))
    assert main(["simulate", str(speech), "--trace", trace, "--out", str(out)]) == 0
    schemes = ["clean", "zero", "plc", "neural-plc", "red", "lbrr", "dred", "dred+lbrr"]
    assert {path.name for path in out.iterdir()} == {
        "summary.json",
        "report.html",
        *(f"{scheme}.wav" for scheme in schemes),
    }
    for scheme in schemes:
        audio = read_audio(out / f"{scheme}.wav")
        assert (audio.samples.shape, audio.rate_hz) == ((16_000, 1), 16_000)
    summary = json.loads((out / "summary.json").read_text())
    assert list(summary["schemes"]) == schemes
    assert summary["input"] == "speech.wav"
    assert summary["loss"] == {
        "trace": "call.txt",
        "network": None,
        "loss_percent": None,
        "mean_burst": None,
        "seed": None,
    }
    assert summary["schemes"]["plc"]["frames"] == {"total": 51, "lost": 15}
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()[1:9]] == schemes
    assert str(out / "report.html") in printed.out
    assert printed.err == ""


def test_json_is_the_summary_and_options_reach_the_senders(
    speech: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--schemes dred,red --bitrate 16000 --dred-ms 200 --q0 8 --dq 2 --qmax 12 --red 3 --loss 10 --burst 1"
    arguments = ["simulate", str(speech), "--out", str(out), "--json", "--seed", "5", "--weights", "opus-1.5.2"]
    assert main([*arguments, *options.split()]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == json.loads((out / "summary.json").read_text())
    assert list(summary["schemes"]) == ["red", "dred"]
    assert summary["bitrate_bps"] == 16_000
    assert summary["weights"] == "opus-1.5.2"
    assert summary["dred"] == {"duration_ms": 200, "version": "10", "q0": 8, "dq": 2, "qmax": 12, "max_bytes": 1000}
    assert summary["red_copies"] == 3
    assert summary["loss"] == {"trace": None, "network": None, "loss_percent": 10, "mean_burst": 1, "seed": 5}
    rates = {name: scheme["kbps"] for name, scheme in summary["schemes"].items()}
    assert rates["red"]["red"] > 2.5 * rates["red"]["main"]
    assert 0 < rates["dred"]["dred"] < 15


def test_without_an_input_the_bundled_clip_is_taken(
    speech: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--out", str(out), "--schemes", "clean", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["input"] == "speech.flac"
    assert summary["seconds"] > 10


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.wav"], "missing.wav"),
        (["--loss", "100"], "loss must be 0 to 99 percent"),
        (["--burst", "0"], "burst must be at least 1 packet"),
        (["--schemes", "magic"], "schemes must be some of clean, zero"),
        (["--dred-ms", "2000"], "duration_ms must be 20 to 1040"),
        (["--red", "0"], "the number of RED copies must be 1 to 9"),
        (["--trace", "missing.txt"], "missing.txt"),
        (["--weights", "nobody"], "nobody"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_is_one_line_and_leaves_no_file(
    speech: Path, out: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    given = arguments if arguments[0] == "missing.wav" else [str(speech), *arguments]
    assert main(["simulate", *given, "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not out.exists() or not list(out.iterdir())


def test_a_folder_that_cannot_be_made_is_told_before_any_work(speech: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--out", str(speech)]) == 2
    assert f"cannot write into {speech}" in capsys.readouterr().err


def test_an_interruption_leaves_old_results_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("old")

    def write_half() -> None:
        with staged_folder(tmp_path) as staging:
            (staging / "summary.json").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"summary.json": "old"}


def test_new_results_replace_old_ones_and_keep_other_files(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    with staged_folder(tmp_path) as staging:
        (staging / "summary.json").write_text("new")
        assert (tmp_path / "summary.json").read_text() == "old"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"summary.json": "new", "notes.txt": "mine"}


def test_a_result_whose_name_is_taken_by_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UsageError, match=r"cannot write .*report\.html"), staged_folder(tmp_path) as staging:
        (staging / "report.html").write_text("page")
