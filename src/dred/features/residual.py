"""The prediction residual of a frame and how well it matches itself at each lag.

Three recursions over samples, compiled: the whitening filter, the low-pass for voicing, the correlations.

Source: facts from libopus 1.6.1 dnn/lpcnet_enc.c.
"""

from dataclasses import dataclass, field
from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit

from dred.features.bands import LPC_ORDER
from dred.features.layout import MAX_PERIOD_SAMPLES
from dred.features.pitch import NUM_LAGS

FRAME = 160
_RESIDUAL_EMPHASIS = np.float32(0.7)
# A second order elliptic low-pass: 2 dB ripple, 20 dB stop band, 1.2 kHz.
_LOW_PASS_B = (np.float32(-0.84946), np.float32(1.0))
_LOW_PASS_A = (np.float32(-1.54220), np.float32(0.70781))


def _past(num_samples: int) -> np.ndarray:
    return np.zeros(num_samples, np.float32)


@dataclass(slots=True, kw_only=True)
class ResidualState:
    """One period of past residual, emphasised and low-passed, and the memories of the filters."""

    signal: Float32[np.ndarray, " 16"] = field(default_factory=lambda: _past(LPC_ORDER))
    emphasised: Float32[np.ndarray, " 416"] = field(default_factory=lambda: _past(MAX_PERIOD_SAMPLES + FRAME))
    low_passed: Float32[np.ndarray, " 416"] = field(default_factory=lambda: _past(MAX_PERIOD_SAMPLES + FRAME))
    filters: Float32[np.ndarray, " 3"] = field(default_factory=lambda: _past(3))


def update_residual(
    state: ResidualState, samples: Float32[np.ndarray, " 160"], lpc: Float32[np.ndarray, " 16"]
) -> None:
    """Whiten one frame into the state's buffers."""
    _whiten(samples, lpc, state.signal, state.emphasised, state.low_passed, state.filters)


def correlations(state: ResidualState) -> Float32[np.ndarray, " 224"]:
    """Correlate the newest frame with lags 256 down to 33, each normalised by both energies."""
    return _correlate(state.emphasised)


def voicing_feature(state: ResidualState, period_samples: int) -> float:
    """Map the correlation one period back to the voicing feature, -0.5 to 0.5."""
    now = state.low_passed[MAX_PERIOD_SAMPLES:]
    start = MAX_PERIOD_SAMPLES - period_samples
    then = state.low_passed[start : start + FRAME]
    correlation = float(now @ then) / np.sqrt(1.0 + float(now @ now) * float(then @ then))
    return float(np.log1p(np.exp(5.0 * correlation)) / np.log1p(np.exp(5.0))) - 0.5


@njit(cache=True, nogil=True)
@no_type_check
def _whiten(samples, lpc, signal, emphasised, low_passed, filters):
    past = emphasised.size - FRAME
    for i in range(past):
        emphasised[i] = emphasised[i + FRAME]
        low_passed[i] = low_passed[i + FRAME]
    order = lpc.size
    padded = np.empty(order + FRAME, np.float32)
    padded[:order] = signal
    padded[order:] = samples
    signal[:] = padded[FRAME:]
    previous, memory_0, memory_1 = filters
    for n in range(FRAME):
        residual = padded[order + n]
        for k in range(order):
            residual += lpc[k] * padded[order + n - 1 - k]
        emphasised[past + n] = residual + _RESIDUAL_EMPHASIS * previous
        previous = residual
        y = residual + memory_0
        memory_0 = memory_1 + _LOW_PASS_B[0] * residual - _LOW_PASS_A[0] * y
        memory_1 = _LOW_PASS_B[1] * residual - _LOW_PASS_A[1] * y
        low_passed[past + n] = y
    filters[0], filters[1], filters[2] = previous, memory_0, memory_1


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
@no_type_check
def _correlate(emphasised):
    past = emphasised.size - FRAME
    out = np.empty(NUM_LAGS, np.float32)
    energy_now = np.float32(0.0)
    # The energy at a lag slides along in double precision: it adds and removes large squares.
    energy_then = 0.0
    for n in range(FRAME):
        energy_now += emphasised[past + n] * emphasised[past + n]
        energy_then += emphasised[n] * emphasised[n]
    for i in range(NUM_LAGS):
        product = np.float32(0.0)
        for n in range(FRAME):
            product += emphasised[past + n] * emphasised[i + n]
        out[i] = 2.0 * product / (1.0 + energy_now + energy_then)
        energy_then += np.float64(emphasised[i + FRAME]) ** 2 - np.float64(emphasised[i]) ** 2
    return out
