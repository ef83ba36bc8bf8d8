"""The melody of speech: how far its pitch is from the original's, and where it has none or should have none.

`f0_error` is the mean distance in cents (1200 to the octave) over the frames of 10 ms that are voiced in the original.
A frame that lost its voice is an octave off, and none is further off than an octave: who leaves a gap silent must not
win. `voicing_error` is the share of all frames in percent whose voicing differs from the original's: lost, or added
where there was none, as by a buzz.
"""

import numpy as np

from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.metrics.pitch_track import track_pitch
from dred.evaluation.score import NO_SCORE, Score

__all__ = ["F0_ERROR", "VOICING_ERROR"]

_CENTS_PER_OCTAVE = 1200.0


def _score_pitch(speech: HeardSpeech) -> Score:
    said, heard = track_pitch(speech.reference), track_pitch(speech.heard)
    is_voiced = said > 0
    said, heard = said[is_voiced], heard[is_voiced]
    kept = heard > 0
    errors_cents = np.full(len(said), _CENTS_PER_OCTAVE)
    errors_cents[kept] = np.minimum(_CENTS_PER_OCTAVE, _CENTS_PER_OCTAVE * np.abs(np.log2(heard[kept] / said[kept])))
    return Score(float(errors_cents.sum()), float(len(said)))


def _score_voicing(speech: HeardSpeech) -> Score:
    said, heard = track_pitch(speech.reference), track_pitch(speech.heard)
    if not said.any():
        return NO_SCORE
    return Score(100.0 * int(((said > 0) != (heard > 0)).sum()), float(len(said)))


F0_ERROR = Metric(
    name="f0_error",
    title="distance of the pitch, where the original is voiced",
    unit="cents",
    is_higher_better=False,
    is_fast=True,
    score=_score_pitch,
)
VOICING_ERROR = Metric(
    name="voicing_error",
    title="frames whose voicing differs",
    unit="%",
    is_higher_better=False,
    is_fast=True,
    score=_score_voicing,
)
