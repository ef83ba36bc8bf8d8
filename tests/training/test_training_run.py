"""What a run remembers of its corpus: the same of the same speech, whichever dred built it."""

import numpy as np
import pytest
from synthetic_corpus import make_corpus

pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.training.data import Corpus
from dred.training.run import _fingerprint


def marked(corpus: Corpus, *are_synthetic: bool) -> Corpus:
    clips = [clip | {"is_synthetic": flag} for clip, flag in zip(corpus.clips, are_synthetic, strict=True)]
    return Corpus(samples=corpus.samples, features=corpus.features, clips=clips)


def test_a_run_that_began_before_clips_told_who_spoke_goes_on(rng: np.random.Generator) -> None:
    corpus = make_corpus(rng)
    assert _fingerprint(marked(corpus, False, False, False)) == _fingerprint(corpus)


def test_the_hours_of_synthesised_speech_are_told(rng: np.random.Generator) -> None:
    corpus = marked(make_corpus(rng), False, True, True)
    long = [clip | {"num_frames": 3_600 * clip["num_frames"]} for clip in corpus.clips]
    about = _fingerprint(Corpus(samples=corpus.samples, features=corpus.features, clips=long))
    # Training speech alone: 3600 times 2.5 and 1 s.
    assert (about["hours"], about["synthetic_hours"]) == (3.5, 1.0)
