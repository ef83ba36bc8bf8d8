"""The active level of speech: how loud it is while somebody speaks.

Source: ITU-T P.56, method B, on an envelope at 1 kHz (P.56 asks for 694 Hz at least).
"""

from math import exp, log10

import numpy as np
from jaxtyping import Float32, Float64

from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["active_level_db"]

_ENVELOPE_HZ = 1000
_TIME_CONSTANT_S = 0.03
_HANGOVER_S = 0.2
_MARGIN_DB = 15.9
# Thresholds in steps of 6 dB, down to one step of 16 bits.
_THRESHOLDS = 2.0 ** -np.arange(16, dtype=np.float64)


def active_level_db(samples: Float32[np.ndarray, " samples"]) -> float | None:
    """Measure speech at 16 kHz in dB relative to a square wave of full scale (dBov); None if it is silent."""
    block = SAMPLE_RATE_HZ // _ENVELOPE_HZ
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % block))
    energy = float(np.square(padded).sum()) / block
    envelope = _smoothed(_smoothed(np.abs(padded).reshape(-1, block).mean(axis=1)))
    hangover = round(_HANGOVER_S * _ENVELOPE_HZ)
    held = np.lib.stride_tricks.sliding_window_view(np.pad(envelope, (hangover, 0)), hangover + 1).max(axis=1)
    previous: tuple[float, float] | None = None
    # The lower the threshold, the more counts as speech, until the level stands so far above it as speech does.
    for threshold in _THRESHOLDS:
        num_active = int((held >= threshold).sum())
        if not num_active:
            continue
        level_db = 10 * log10(energy / num_active)
        margin_db = level_db - 20 * log10(threshold)
        if margin_db >= _MARGIN_DB:
            if previous is None:
                return level_db
            share = (_MARGIN_DB - previous[1]) / (margin_db - previous[1])
            return previous[0] + share * (level_db - previous[0])
        previous = level_db, margin_db
    return None


def _smoothed(values: Float64[np.ndarray, " steps"]) -> Float64[np.ndarray, " steps"]:
    keep = exp(-1 / (_ENVELOPE_HZ * _TIME_CONSTANT_S))
    smooth, state = np.empty_like(values), 0.0
    for place, value in enumerate(values.tolist()):
        state = keep * state + (1 - keep) * value
        smooth[place] = state
    return smooth
