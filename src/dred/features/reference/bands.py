"""Spectrum to 18 Bark cepstra, and back to a 16th order LPC filter; with all that this is made of.

    window of 320 samples -> spectrum -> band energies -> log -> DCT -> cepstrum
    LPC <- Levinson <- autocorrelation <- band gains <- exp <- inverse DCT <-'

Source: facts from libopus 1.6.1 dnn/freq.c.
"""

import itertools
from typing import Final

import numpy as np
from jaxtyping import Complex64, Float32

from dred.features.layout import NUM_CEPSTRA

WINDOW_SAMPLES: Final = 320
OVERLAP_SAMPLES: Final = 160
NUM_BINS: Final = 161
LPC_ORDER: Final = 16
PRE_EMPHASIS: Final = np.float32(0.85)

# Edges of the triangular bands, in bins of 50 Hz.
EDGES_BINS: Final = 4 * np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 34, 40])

LOG_FLOOR: Final = np.float32(1e-2)
"""Added to the energy of a band."""
LOG_START: Final = np.float32(-2.0)
"""Logarithm that the first band's neighbour is taken to have."""
LOG_RANGE: Final = np.float32(8.0)
"""How far below the loudest band another may lie."""
LOG_FALL_PER_BAND: Final = np.float32(2.5)
"""How far below its lower neighbour a band may lie."""
C0_OFFSET: Final = np.float32(4.0)
"""Taken off the first cepstrum."""

NOISE_FLOOR_GAIN: Final = np.float32(1e-4)
"""40 dB below the signal, added to the autocorrelation so that the recursion is stable."""
NOISE_FLOOR: Final = np.float32(26 / 38)
"""Likewise, for silence: libopus's integer 320 / 12, then / 38."""
LEAST_ERROR: Final = np.float32(0.001)
"""The recursion stops at 30 dB of prediction gain."""


def _interpolation() -> np.ndarray:
    """Share of each bin that belongs to each band: triangles between neighbouring edges; the last bin has none."""
    shares = np.zeros((NUM_BINS, NUM_CEPSTRA))
    for band, (start, stop) in enumerate(itertools.pairwise(EDGES_BINS)):
        rise = np.arange(stop - start) / (stop - start)
        shares[start:stop, band] = 1 - rise
        shares[start:stop, band + 1] = rise
    return shares


def _band_sums() -> np.ndarray:
    """As the interpolation, with the half triangles at both ends counted twice."""
    sums = _interpolation().T.copy()
    sums[[0, -1]] *= 2
    return sums


def _autocorrelation() -> np.ndarray:
    """Map band gains to the first autocorrelation lags: interpolate to bins, then the cosine sum over both halves."""
    bins = np.arange(NUM_BINS)
    cosines = np.cos(2 * np.pi * np.outer(np.arange(LPC_ORDER + 1), bins) / WINDOW_SAMPLES)
    return (cosines * np.where((bins == 0) | (bins == NUM_BINS - 1), 1, 2)) @ _interpolation()


def _dct() -> np.ndarray:
    index = np.arange(NUM_CEPSTRA)
    basis = np.cos(np.pi * np.outer(index + 0.5, index) / NUM_CEPSTRA) * np.sqrt(2 / NUM_CEPSTRA)
    basis[:, 0] *= np.sqrt(0.5)
    return basis


def _window() -> np.ndarray:
    """The power-complementary Vorbis window, whole: its rising half and the mirror image."""
    inner = np.sin(0.5 * np.pi * (np.arange(OVERLAP_SAMPLES) + 0.5) / OVERLAP_SAMPLES)
    half = np.sin(0.5 * np.pi * inner**2)
    return np.concatenate([half, half[::-1]])


WINDOW: Final = (_window() / WINDOW_SAMPLES).astype(np.float32)
"""The window, with the 1/320 of the transform in it."""
BAND_SUMS: Final = _band_sums().astype(np.float32)
"""[18 bands][161 bins]: power to band energies."""
COMPENSATION: Final = np.array(
    [0.8, 1, 1, 1, 1, 1, 1, 1, 0.666667, 0.5, 0.5, 0.5, 0.333333, 0.25, 0.25, 0.2, 0.166667, 0.173913], np.float32
)
"""Undoes the width of the bands, so that a band's energy becomes a gain per bin."""
DCT: Final = _dct().astype(np.float32)
"""[18 bands][18 cepstra], orthonormal."""
GAINS_TO_LAGS: Final = _autocorrelation().astype(np.float32)
"""[17 lags][18 bands]: gains per bin to the autocorrelation."""
LAG_WINDOW: Final = (1 - 6e-5 * np.arange(LPC_ORDER + 1) ** 2).astype(np.float32)
"""Widens the peaks of the filter a little."""


def spectrum(samples: Float32[np.ndarray, " 320"]) -> Complex64[np.ndarray, " 161"]:
    """Window one frame with its overlap and transform it; 50 Hz per bin, scaled by 1/320."""
    return np.fft.rfft(samples * WINDOW)


def cepstrum_from_bands(energies: Float32[np.ndarray, " 18"]) -> Float32[np.ndarray, " 18"]:
    """Convert band energies to the cepstral features; bands far below the loudest or their neighbour are lifted."""
    cepstrum = _lift(np.log10(LOG_FLOOR + energies)) @ DCT
    cepstrum[0] -= C0_OFFSET
    return cepstrum


def band_energies(power: Float32[np.ndarray, " 161"]) -> Float32[np.ndarray, " 18"]:
    """Sum the power of each bin into the two bands it lies between."""
    return BAND_SUMS @ power


def lpc_from_cepstrum(cepstrum: Float32[np.ndarray, " 18"]) -> Float32[np.ndarray, " 16"]:
    """Compute the prediction filter that a decoder could compute as well: from the cepstrum alone."""
    logs = cepstrum.copy()
    logs[0] += C0_OFFSET
    gains = 10.0 ** (DCT @ logs) * COMPENSATION
    lags = GAINS_TO_LAGS @ gains
    lags[0] += lags[0] * NOISE_FLOOR_GAIN + NOISE_FLOOR
    return _levinson(lags * LAG_WINDOW)


def _lift(logs: Float32[np.ndarray, " 18"]) -> Float32[np.ndarray, " 18"]:
    lifted = logs.copy()
    loudest = follower = LOG_START
    for band, log in enumerate(logs):
        fallen = follower - LOG_FALL_PER_BAND
        lifted[band] = max(loudest - LOG_RANGE, fallen, log)
        loudest = max(loudest, lifted[band])
        follower = max(fallen, lifted[band])
    return lifted


def _levinson(lags: Float32[np.ndarray, " 17"]) -> Float32[np.ndarray, " 16"]:
    lpc = np.zeros(LPC_ORDER, np.float32)
    error = lags[0]
    for i in range(LPC_ORDER):
        reflection = -(lags[i + 1] + lpc[:i] @ lags[i:0:-1]) / error
        lpc[:i] += reflection * lpc[:i][::-1]
        lpc[i] = reflection
        error -= reflection * reflection * error
        if error < LEAST_ERROR * lags[0]:
            break
    return lpc
