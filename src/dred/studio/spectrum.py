"""Columns of a spectrogram while the sound goes on: 20 ms enter, levels over frequency leave.

Levels are those of the report's pictures: 64 steps over 75 dB. What is loudest changes with the speaker, so that it is
measured as it goes, and slowly forgotten.
"""

from typing import Final

import numpy as np
from jaxtyping import Float32, UInt8

from dred.report.spectrogram import quantise_levels
from dred.studio.config import BLOCK_SAMPLES, RATE_HZ

__all__ = ["NUM_ROWS", "TOP_HZ", "Loudness", "level_column"]

NUM_ROWS: Final = 80
TOP_HZ: Final = 8_000
_WINDOW = np.hanning(BLOCK_SAMPLES).astype(np.float32)
_BINS_PER_ROW: Final = TOP_HZ * BLOCK_SAMPLES // RATE_HZ // NUM_ROWS
# Quieter than this is noise of an open microphone. Our choice, like the next one.
_LEAST_DB: Final = -10.0
_FORGET_DB: Final = 0.02


class Loudness:
    """The loudest level of late, in dB."""

    def __init__(self) -> None:
        self.db = _LEAST_DB

    def observe(self, level_db: Float32[np.ndarray, " rows"]) -> None:
        """Take in a column."""
        self.db = max(_LEAST_DB, self.db - _FORGET_DB, float(level_db.max()))

    def quantise(self, level_db: Float32[np.ndarray, " rows"]) -> UInt8[np.ndarray, " rows"]:
        """Round a column's levels to 0 (75 dB below the loudest, or less) to 63."""
        return quantise_levels(level_db[:, np.newaxis], self.db)[:, 0]


def level_column(block: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " rows"]:
    """Measure the level of 20 ms at 48 kHz over frequency, 8 kHz first, in dB."""
    spectrum = np.fft.rfft(block * _WINDOW)[: NUM_ROWS * _BINS_PER_ROW]
    power = np.square(np.abs(spectrum)).reshape(NUM_ROWS, _BINS_PER_ROW).mean(axis=1)
    return (10 * np.log10(power[::-1] + 1e-12)).astype(np.float32)
