"""The prediction residual of a frame and how well it matches itself at each lag.

Source: facts from libopus 1.6.1 dnn/lpcnet_enc.c.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float32

from dred.features.layout import MAX_PERIOD_SAMPLES
from dred.features.reference.bands import LPC_ORDER
from dred.features.reference.pitch import NUM_LAGS
from dred.timebase import FEATURE_FRAME_SAMPLES

RESIDUAL_EMPHASIS: Final = np.float32(0.7)
# A second order elliptic low-pass: 2 dB ripple, 20 dB stop band, 1.2 kHz; the leading ones are not stored.
LOW_PASS_B: Final = (np.float32(-0.84946), np.float32(1.0))
LOW_PASS_A: Final = (np.float32(-1.54220), np.float32(0.70781))


def _past(num_samples: int) -> np.ndarray:
    return np.zeros(num_samples, np.float32)


@dataclass(slots=True, kw_only=True)
class ResidualState:
    """One period of past residual, emphasised and low-passed, and the memories of the filters."""

    signal: Float32[np.ndarray, " 16"] = field(default_factory=lambda: _past(LPC_ORDER))
    emphasised: Float32[np.ndarray, " 416"] = field(
        default_factory=lambda: _past(MAX_PERIOD_SAMPLES + FEATURE_FRAME_SAMPLES)
    )
    low_passed: Float32[np.ndarray, " 416"] = field(
        default_factory=lambda: _past(MAX_PERIOD_SAMPLES + FEATURE_FRAME_SAMPLES)
    )
    last_residuals: Float32[np.ndarray, " 2"] = field(default_factory=lambda: _past(2))


def update_residual(
    state: ResidualState, samples: Float32[np.ndarray, " 160"], lpc: Float32[np.ndarray, " 16"]
) -> None:
    """Whiten one frame into the state's buffers."""
    signal = np.concatenate([state.signal, samples])
    state.signal = samples[-LPC_ORDER:]
    residual = np.convolve(signal, np.append(np.float32(1), lpc), "valid")
    delayed = np.concatenate([state.last_residuals, residual])
    state.last_residuals = residual[-2:]
    emphasised = residual + RESIDUAL_EMPHASIS * delayed[1:-1]
    state.emphasised = np.concatenate([state.emphasised[FEATURE_FRAME_SAMPLES:], emphasised])
    risen = residual + LOW_PASS_B[0] * delayed[1:-1] + LOW_PASS_B[1] * delayed[:-2]
    low_passed = np.concatenate([state.low_passed[FEATURE_FRAME_SAMPLES:], risen])
    for n in range(MAX_PERIOD_SAMPLES, low_passed.size):
        low_passed[n] -= LOW_PASS_A[0] * low_passed[n - 1] + LOW_PASS_A[1] * low_passed[n - 2]
    state.low_passed = low_passed


def correlations(state: ResidualState) -> Float32[np.ndarray, " 224"]:
    """Correlate the newest frame with lags 256 down to 33, each normalised by both energies."""
    now = state.emphasised[MAX_PERIOD_SAMPLES:]
    windows = np.lib.stride_tricks.sliding_window_view(state.emphasised, FEATURE_FRAME_SAMPLES)[:NUM_LAGS]
    # The energies in double precision: one may be far below its neighbours.
    energies = np.square(windows, dtype=np.float64).sum(axis=1)
    return (2 * (windows @ now) / (1 + now @ now + energies)).astype(np.float32)


def voicing_feature(state: ResidualState, period_samples: int) -> float:
    """Map the correlation one period back to the voicing feature, -0.5 to 0.5."""
    now = state.low_passed[MAX_PERIOD_SAMPLES:]
    start = MAX_PERIOD_SAMPLES - period_samples
    then = state.low_passed[start : start + FEATURE_FRAME_SAMPLES]
    correlation = float(now @ then) / np.sqrt(1.0 + float(now @ now) * float(then @ then))
    return float(np.log1p(np.exp(5.0 * correlation)) / np.log1p(np.exp(5.0))) - 0.5
