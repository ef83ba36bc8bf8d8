"""PESQ, wideband: what listeners would say of the speech beside the original.

Made for codecs: it demands the same waveform within milliseconds, so that it is unfair to vocoders. Identical speech
gets 4.644, the least is about 1.02.

Source: ITU-T P.862.2.
"""

import warnings
from importlib import import_module

from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.score import NO_SCORE, Score
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["PESQ"]


def _score(speech: HeardSpeech) -> Score:
    package = import_module("pesq")
    keep_errors = package.PesqError.RETURN_VALUES
    with warnings.catch_warnings(action="ignore"):
        found = float(package.pesq(SAMPLE_RATE_HZ, speech.reference, speech.heard, "wb", on_error=keep_errors))
    # Negative: too short, or no utterance in it. Not a number: nothing to be heard.
    return Score(found) if found > 0 else NO_SCORE


PESQ = Metric(
    name="pesq",
    title="opinion beside the original (PESQ-WB)",
    unit="MOS",
    is_higher_better=True,
    is_fast=True,
    packages=("pesq",),
    extra="eval",
    score=_score,
)
