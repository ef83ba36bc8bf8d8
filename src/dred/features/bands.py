"""Spectrum to 18 Bark cepstra, and back to a 16th order LPC filter.

    window of 320 samples -> spectrum -> band energies -> log -> DCT -> cepstrum
    LPC <- Levinson <- autocorrelation <- band gains <- exp <- inverse DCT <-'

Source: facts from libopus 1.6.1 dnn/freq.c.
"""

import itertools
from typing import no_type_check

import numpy as np
from jaxtyping import Complex64, Float32
from numba import njit

from dred.features.layout import NUM_CEPSTRA

WINDOW_SAMPLES = 320
OVERLAP_SAMPLES = 160
NUM_BINS = 161
LPC_ORDER = 16

_EDGES_BINS = 4 * np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 34, 40])
# Undoes the width of the triangular bands, so that a band's energy becomes a gain per bin.
_COMPENSATION = np.array(
    [0.8, 1, 1, 1, 1, 1, 1, 1, 0.666667, 0.5, 0.5, 0.5, 0.333333, 0.25, 0.25, 0.2, 0.166667, 0.173913], np.float32
)
_LOG_FLOOR = np.float32(1e-2)
_LOG_START = -2.0
_LOG_RANGE = 8.0
_LOG_FALL_PER_BAND = 2.5
_C0_OFFSET = 4.0


def _interpolation() -> np.ndarray:
    """Share of each bin that belongs to each band: triangles between neighbouring edges; the last bin has none."""
    shares = np.zeros((NUM_BINS, NUM_CEPSTRA))
    for band, (start, stop) in enumerate(itertools.pairwise(_EDGES_BINS)):
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


_BAND_SUMS = _band_sums().astype(np.float32)
_GAINS_TO_LAGS = _autocorrelation().astype(np.float32)
_DCT = _dct().astype(np.float32)
_WINDOW = (_window() / WINDOW_SAMPLES).astype(np.float32)
_LAG_WINDOW = (1 - 6e-5 * np.arange(LPC_ORDER + 1) ** 2).astype(np.float32)


def spectrum(samples: Float32[np.ndarray, " 320"]) -> Complex64[np.ndarray, " 161"]:
    """Window one frame with its overlap and transform it; 50 Hz per bin, scaled by 1/320."""
    return np.fft.rfft(samples * _WINDOW)


def cepstrum_from_bands(energies: Float32[np.ndarray, " 18"]) -> Float32[np.ndarray, " 18"]:
    """Convert band energies to the cepstral features; bands far below the loudest or their neighbour are lifted."""
    cepstrum = _lift(np.log10(_LOG_FLOOR + energies)) @ _DCT
    cepstrum[0] -= _C0_OFFSET
    return cepstrum


def band_energies(power: Float32[np.ndarray, " 161"]) -> Float32[np.ndarray, " 18"]:
    """Sum the power of each bin into the two bands it lies between."""
    return _BAND_SUMS @ power


def lpc_from_cepstrum(cepstrum: Float32[np.ndarray, " 18"]) -> Float32[np.ndarray, " 16"]:
    """Compute the prediction filter that a decoder could compute as well: from the cepstrum alone."""
    logs = cepstrum.copy()
    logs[0] += _C0_OFFSET
    gains = 10.0 ** (_DCT @ logs) * _COMPENSATION
    lags = _GAINS_TO_LAGS @ gains.astype(np.float32)
    # A floor 40 dB down keeps the recursion stable; the constant is libopus's integer 320 / 12, then / 38.
    lags[0] += lags[0] * np.float32(1e-4) + np.float32(26 / 38)
    return _levinson(lags * _LAG_WINDOW)


@njit(cache=True, nogil=True)
@no_type_check
def _lift(logs):
    loudest = follower = np.float32(_LOG_START)
    lifted = np.empty_like(logs)
    for band in range(logs.size):
        fallen = follower - np.float32(_LOG_FALL_PER_BAND)
        lifted[band] = max(loudest - np.float32(_LOG_RANGE), fallen, logs[band])
        loudest = max(loudest, lifted[band])
        follower = max(fallen, lifted[band])
    return lifted


@njit(cache=True, nogil=True)
@no_type_check
def _levinson(lags):
    order = lags.size - 1
    lpc = np.zeros(order, np.float32)
    error = lags[0]
    if error <= 0:
        return lpc
    for i in range(order):
        total = lags[i + 1]
        for j in range(i):
            total += lpc[j] * lags[i - j]
        reflection = -total / error
        lpc[i] = reflection
        for j in range((i + 1) // 2):
            low, high = lpc[j], lpc[i - 1 - j]
            lpc[j] = low + reflection * high
            lpc[i - 1 - j] = high + reflection * low
        error -= reflection * reflection * error
        # 30 dB of prediction gain are enough.
        if error < np.float32(0.001) * lags[0]:
            break
    return lpc
