"""A small corpus of real speech, for runs from end to end; torch keeps to one thread, as tests run side by side."""

import os
from pathlib import Path

import pytest

# Threads that wait for each other on a busy machine can take a hundred times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def speech_corpus(installed_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a corpus of the bundled clip and one variant of it."""
    import shutil

    from dred.data import bundled_clip
    from dred.training.data import CorpusConfig, build_corpus, find_clips

    folder = tmp_path_factory.mktemp("corpus")
    (folder / "recordings" / "speaker").mkdir(parents=True)
    shutil.copy(bundled_clip(), folder / "recordings" / "speaker")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRED_WEIGHTS", str(installed_weights))
        clips = find_clips([folder / "recordings"])
        assert [clip.split for clip in clips] == ["train"]
        build_corpus(clips, folder / "corpus", CorpusConfig(num_variants=2))
    return folder / "corpus"
