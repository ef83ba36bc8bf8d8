"""The kernel engine: the same layers, compiled by Numba for one core.

Products are float32 sums with a vectorised inner loop; weights stay int8 where they were published so, because memory
is what bounds a product; tanh is a continued fraction, which vectorises where libm does not.
Compiled code is cached on disk, nothing is compiled at import.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit

from dred.nn.engine import Activation
from dred.nn.layers import Conv2d, Gru, Linear

# Sums may be reordered, which vectorisation needs; NaN and infinity keep their meaning.
_FAST = {"reassoc", "contract", "nsz", "arcp"}
_LINEAR, _TANH, _SIGMOID = 0, 1, 2
_ACTIVATION_CODES = {"linear": _LINEAR, "tanh": _TANH, "sigmoid": _SIGMOID}


@njit(inline="always")
@no_type_check
def _tanh(x):
    # Lambert's continued fraction, cut after x^9 / x^8: within 7e-6 of tanh once clipped to its range.
    # Far out, where tanh has long been 1, the powers would overflow.
    x = min(np.float32(9.0), max(np.float32(-9.0), x))
    x2 = x * x
    top = np.float32(1.0) + x2 * (
        np.float32(4729725 / 34459425)
        + x2 * (np.float32(135135 / 34459425) + x2 * (np.float32(990 / 34459425) + x2 * np.float32(1 / 34459425)))
    )
    bottom = np.float32(1.0) + x2 * (
        np.float32(16216200 / 34459425)
        + x2 * (np.float32(945945 / 34459425) + x2 * (np.float32(13860 / 34459425) + x2 * np.float32(45 / 34459425)))
    )
    return min(np.float32(1.0), max(np.float32(-1.0), x * top / bottom))


@njit(inline="always")
@no_type_check
def _sigmoid(x):
    return np.float32(0.5) + np.float32(0.5) * _tanh(np.float32(0.5) * x)


@njit(cache=True, nogil=True, fastmath=_FAST)
@no_type_check
def _affine(weight, scale, bias, x, out):
    num_outputs, num_inputs = weight.shape
    for o in range(num_outputs):
        total = np.float32(0.0)
        for i in range(num_inputs):
            total += np.float32(weight[o, i]) * x[i]
        out[o] = total * scale[o] + bias[o]


@njit(cache=True, nogil=True, fastmath=_FAST)
@no_type_check
def _dense(weight, scale, bias, x, activation):
    out = np.empty(weight.shape[0], np.float32)
    _affine(weight, scale, bias, x, out)
    if activation == _TANH:
        for o in range(out.size):
            out[o] = _tanh(out[o])
    elif activation == _SIGMOID:
        for o in range(out.size):
            out[o] = _sigmoid(out[o])
    return out


@njit(cache=True, nogil=True, fastmath=_FAST)
@no_type_check
def _gru(from_input, from_state, state, x):
    units = state.size
    w = np.empty(3 * units, np.float32)
    u = np.empty(3 * units, np.float32)
    _affine(from_input[0], from_input[1], from_input[2], x, w)
    _affine(from_state[0], from_state[1], from_state[2], state, u)
    for n in range(units):
        z = _sigmoid(w[n] + u[n])
        r = _sigmoid(w[units + n] + u[units + n])
        h = _tanh(w[2 * units + n] + r * u[2 * units + n])
        state[n] = z * state[n] + (np.float32(1.0) - z) * h


@njit(cache=True, nogil=True, fastmath=_FAST)
@no_type_check
def _glu(weight, scale, bias, x):
    out = np.empty(weight.shape[0], np.float32)
    _affine(weight, scale, bias, x, out)
    for o in range(out.size):
        out[o] = x[o] * _sigmoid(out[o])
    return out


@njit(cache=True, nogil=True, fastmath=_FAST)
@no_type_check
def _conv1d(weight, scale, bias, memory, x):
    past, width = memory.shape
    num_taps = weight.shape[1] // width
    num_seen = 1 if num_taps == 2 else past
    seen = np.empty((num_seen + 1) * width, np.float32)
    for row in range(num_seen):
        for i in range(width):
            seen[row * width + i] = memory[row, i]
    for i in range(width):
        seen[num_seen * width + i] = x[i]
    for row in range(past - 1):
        for i in range(width):
            memory[row, i] = memory[row + 1, i]
    for i in range(width):
        memory[past - 1, i] = x[i]
    return _dense(weight, scale, bias, seen, _TANH)


@njit(cache=True, nogil=True, fastmath=_FAST)
@no_type_check
def _conv2d(weight, bias, memory, x):
    out_channels, in_channels = weight.shape[:2]
    height = x.shape[1] - 2
    out = np.empty((out_channels, height), np.float32)
    for o in range(out_channels):
        for j in range(height):
            out[o, j] = bias[o]
        for i in range(in_channels):
            for h in range(3):
                w0 = weight[o, i, 0, h]
                w1 = weight[o, i, 1, h]
                w2 = weight[o, i, 2, h]
                for j in range(height):
                    out[o, j] += w0 * memory[0, i, j + h] + w1 * memory[1, i, j + h] + w2 * x[i, j + h]
        for j in range(height):
            out[o, j] = _tanh(out[o, j])
    for i in range(in_channels):
        for j in range(height + 2):
            memory[0, i, j] = memory[1, i, j]
            memory[1, i, j] = x[i, j]
    return out


class KernelEngine:
    """Layer arithmetic compiled by Numba."""

    name = "numba"

    def dense(
        self, layer: Linear, x: Float32[np.ndarray, " inputs"], activation: Activation
    ) -> Float32[np.ndarray, " outputs"]:
        """Apply an affine map and an activation."""
        return _dense(*layer.operands, x, _ACTIVATION_CODES[activation])

    def gru(self, unit: Gru, state: Float32[np.ndarray, " units"], x: Float32[np.ndarray, " inputs"]) -> None:
        """Advance a GRU's state by one step, in place."""
        _gru(unit.input.operands, unit.recurrent.operands, state, x)

    def glu(self, layer: Linear, x: Float32[np.ndarray, " units"]) -> Float32[np.ndarray, " units"]:
        """Gate a vector by the sigmoid of an affine map of itself."""
        return _glu(*layer.operands, x)

    def conv1d(
        self, layer: Linear, memory: Float32[np.ndarray, "past width"], x: Float32[np.ndarray, " width"]
    ) -> Float32[np.ndarray, " outputs"]:
        """Apply a causal convolution and tanh."""
        return _conv1d(*layer.operands, memory, x)

    def conv2d(
        self,
        layer: Conv2d,
        memory: Float32[np.ndarray, "2 in_channels height_2"],
        x: Float32[np.ndarray, "in_channels height_2"],
    ) -> Float32[np.ndarray, "out_channels height"]:
        """Apply a 3 x 3 convolution and tanh."""
        return _conv2d(layer.weight, layer.bias, memory, x)
