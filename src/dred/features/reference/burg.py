"""Burg cepstra: what the PLC predictor sees of 10 ms without waiting for the window's second half.

Each 5 ms half is fitted with a 16th order Burg model, whose envelope goes through the same bands and DCT as the
features. The mean and the difference of the two halves are the predictor's first 36 inputs.

Source: facts from libopus 1.6.1 dnn/freq.c (scaling, bands) and dnn/burg.c (covariance form of Burg's method).
"""

from typing import Final

import numpy as np
from jaxtyping import Float32, Float64

from dred.features.reference.bands import (
    LPC_ORDER,
    NUM_BINS,
    PRE_EMPHASIS,
    WINDOW_SAMPLES,
    band_energies,
    cepstrum_from_bands,
)
from dred.timebase import FEATURE_FRAME_SAMPLES

HALF_SAMPLES: Final = FEATURE_FRAME_SAMPLES // 2
LEAST_INVERSE_GAIN: Final = 1e-3
"""The gain is held at 30 dB."""
CONDITIONING: Final = 1e-5
"""How much of the signal's energy conditions the reflections."""
LEAST_CONDITIONING: Final = 1e-9
BANDWIDTH_EXPANSION: Final = 0.995 ** np.arange(1, LPC_ORDER + 1)
NUM_RESIDUALS: Final = HALF_SAMPLES - 2 * (LPC_ORDER - 1)
"""What the residual energy is divided by."""
SCALE: Final = 0.45 / WINDOW_SAMPLES**3
LEAST_POWER: Final = 1e-9
"""Keeps the inverse of a bin's power finite."""


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


def _burg_cepstrum(samples: Float32[np.ndarray, " 80"]) -> Float32[np.ndarray, " 18"]:
    emphasised = samples[1:] - PRE_EMPHASIS * samples[:-1]
    taps, energy = _burg(emphasised.astype(np.float64))
    bins = _INVERSE_FILTER_TO_BINS @ np.append(1.0, taps * BANDWIDTH_EXPANSION)
    envelope = np.zeros(NUM_BINS, np.float32)
    envelope[:-1] = 1 / (bins[: NUM_BINS - 1] ** 2 + bins[NUM_BINS - 1 :] ** 2 + LEAST_POWER)
    return cepstrum_from_bands(band_energies(envelope) * np.float32(SCALE * energy / NUM_RESIDUALS))


def _burg(x: Float64[np.ndarray, " samples"]) -> tuple[Float64[np.ndarray, " 16"], float]:
    """Fit the inverse filter by Burg's method: return its taps behind the leading 1, and the residual energy.

    Plain lattice form: forward and backward errors f and b, reflection -2 <f, b> / (<f, f> + <b, b>), the
    denominator conditioned by a little of the signal's energy.
    """
    taps = np.zeros(LPC_ORDER)
    total = float(x @ x)
    conditioning = CONDITIONING * total + LEAST_CONDITIONING
    inverse_gain = 1.0
    forward, backward = x[1:], x[:-1]
    for n in range(LPC_ORDER):
        cross = forward @ backward + conditioning * (taps[:n] @ taps[:n][::-1])
        energy = forward @ forward + backward @ backward + 2.0 * conditioning * (1.0 + taps @ taps)
        reflection = -2.0 * cross / energy
        is_held = inverse_gain * (1.0 - reflection**2) <= LEAST_INVERSE_GAIN
        if is_held:
            reflection = np.copysign(np.sqrt(1.0 - LEAST_INVERSE_GAIN / inverse_gain), reflection)
        inverse_gain *= 1.0 - reflection**2
        taps[:n] += reflection * taps[:n][::-1]
        taps[n] = reflection
        if is_held:
            return taps, (total - float(x[:LPC_ORDER] @ x[:LPC_ORDER])) * inverse_gain
        forward, backward = forward + reflection * backward, backward + reflection * forward
        # The error over the samples that have a whole past.
        residual = float(forward @ forward)
        forward, backward = forward[1:], backward[:-1]
    return taps, residual
