"""The tiny recipes, from a corpus to speech: losses fall, killed runs go on, and what comes out can be used."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.audio import read_audio  # noqa: E402
from dred.cli import main  # noqa: E402
from dred.data import bundled_clip  # noqa: E402
from dred.rdovae import CompiledDecoder, CompiledEncoder  # noqa: E402
from dred.training.export import OWN_BITSTREAM_VERSION  # noqa: E402
from dred.training.recipes import RECIPES  # noqa: E402
from dred.vocoder import CompiledFargan  # noqa: E402
from dred.weights import WeightSet, load, read_safetensors  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.reference]


@pytest.fixture(autouse=True)
def _published(installed_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))


def losses(folder: Path) -> list[float]:
    with (folder / "losses.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def train(recipe: str, corpus: Path, out: Path, *options: object) -> None:
    assert main(["train", recipe, "--corpus", str(corpus), "--out", str(out), *map(str, options)]) == 0


def speak(weights: WeightSet, corpus: Path) -> np.ndarray:
    features = np.load(corpus / "features.npy")
    vocoder = CompiledFargan.from_tensors(weights.tensors)
    state = vocoder.start(features[100:105].copy(), np.zeros(320, np.float32))
    return vocoder.synthesise(state, features[105:205].copy())


def test_a_vocoder_learns_to_speak_in_two_stages(speech_corpus: Path, tmp_path: Path) -> None:
    train("tiny-fargan", speech_corpus, tmp_path / "1")
    curve = losses(tmp_path / "1")
    assert np.mean(curve[-5:]) < 0.92 * np.mean(curve[:5])
    train("tiny-fargan-adversarial", speech_corpus, tmp_path / "2", "--start", tmp_path / "1", "--name", "mine")
    weights = read_safetensors(tmp_path / "2" / "weights.safetensors")
    assert weights.name == "mine"
    # The payload is still the published one: only the vocoder is new.
    assert weights.tables_sha256 == load("opus-1.6.1").tables_sha256
    assert "tiny-fargan-adversarial" in weights.card.training
    spoken = speak(weights, speech_corpus)
    assert 1e-4 < np.abs(spoken).max() < 2


def test_the_rdovae_learns_to_code(speech_corpus: Path, tmp_path: Path) -> None:
    train("tiny-rdovae", speech_corpus, tmp_path)
    curve = losses(tmp_path)
    # Which levels a step draws decides much of its loss.
    assert np.mean(curve[-5:]) < 0.6 * np.mean(curve[:5])
    weights = read_safetensors(tmp_path / "weights.safetensors")
    assert weights.card.bitstream_version == OWN_BITSTREAM_VERSION
    features = np.load(speech_corpus / "features.npy")[:200]
    dims = {"latent_dim": weights.latent_dim, "state_dim": weights.state_dim}
    encoder, decoder = (kind.from_tensors(weights.tensors, **dims) for kind in (CompiledEncoder, CompiledDecoder))
    latents, states = encoder.encode_steps(encoder.initial_state(), features.reshape(-1, 2, 20))
    decoded = decoder.decode(states[-1].copy(), latents[::-2][:40].copy(), np.zeros(40, np.int64))[::-1]
    # Better than to say the mean all the time, without any quantisation.
    wrong, flat = (np.mean((guess - features[40:]) ** 2) for guess in (decoded, features.mean(axis=0)))
    assert wrong < 0.8 * flat


def test_a_second_stage_without_a_first_is_refused(
    speech_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "tiny-fargan-adversarial", "--corpus", str(speech_corpus), "--out", str(tmp_path / "2")]
    assert main(arguments) == 2
    assert "starts from the result of another run" in capsys.readouterr().err


def test_a_killed_run_gives_the_same_curve(speech_corpus: Path, tmp_path: Path) -> None:
    options = ("--steps", 60, "--device", "cpu")
    train("tiny-fargan", speech_corpus, tmp_path / "whole", *options)
    command = [sys.executable, "-m", "dred", "train", "tiny-fargan", "--corpus", str(speech_corpus)]
    command += ["--out", str(tmp_path / "killed"), *map(str, options)]
    process = subprocess.Popen(command, env=os.environ)
    deadline = time.monotonic() + 100
    while not (tmp_path / "killed" / "checkpoint.safetensors").exists():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / "weights.safetensors").exists()
    train("tiny-fargan", speech_corpus, tmp_path / "killed", *options)
    whole, killed = (tmp_path / name / "losses.csv" for name in ("whole", "killed"))
    assert killed.read_text() == whole.read_text()


def test_every_recipe_is_listed_and_named_by_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == [make().name for make in RECIPES.values()] == list(RECIPES)


def test_the_bundled_clip_is_what_the_corpus_is_made_of(speech_corpus: Path) -> None:
    num_frames = len(read_audio(bundled_clip()).samples) // 160
    assert len(np.load(speech_corpus / "features.npy")) > 1.8 * num_frames
