"""Burg cepstra: what the PLC predictor sees of 10 ms without waiting for the window's second half.

Each 5 ms half is fitted with a 16th order Burg model, whose envelope goes through the same bands and DCT as the
features. The mean and the difference of the two halves are the predictor's first 36 inputs.

Source: facts from libopus 1.6.1 dnn/freq.c (scaling, bands) and dnn/burg.c (covariance form of Burg's method).
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit

from dred.features.bands import LPC_ORDER, NUM_BINS, WINDOW_SAMPLES, band_energies, cepstrum_from_bands
from dred.features.extractor import PRE_EMPHASIS

NUM_BURG_FEATURES = 36
_MIN_INVERSE_GAIN = 1e-3
_CONDITIONING = 1e-5
_BANDWIDTH_EXPANSION = 0.995 ** np.arange(1, LPC_ORDER + 1)
_SCALE = 0.45 / WINDOW_SAMPLES**3


def _inverse_filter_to_bins() -> np.ndarray:
    """The transform of a filter's few taps, scaled as the features' spectrum: real parts, then imaginary parts."""
    turns = np.outer(np.arange(NUM_BINS - 1), np.arange(LPC_ORDER + 1)) / WINDOW_SAMPLES
    waves = np.exp(-2j * np.pi * turns) / WINDOW_SAMPLES
    return np.concatenate([waves.real, waves.imag])


_INVERSE_FILTER_TO_BINS = _inverse_filter_to_bins()


def burg_features(samples: Float32[np.ndarray, " 160"]) -> Float32[np.ndarray, " 36"]:
    """Return the mean and the difference of the Burg cepstra of both halves; samples are on the int16 scale."""
    first, second = (_burg_cepstrum(half) for half in samples.reshape(2, -1))
    return np.concatenate([0.5 * (first + second), first - second]).astype(np.float32)


def _burg_cepstrum(samples: np.ndarray) -> np.ndarray:
    emphasised = samples[1:] - PRE_EMPHASIS * samples[:-1]
    predictor, energy = _burg(emphasised.astype(np.float64), LPC_ORDER)
    gain = energy / (samples.size - 2 * (LPC_ORDER - 1))
    bins = _INVERSE_FILTER_TO_BINS @ np.append(1.0, -predictor * _BANDWIDTH_EXPANSION)
    envelope = np.zeros(NUM_BINS, np.float32)
    envelope[:-1] = 1 / (bins[: NUM_BINS - 1] ** 2 + bins[NUM_BINS - 1 :] ** 2 + 1e-9)
    return cepstrum_from_bands(band_energies(envelope) * np.float32(_SCALE * gain))


@njit(cache=True, nogil=True)
@no_type_check
def _burg(x, order):
    """Fit the predictor by Burg's method and return it with the residual energy; the gain is held below 30 dB.

    Plain lattice form: forward and backward errors f and b, reflection -2 <f, b> / (<f, f> + <b, b>), the
    denominator conditioned by a little of the signal's energy.
    """
    num = x.size
    forward = x.copy()
    backward = x.copy()
    coefficients = np.zeros(order)
    total = np.sum(x * x)
    conditioning = _CONDITIONING * total + 1e-9
    inverse_gain = 1.0
    for n in range(order):
        cross = 0.0
        energy = 0.0
        for t in range(n + 1, num):
            cross += forward[t] * backward[t - 1]
            energy += forward[t] * forward[t] + backward[t - 1] * backward[t - 1]
        norm = 1.0
        for k in range(n):
            norm += coefficients[k] * coefficients[k]
        mirrored = 0.0
        for k in range(n):
            mirrored += coefficients[k] * coefficients[n - 1 - k]
        reflection = -2.0 * (cross + conditioning * mirrored) / (energy + 2.0 * conditioning * norm)
        held = inverse_gain * (1.0 - reflection * reflection) <= _MIN_INVERSE_GAIN
        if held:
            size = np.sqrt(1.0 - _MIN_INVERSE_GAIN / inverse_gain)
            reflection = size if reflection > 0 else -size
            inverse_gain = _MIN_INVERSE_GAIN
        else:
            inverse_gain *= 1.0 - reflection * reflection
        for k in range((n + 1) // 2):
            low, high = coefficients[k], coefficients[n - 1 - k]
            coefficients[k] = low + reflection * high
            coefficients[n - 1 - k] = high + reflection * low
        coefficients[n] = reflection
        if held:
            return -coefficients, (total - np.sum(x[:order] * x[:order])) * inverse_gain
        for t in range(num - 1, n, -1):
            old_forward = forward[t]
            forward[t] = old_forward + reflection * backward[t - 1]
            backward[t] = backward[t - 1] + reflection * old_forward
    # The error over the samples that have a whole past, from the last forward recursion.
    residual = 0.0
    for t in range(order, num):
        residual += forward[t] * forward[t]
    return -coefficients, residual
