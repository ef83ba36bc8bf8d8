"""The examples of docs/cli.md run, one after the other."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from in_process import Run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINES = [line.removeprefix("$ ") for block in CONSOLE.findall(PAGE.read_text()) for line in block.splitlines()]


@pytest.mark.reference
def test_the_examples_run_in_their_order(
    dred: Run, weights: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(clip, tmp_path / "speech.wav")
    monkeypatch.chdir(tmp_path)
    for line in LINES:
        program, *arguments = shlex.split(line)
        if program == "dred":
            outcome = dred(*arguments)
            assert outcome.code == 0, f"{line}: {outcome.err}"
        else:
            subprocess.run(line, shell=True, check=True)


@pytest.mark.parametrize("command", ["encode", "decode", "inspect", "simulate", "doctor", "warmup", "weights list"])
def test_every_command_has_an_example(command: str) -> None:
    assert any(line.startswith(f"dred {command}") for line in LINES)
