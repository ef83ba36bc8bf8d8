"""The tiny recipes, from a corpus to speech: losses fall, killed runs go on, and what comes out can be used."""

import csv
import json
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
from dred.concealment import CompiledPredictor  # noqa: E402
from dred.data import bundled_clip  # noqa: E402
from dred.features import NUM_CEPSTRA, PITCH, VOICING, FeatureExtractor, burg_feature_frames  # noqa: E402
from dred.nn import Gru, default_engine  # noqa: E402
from dred.rdovae import CompiledDecoder, CompiledEncoder  # noqa: E402
from dred.training.data import Corpus  # noqa: E402
from dred.training.excitation import ExcitationCoding, ExcitationConfig  # noqa: E402
from dred.training.export import OWN_BITSTREAM_VERSION  # noqa: E402
from dred.training.recipes import RECIPES  # noqa: E402
from dred.vocoder import CompiledFargan, CompiledLpcnet  # noqa: E402
from dred.weights import ESSENTIAL_COMPONENTS, WeightSet, load, read_safetensors  # noqa: E402

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


def speech() -> np.ndarray:
    """The clip that the corpus is made of, whole frames on the int16 scale."""
    samples = 32768 * read_audio(bundled_clip()).samples[:, 0]
    return samples[: len(samples) // 320 * 320].astype(np.float32)


def extract(weights: WeightSet) -> np.ndarray:
    extractor = FeatureExtractor.from_tensors(weights.tensors, default_engine())
    return extractor.extract(extractor.initial_state(), speech())


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


def test_an_lpcnet_learns_to_speak(speech_corpus: Path, tmp_path: Path) -> None:
    train("tiny-lpcnet", speech_corpus, tmp_path)
    curve = losses(tmp_path)
    task = ExcitationCoding(Corpus.open(speech_corpus), ExcitationConfig(batch=200, num_frames=2), torch.device("cpu"))
    counts = np.bincount(task.draw(np.random.default_rng(1))[2].ravel())
    shares = counts[counts > 0] / counts.sum()
    # Less surprised than who knows how frequent each level is, and nothing of the past.
    assert np.mean(curve[-5:]) < -(shares * np.log(shares)).sum() - 0.15
    assert np.mean(curve[-5:]) < curve[0]
    weights = read_safetensors(tmp_path / "weights.safetensors")
    assert weights.tables_sha256 == load("opus-1.6.1").tables_sha256
    features = np.load(speech_corpus / "features.npy")
    vocoder = CompiledLpcnet.from_tensors(weights.tensors)
    spoken = vocoder.synthesise(vocoder.start(features[100:105].copy(), np.zeros(320, np.float32)), features[105:205])
    assert 1e-4 < np.abs(spoken).max() < 7
    # Kernels skip what is zero in blocks.
    integers = Gru.from_tensors(weights.tensors, "lpcnet_gru_a").recurrent.integers
    assert integers is not None
    is_used = integers.reshape(3, -1, 8, 8, 4).any(axis=(2, 4))
    np.testing.assert_allclose(is_used.mean(axis=(1, 2)), [0.43, 0.43, 0.62], atol=0.1)


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
    # What published sets have sparse is as sparse here.
    sparse = {layer.name: layer.num_weights for layer in weights.layers if layer.is_sparse}
    published = {layer.name: layer for layer in load("opus-1.6.1").layers}
    assert len(sparse) == 21
    assert all(num_weights == published[name].num_weights for name, num_weights in sparse.items())
    # Better than to say the mean all the time, without any quantisation.
    wrong, flat = (np.mean((guess - features[40:]) ** 2) for guess in (decoded, features.mean(axis=0)))
    assert wrong < 0.8 * flat


def test_a_pitch_network_learns_to_follow_another(speech_corpus: Path, tmp_path: Path) -> None:
    train("tiny-pitch", speech_corpus, tmp_path)
    curve = losses(tmp_path)
    assert np.mean(curve[-5:]) < 0.85 * np.mean(curve[:2])
    weights = read_safetensors(tmp_path / "weights.safetensors")
    # Only what the extractor says of the pitch is new; the payload is the published one.
    assert weights.tables_sha256 == load("opus-1.6.1").tables_sha256
    followed, published = (extract(each) for each in (weights, load("opus-1.6.1")))
    np.testing.assert_array_equal(followed[:, :NUM_CEPSTRA], published[:, :NUM_CEPSTRA])
    is_voiced = published[:, VOICING] > 0.2
    octaves = np.abs(followed - published)[is_voiced, PITCH]
    # Better than the best constant, which knows the speakers.
    constant = np.abs(published[is_voiced, PITCH] - np.median(published[is_voiced, PITCH]))
    assert octaves.mean() < 0.8 * constant.mean()


def test_a_predictor_learns_to_guess(speech_corpus: Path, tmp_path: Path) -> None:
    train("tiny-plc", speech_corpus, tmp_path)
    curve = losses(tmp_path)
    assert np.mean(curve[-5:]) < 0.6 * np.mean(curve[:2])
    predictor = CompiledPredictor.from_tensors(read_safetensors(tmp_path / "weights.safetensors").tensors)
    samples, features = speech(), extract(load("opus-1.6.1"))
    burg, state = burg_feature_frames(samples), predictor.initial_state()
    guessed = []
    for frame in range(300):
        guessed.append(predictor.predict(state.copy()))
        predictor.hear(state, burg[frame : frame + 1], features[frame : frame + 1])
    wrong, flat = (
        np.mean((guess - features[100:300, :NUM_CEPSTRA]) ** 2)
        for guess in (np.array(guessed)[100:, :NUM_CEPSTRA], features[:, :NUM_CEPSTRA].mean(axis=0))
    )
    # Better than to say the mean all the time.
    assert wrong < 0.7 * flat


def test_four_runs_make_a_set_of_their_own(speech_corpus: Path, tmp_path: Path) -> None:
    options = []
    for recipe in ("tiny-fargan", "tiny-rdovae", "tiny-pitch", "tiny-plc"):
        train(recipe, speech_corpus, tmp_path / recipe, "--steps", 12)
        options += [f"--{recipe.removeprefix('tiny-')}", str(tmp_path / recipe)]
    assert main(["weights", "combine", str(tmp_path / "own.safetensors"), *options]) == 0
    own, published = read_safetensors(tmp_path / "own.safetensors"), load("opus-1.6.1")
    assert {layer.component for layer in own.layers} == set(ESSENTIAL_COMPONENTS)
    theirs = {array.tobytes() for array in published.tensors.values()}
    # A bias of zeros is nobody's.
    assert not [name for name, array in own.tensors.items() if array.any() and array.tobytes() in theirs]
    assert json.loads(own.card.training)["PLC predictor"]["recipe"] == "tiny-plc"
    # Speech passes all four: analysed, coded, guessed, spoken.
    features = extract(own)
    dims = {"latent_dim": own.latent_dim, "state_dim": own.state_dim}
    encoder, decoder = (kind.from_tensors(own.tensors, **dims) for kind in (CompiledEncoder, CompiledDecoder))
    latents, states = encoder.encode_steps(encoder.initial_state(), features[:200].reshape(-1, 2, 20))
    decoded = decoder.decode(states[-1].copy(), latents[::-2][:40].copy(), np.zeros(40, np.int64))[::-1].copy()
    vocoder = CompiledFargan.from_tensors(own.tensors)
    spoken = vocoder.synthesise(vocoder.start(decoded[:5], np.zeros(320, np.float32)), decoded[5:])
    predictor = CompiledPredictor.from_tensors(own.tensors)
    state = predictor.initial_state()
    predictor.follow(state, decoded)
    assert np.isfinite(spoken).all()
    assert np.isfinite(predictor.predict(state)).all()


def test_a_second_stage_without_a_first_is_refused(
    speech_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "tiny-fargan-adversarial", "--corpus", str(speech_corpus), "--out", str(tmp_path / "2")]
    assert main(arguments) == 2
    assert "starts from the result of another run" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", ["tiny-fargan", "tiny-rdovae"])
def test_a_killed_run_gives_the_same_curve(recipe: str, speech_corpus: Path, tmp_path: Path) -> None:
    options = ("--steps", 60, "--device", "cpu")
    train(recipe, speech_corpus, tmp_path / "whole", *options)
    command = [sys.executable, "-m", "dred", "train", recipe, "--corpus", str(speech_corpus)]
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
    train(recipe, speech_corpus, tmp_path / "killed", *options)
    whole, killed = (tmp_path / name / "losses.csv" for name in ("whole", "killed"))
    assert killed.read_text() == whole.read_text()
    weights = [read_safetensors(tmp_path / name / "weights.safetensors") for name in ("whole", "killed")]
    assert weights[0].tensors_sha256 == weights[1].tensors_sha256


def test_every_recipe_is_listed_and_named_by_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == [make().name for make in RECIPES.values()] == list(RECIPES)


def test_the_bundled_clip_is_what_the_corpus_is_made_of(speech_corpus: Path) -> None:
    num_frames = len(read_audio(bundled_clip()).samples) // 160
    assert len(np.load(speech_corpus / "features.npy")) > 1.8 * num_frames
