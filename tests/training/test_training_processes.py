"""Several processes take the steps of one: equal losses and weights, up to the order of sums."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")
if not torch.distributed.is_available():
    pytest.skip("this torch is built without processes that work together", allow_module_level=True)

from dred.training.checkpoint import read_checkpoint  # noqa: E402
from dred.training.processes import agree, average, device_of_process, is_first, joined, share  # noqa: E402
from dred.training.trainer import CHECKPOINT  # noqa: E402

CPU = torch.device("cpu")
NUM_STEPS = 12


def run(
    launcher: list[str], recipe: str, corpus: Path, out: Path, weights: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *launcher, "-m", *(["--"] if launcher else []), "dred", "train", recipe]
    command += ["--corpus", str(corpus), "--out", str(out), "--steps", str(NUM_STEPS), "--device", "cpu", *options]
    environment = {**os.environ, "DRED_WEIGHTS": str(weights), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def torchrun(num_processes: int) -> list[str]:
    return ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(num_processes)]


def losses(folder: Path) -> np.ndarray:
    with (folder / "losses.csv").open() as file:
        return np.array([float(row["loss"]) for row in csv.DictReader(file)])


@pytest.mark.slow
@pytest.mark.reference
@pytest.mark.parametrize("recipe", ["tiny-rdovae", "tiny-pitch"])
def test_two_processes_take_the_steps_of_one(
    recipe: str, speech_corpus: Path, installed_weights: Path, tmp_path: Path
) -> None:
    for name, launcher in (("one", []), ("two", torchrun(2))):
        result = run(launcher, recipe, speech_corpus, tmp_path / name, installed_weights)
        assert result.returncode == 0, result.stderr
        # Only one of them says so.
        assert result.stdout.count("dred weights import") == 1
    one, two = (tmp_path / name for name in ("one", "two"))
    # What a sum's order changes grows from step to step; a share that were left out would change 10 % and more.
    np.testing.assert_allclose(losses(two), losses(one), rtol=2e-3)
    found, expected = (read_checkpoint(folder / CHECKPOINT) for folder in (two, one))
    assert found[1:] == expected[1:]
    for name, value in expected[0].items():
        if "/weights." in name:
            difference = (found[0][name] - value).norm() / value.norm().clamp(min=1e-3)
            assert float(difference) < 5e-3, name


@pytest.mark.slow
@pytest.mark.reference
def test_a_batch_that_cannot_be_shared_is_refused(speech_corpus: Path, installed_weights: Path, tmp_path: Path) -> None:
    result = run(torchrun(3), "tiny-pitch", speech_corpus, tmp_path / "three", installed_weights)
    assert result.returncode != 0
    assert "3 processes need a batch that is a multiple of 3, not 8" in result.stderr


@pytest.mark.slow
@pytest.mark.reference
def test_torchrun_leaves_our_options_to_us(speech_corpus: Path, installed_weights: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.safetensors"
    result = run(torchrun(1), "tiny-pitch", speech_corpus, tmp_path / "run", installed_weights, "--start", str(missing))
    assert result.returncode != 0
    # Without `--`, torchrun takes `--start` for an option of its own, cut short.
    assert "ambiguous option" not in result.stderr
    assert str(missing) in result.stderr


def test_one_process_shares_with_nobody() -> None:
    drawn = (np.arange(4), np.arange(8))
    with joined(CPU):
        assert all(kept is given for kept, given in zip(share(drawn), drawn, strict=True))
        tensors = [torch.ones(2), torch.zeros(())]
        assert all(kept is given for kept, given in zip(average(tensors), tensors, strict=True))
        assert (agree(True, CPU), agree(False, CPU)) == (True, False)
    assert is_first()


def test_each_process_has_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert device_of_process(torch.device("cuda")) == torch.device("cuda", 3)
    assert device_of_process(torch.device("cuda:1")) == torch.device("cuda", 1)
    assert device_of_process(CPU) == CPU
    monkeypatch.delenv("LOCAL_RANK")
    assert device_of_process(torch.device("cuda")) == torch.device("cuda")
