"""ESTOI: how much of the speech can be understood, 0 to 1, beside the original.

Correlates the envelopes of third-octave bands up to 4.3 kHz over 384 ms. Identical speech gets 1.

Source: Jensen, Taal, "An algorithm for predicting the intelligibility of speech masked by modulated noise maskers",
IEEE TASLP 24(11), 2016.
"""

import warnings
from importlib import import_module
from threading import Lock

import numpy as np

from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.score import NO_SCORE, Score
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["ESTOI"]

_SEED = 20
# What pystoi answers where less than 384 ms are active.
_TOO_SHORT = 1e-5
# A frame of its 10 kHz, 25.6 ms, and a bit.
_LEAST_SAMPLES = SAMPLE_RATE_HZ // 20
_global_generator = Lock()


def _score(speech: HeardSpeech) -> Score:
    if len(speech.reference) < _LEAST_SAMPLES or not speech.reference.any():
        return NO_SCORE
    stoi = import_module("pystoi").stoi
    # It adds a trace of noise from the global generator, whose state is put back; threads take turns.
    with _global_generator:
        state = np.random.get_state()  # noqa: NPY002
        np.random.seed(_SEED)  # noqa: NPY002
        try:
            with warnings.catch_warnings(action="ignore"):
                found = float(stoi(speech.reference, speech.heard, SAMPLE_RATE_HZ, extended=True))
        finally:
            np.random.set_state(state)  # noqa: NPY002
    return NO_SCORE if found == _TOO_SHORT else Score(found)


ESTOI = Metric(
    name="estoi",
    title="intelligibility (ESTOI)",
    unit="",
    is_higher_better=True,
    is_fast=True,
    packages=("pystoi", "scipy"),
    extra="eval",
    score=_score,
)
