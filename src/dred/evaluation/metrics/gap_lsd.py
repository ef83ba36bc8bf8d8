"""Log-spectral distances in dB: of the first 60 ms after each gap, and inside the gaps.

The first shows how well the received stream takes over: a decoder whose state is wrong needs a few frames. The second
shows how like the original the repair is, whatever its waveform. Frames of 20 ms every 10 ms, up to five after a gap,
each wholly after it, or inside it. Frames in which the original pauses do not count. Scores weigh by frames.

A frame's distance is the root mean square over 50 Hz to 8 kHz of the difference of the two spectra in dB; both are
filled up with white noise 60 dB below the loud frames of the original, so that silence is finitely far. Identical
speech gets 0; coding alone gives some dB.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float32, Float64

from dred.evaluation.metrics.activity import ACTIVE_DB, loud_power
from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.metrics.returns import find_returns
from dred.evaluation.score import NO_SCORE, Score
from dred.timebase import DOUBLE_FRAME_SAMPLES, FEATURE_FRAME_SAMPLES

__all__ = ["GAP_LSD", "INSIDE_LSD"]

_FLOOR_DB = -60.0


def _score_returns(speech: HeardSpeech) -> Score:
    return _measure(speech, find_returns(speech))


def _score_inside(speech: HeardSpeech) -> Score:
    return _measure(speech, ((int(start), int(end)) for start, end in speech.gaps))


def _measure(speech: HeardSpeech, stretches: Iterable[tuple[int, int]]) -> Score:
    starts = np.array(
        [
            frame
            for start, end in stretches
            for frame in range(start, end - DOUBLE_FRAME_SAMPLES + 1, FEATURE_FRAME_SAMPLES)
        ],
        np.int64,
    )
    loud = loud_power(speech.reference)
    reference, heard = (_frames(samples, starts) for samples in (speech.reference, speech.heard))
    is_active = (reference**2).mean(axis=1) >= loud * 10 ** (ACTIVE_DB / 10)
    if not loud or not is_active.any():
        return NO_SCORE
    floor = loud * 10 ** (_FLOOR_DB / 10)
    difference_db = _spectra_db(reference[is_active], floor) - _spectra_db(heard[is_active], floor)
    distances_db = np.sqrt((difference_db**2).mean(axis=1))
    return Score(float(distances_db.sum()), float(len(distances_db)))


def _frames(samples: Float32[np.ndarray, " samples"], starts: np.ndarray) -> Float64[np.ndarray, "frames 320"]:
    return samples[starts[:, None] + np.arange(DOUBLE_FRAME_SAMPLES)].astype(np.float64)


def _spectra_db(frames: Float64[np.ndarray, "frames 320"], floor: float) -> Float64[np.ndarray, "frames 160"]:
    window = np.hanning(DOUBLE_FRAME_SAMPLES + 2)[1:-1]
    power = np.abs(np.fft.rfft(frames * window)[:, 1:]) ** 2
    return 10 * np.log10(power / (window**2).sum() + floor)


GAP_LSD = Metric(
    name="gap_lsd",
    title="spectral distance in the 60 ms after gaps",
    unit="dB",
    is_higher_better=False,
    is_fast=True,
    score=_score_returns,
)
INSIDE_LSD = Metric(
    name="inside_lsd",
    title="spectral distance inside gaps",
    unit="dB",
    is_higher_better=False,
    is_fast=True,
    score=_score_inside,
)
