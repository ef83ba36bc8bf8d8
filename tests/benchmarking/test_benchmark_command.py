"""`dred bench`: options in, JSON or tables and a picture out; nothing is measured on bad input."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dred.audio import write_wav
from dred.benchmarking import run
from dred.benchmarking.results import Results
from dred.benchmarking.run import FULL, QUICK
from dred.cli import main
from dred.opus import load_libopus


@pytest.fixture
def asked(results: Results, monkeypatch: pytest.MonkeyPatch, installed_weights: Path) -> dict[str, Any]:
    """What the command asked to be measured; what it is told is at hand already."""
    asked: dict[str, Any] = {}

    def stand_in(material: object, effort: object, **options: object) -> Results:
        asked.update(options, material=material, effort=effort)
        return results

    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    monkeypatch.setattr(run, "run_benchmark", stand_in)
    return asked


@pytest.mark.reference
def test_json_goes_to_stdout_and_the_picture_to_its_file(
    asked: dict[str, Any], results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    speech, picture = tmp_path / "call.wav", tmp_path / "bench.svg"
    write_wav(speech, np.zeros(16_000, np.float32), 16_000)
    assert main(["bench", "--quick", "--speech", str(speech), "--plot", str(picture), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(results.as_json()))
    assert picture.read_text().startswith("<svg")
    assert asked["effort"] == QUICK
    assert asked["speech_name"] == "call.wav"
    assert asked["library"] is None
    assert asked["material"].seconds == QUICK.speech_s
    assert asked["material"].weights.name == "opus-1.6.1"


@pytest.mark.reference
def test_tables_are_the_default_and_all_effort(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--weights", "opus-1.5.2"]) == 0
    assert "yardstick" in capsys.readouterr().out
    assert asked["effort"] == FULL
    assert asked["material"].weights.name == "opus-1.5.2"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--against", "{libopus}"), "is built without DRED"),
        (("--against", "{missing}"), "is no usable libopus"),
        (("--plot", "{missing}.png"), "must end in .svg"),
        (("--speech", "{missing}"), "No such file"),
        (("--weights", "nobody"), "no weights named 'nobody'"),
    ],
)
def test_bad_input_is_told_in_a_line_before_anything_is_measured(
    options: tuple[str, str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DRED_WEIGHTS", str(tmp_path / "no-weights"))
    paths = {"libopus": load_libopus().capabilities.path, "missing": tmp_path / "missing"}
    assert main(["bench", *(option.format(**paths) for option in options)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("dred: ")
    assert captured.err.count("\n") == 1
    assert told in captured.err
