"""How loud speech is, and speech brought to a level."""

import numpy as np
from jaxtyping import Float32

from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["limit_peak", "loudness", "set_level"]

# Full scale is a sine's; speech whose loud parts reach beyond is brought down as a whole.
_LARGEST = 0.95
_LOUD_PERCENTILE = 90
_BLOCK_SAMPLES = SAMPLE_RATE_HZ // 50


def set_level(samples: Float32[np.ndarray, " samples"], level_db: float) -> Float32[np.ndarray, " samples"]:
    """Bring the loud parts of speech to a level below full scale, or as near as no sample exceeds it."""
    gain = 10 ** (level_db / 20) / max(loudness(samples), 1e-5)
    peak = float(np.abs(samples).max(initial=0))
    return (samples * np.float32(min(gain, _LARGEST / max(peak, 1e-5)))).astype(np.float32)


def limit_peak(samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " samples"]:
    """Bring speech down as a whole if a sample is close to full scale or beyond."""
    peak = float(np.abs(samples).max(initial=0))
    return (samples * np.float32(min(1.0, _LARGEST / max(peak, 1e-5)))).astype(np.float32)


def loudness(samples: Float32[np.ndarray, " samples"]) -> float:
    """Return the root mean square of the loud blocks of 20 ms; 0 for less than one."""
    blocks = samples[: samples.size // _BLOCK_SAMPLES * _BLOCK_SAMPLES].reshape(-1, _BLOCK_SAMPLES)
    if not len(blocks):
        return 0.0
    return float(np.percentile(np.sqrt((blocks**2).mean(axis=1)), _LOUD_PERCENTILE))
