"""Speech as a picture: samples enter, levels over time and frequency leave, and a PNG of them.

A picture has at most 1600 columns, or fewer if wanted, and 128 rows from 0 to 8 kHz. Its brightest level is that of the
loudest spot of the reference, the same for all pictures of a page, and its darkest lies 75 dB below.
"""

import numpy as np
from jaxtyping import Float32, UInt8

from dred.audio import resample, to_mono
from dred.report.png import write_png
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["NUM_LEVELS", "draw", "loudest_db", "palette", "power_db", "quantise_levels"]

NUM_LEVELS = 64
_WINDOW_SAMPLES = 400
_FFT_SAMPLES = 512
_ROWS = 128
_MIN_HOP_SAMPLES = 80
_MAX_COLUMNS = 1600
_RANGE_DB = 75.0
# From silence to loud; lightness rises all the way, so that it prints and reads without colour. Our choice.
_ANCHORS = ((11, 11, 26), (52, 24, 92), (137, 34, 106), (214, 69, 79), (247, 142, 62), (252, 241, 178))


def power_db(
    samples: Float32[np.ndarray, "samples channels"], rate_hz: int, *, max_columns: int = _MAX_COLUMNS
) -> Float32[np.ndarray, "rows columns"]:
    """Measure the level over frequency (highest first) and time, in at most `max_columns` (at least 1) steps."""
    mono = resample(to_mono(samples), from_hz=rate_hz, to_hz=SAMPLE_RATE_HZ)
    hop_samples = max(_MIN_HOP_SAMPLES, -(-len(mono) // max_columns))
    # Column n is centred on the middle of its time.
    before = (_WINDOW_SAMPLES - hop_samples) // 2
    padded = np.pad(mono, (max(0, before), _WINDOW_SAMPLES + hop_samples))[max(0, -before) :]
    num_columns = max(1, -(-len(mono) // hop_samples))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::hop_samples][:num_columns]
    spectrum = np.fft.rfft(windows * np.hanning(_WINDOW_SAMPLES).astype(np.float32), _FFT_SAMPLES, axis=1)
    power = np.square(np.abs(spectrum[:, : _FFT_SAMPLES // 2]))
    pooled = power.reshape(num_columns, _ROWS, -1).mean(axis=2)
    return (10 * np.log10(pooled + 1e-12)).astype(np.float32).T[::-1]


def loudest_db(level_db: Float32[np.ndarray, "rows columns"]) -> float:
    """Return the level that pictures are measured against."""
    return float(level_db.max())


def quantise_levels(level_db: Float32[np.ndarray, "rows columns"], loudest: float) -> UInt8[np.ndarray, "rows columns"]:
    """Round levels to 0 (75 dB below the loudest, or less) to 63."""
    share = (level_db - loudest) / _RANGE_DB + 1
    return np.rint(np.clip(share, 0, 1) * (NUM_LEVELS - 1)).astype(np.uint8)


def draw(level_db: Float32[np.ndarray, "rows columns"], loudest: float) -> bytes:
    """Draw levels as a PNG file."""
    return write_png(quantise_levels(level_db, loudest), palette())


def palette() -> UInt8[np.ndarray, "levels 3"]:
    """Return red, green and blue of each level."""
    positions = np.linspace(0, len(_ANCHORS) - 1, NUM_LEVELS)
    anchors = np.array(_ANCHORS, np.float64)
    colours = np.stack([np.interp(positions, np.arange(len(anchors)), channel) for channel in anchors.T], axis=1)
    return np.rint(colours).astype(np.uint8)
