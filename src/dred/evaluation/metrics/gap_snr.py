"""Signal-to-noise ratio in dB of the 60 ms after each gap: how soon the waveform is the original's again.

Each stretch is limited to -10..35 dB. Stretches in which the original pauses do not count. Scores weigh by stretches.
Identical speech gets 35; coding alone gives 5 to 15 dB.
"""

import numpy as np
from jaxtyping import Float64

from dred.evaluation.metrics.activity import ACTIVE_DB, loud_power
from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.metrics.returns import find_returns
from dred.evaluation.score import Score, total_score
from dred.timebase import DOUBLE_FRAME_SAMPLES

__all__ = ["GAP_SNR"]

_LEAST_DB, _MOST_DB = -10.0, 35.0


def _score(speech: HeardSpeech) -> Score:
    least_power = loud_power(speech.reference) * 10 ** (ACTIVE_DB / 10)
    scores = []
    for start, end in find_returns(speech):
        reference, heard = (samples[start:end].astype(np.float64) for samples in (speech.reference, speech.heard))
        if end - start >= DOUBLE_FRAME_SAMPLES and _power(reference) > least_power:
            scores.append(Score(_snr_db(_power(reference), _power(heard - reference))))
    return total_score(scores)


def _power(samples: Float64[np.ndarray, " samples"]) -> float:
    return float((samples**2).mean())


def _snr_db(signal: float, noise: float) -> float:
    ratio = signal / noise if noise else np.inf
    return float(np.clip(10 * np.log10(ratio), _LEAST_DB, _MOST_DB))


GAP_SNR = Metric(
    name="gap_snr",
    title="signal-to-noise ratio in the 60 ms after gaps",
    unit="dB",
    is_higher_better=True,
    is_fast=True,
    score=_score,
)
