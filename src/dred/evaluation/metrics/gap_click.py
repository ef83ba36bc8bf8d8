"""Clicks at the edges of gaps: how much sharper the speech bends there than the original around it, in dB.

Sharpness is the largest third difference of the samples: it hears steps and corners, and is nearly deaf to what speech
is mostly made of. That within 2.5 ms of each edge is set against that of the original within 10 ms of it, which holds
a glottal pulse if the voice has them; what is less sharp counts as 0. Without anything sharp nearby, in pauses, a
click is set against a level 60 dB below the original's loud frames. Scores weigh by edges. Identical speech gets 0.
"""

import numpy as np
from jaxtyping import Float32

from dred.evaluation.metrics.activity import loud_power
from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.score import NO_SCORE, Score, total_score
from dred.timebase import ms_to_samples

__all__ = ["GAP_CLICK"]

_ORDER = 3
_EDGE_SAMPLES = ms_to_samples(2.5)
_AROUND_SAMPLES = ms_to_samples(10)
_FLOOR_DB = -60.0


def _score(speech: HeardSpeech) -> Score:
    loud = loud_power(speech.reference)
    if not loud:
        return NO_SCORE
    floor = np.sqrt(loud) * 10 ** (_FLOOR_DB / 20)
    return total_score(
        Score(_click_db(speech, int(edge), floor)) for edge in speech.gaps.flat if 0 < edge < len(speech.reference)
    )


def _click_db(speech: HeardSpeech, edge: int, floor: float) -> float:
    heard = _sharpness(speech.heard, edge, _EDGE_SAMPLES)
    around = _sharpness(speech.reference, edge, _AROUND_SAMPLES)
    return float(max(0.0, 20 * np.log10((heard + floor) / (around + floor))))


def _sharpness(samples: Float32[np.ndarray, " samples"], edge: int, reach_samples: int) -> float:
    near = samples[max(0, edge - reach_samples) : edge + reach_samples].astype(np.float64)
    return float(np.abs(np.diff(near, _ORDER)).max(initial=0.0))


GAP_CLICK = Metric(
    name="gap_click",
    title="sharpness of gap edges beyond the original's",
    unit="dB",
    is_higher_better=False,
    is_fast=True,
    score=_score,
)
