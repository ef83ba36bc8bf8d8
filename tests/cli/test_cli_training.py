"""`dred train` and `dred corpus` before any training: what they say, and without torch."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from in_process import Run

from dred.cli import corpus
from dred.training.data import CorpusConfig

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from dred.cli import main; sys.exit(main(sys.argv[1:]))"


def test_training_without_torch_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, "train", "list"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "dred: training needs torch: pip install 'dred[train]'\n"


def test_shares_of_augmentations_default_to_those_of_the_api() -> None:
    defaults = {name: option.default for name, option in inspect.signature(corpus.build).parameters.items()}
    config = CorpusConfig()
    shares = {"tempo": "tempo", "formants": "formant", "rooms": "room", "codec": "codec"}
    for option, name in shares.items():
        assert defaults[option] == getattr(config.augmentation, f"{name}_share")
    assert defaults["max_pause_ms"] == config.max_pause_ms
    assert defaults["variants"] == config.num_variants
    assert not config.augmentation.noise_folder


def test_a_corpus_of_a_missing_folder_is_refused(dred: Run, tmp_path: Path) -> None:
    outcome = dred("corpus", "build", tmp_path / "nowhere", "--out", tmp_path / "corpus")
    assert outcome.code == 2
    assert "there is no folder" in outcome.err
    assert not (tmp_path / "corpus").exists()


def test_a_corpus_of_a_folder_without_recordings_is_refused(dred: Run, tmp_path: Path) -> None:
    outcome = dred("corpus", "build", tmp_path, "--out", tmp_path / "corpus")
    assert outcome.code == 2
    assert "holds no recordings" in outcome.err


def test_a_synthesiser_that_is_missing_is_told_in_one_line(
    dred: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dred.training.synthesis.kokoro.find_spec", lambda name: None)
    outcome = dred("corpus", "synthesise", tmp_path / "speech", "--voices", tmp_path / "kokoro-js.tgz")
    assert outcome.code == 2
    assert "pip install 'dred[synthesis]'" in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "speech").exists()


def test_a_collection_that_is_not_known_is_refused(dred: Run, tmp_path: Path) -> None:
    outcome = dred("corpus", "fetch", "everything", "--out", tmp_path / "speech")
    assert outcome.code == 2
    assert "the collection is festvox-ru, not everything" in outcome.err
    assert not (tmp_path / "speech").exists()
