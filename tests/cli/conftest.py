"""A short call to run `dred` on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import Run, run

from dred.audio import read_audio, write_wav
from dred.data import bundled_clip
from dred.weights import WeightSet, write_safetensors

CLIP_SECONDS = 2


@pytest.fixture
def dred() -> Run:
    """Run a command."""
    return run


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first two seconds of the bundled clip as a wav file, 16 kHz mono."""
    audio = read_audio(bundled_clip())
    path = tmp_path_factory.mktemp("clip") / "speech.wav"
    write_wav(path, audio.samples[: CLIP_SECONDS * audio.rate_hz], audio.rate_hz)
    return path


@pytest.fixture
def no_weights(tmp_path: Path, nothing_built_in: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory without weights, in use; and none in the package."""
    directory = tmp_path / "no-weights"
    monkeypatch.setenv("DRED_WEIGHTS", str(directory))
    return directory


@pytest.fixture
def weights(installed_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with the published weights, in use."""
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    return installed_weights


@pytest.fixture
def built_in(weights_v201: WeightSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightSet:
    """Networks of dred's own, as if the package brought them along."""
    path = tmp_path / "package" / f"{weights_v201.name}.safetensors"
    write_safetensors(weights_v201, path)
    monkeypatch.setattr("dred.weights.registry.bundled_weights", lambda: (path,))
    return weights_v201


@pytest.fixture(scope="session")
def calls(installed_weights: Path, clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the clip as plain.pcap, plain.opus (both with DRED) and full.pcap (with LBRR and RED as well)."""
    folder = tmp_path_factory.mktemp("calls")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRED_WEIGHTS", str(installed_weights))
        for name, options in (("plain.pcap", ()), ("plain.opus", ()), ("full.pcap", ("--fec", "--red", "2"))):
            outcome = run("encode", clip, folder / name, *options)
            assert outcome.code == 0, outcome.err
    return folder
