"""How loud speech is, and where it is there at all: errors in pauses are not errors of speech."""

import numpy as np
from jaxtyping import Bool, Float32, Float64

from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["ACTIVE_DB", "find_active", "frame_power", "loud_power"]

ACTIVE_DB = -35.0
"""What is quieter than this, beside the loud frames, is a pause."""

_FRAME_SAMPLES = SAMPLE_RATE_HZ // 50
_LOUD_PERCENTILE = 95


def frame_power(samples: Float32[np.ndarray, " samples"]) -> Float64[np.ndarray, " frames"]:
    """Return the mean square of each whole 20 ms."""
    num_frames = len(samples) // _FRAME_SAMPLES
    frames = samples[: num_frames * _FRAME_SAMPLES].reshape(num_frames, _FRAME_SAMPLES)
    return (frames.astype(np.float64) ** 2).mean(axis=1)


def loud_power(samples: Float32[np.ndarray, " samples"]) -> float:
    """Return the mean square that 5 % of the 20 ms frames exceed; 0 for silence and for less than 20 ms."""
    power = frame_power(samples)
    return float(np.percentile(power, _LOUD_PERCENTILE)) if len(power) else 0.0


def find_active(samples: Float32[np.ndarray, " samples"]) -> Bool[np.ndarray, " frames"]:
    """Tell which 20 ms hold speech."""
    power = frame_power(samples)
    return (power > 0) & (power >= loud_power(samples) * 10 ** (ACTIVE_DB / 10))
