"""The reference engine: each layer as its formula, in numpy.

Source: facts from libopus 1.6.1 dnn/nnet.c; activations are exact instead of its rational approximations.
"""

import numpy as np
from jaxtyping import Float32

from dred.nn.engine import Activation
from dred.nn.layers import Conv2d, Gru, Linear


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


class ReferenceEngine:
    """Layer arithmetic in numpy, to be read and to be compared with."""

    name = "numpy"

    def dense(
        self, layer: Linear, x: Float32[np.ndarray, " inputs"], activation: Activation
    ) -> Float32[np.ndarray, " outputs"]:
        """Apply an affine map and an activation."""
        y = layer.weight @ x + layer.bias
        if activation == "tanh":
            return np.tanh(y)
        return _sigmoid(y) if activation == "sigmoid" else y

    def gru(self, unit: Gru, state: Float32[np.ndarray, " units"], x: Float32[np.ndarray, " inputs"]) -> None:
        """Advance a GRU's state by one step, in place."""
        from_input = unit.input.weight @ x + unit.input.bias
        from_state = unit.recurrent.weight @ state + unit.recurrent.bias
        wz, wr, wh = np.split(from_input, 3)
        uz, ur, uh = np.split(from_state, 3)
        z = _sigmoid(wz + uz)
        r = _sigmoid(wr + ur)
        h = np.tanh(wh + r * uh)
        state[:] = z * state + (1 - z) * h

    def glu(self, layer: Linear, x: Float32[np.ndarray, " units"]) -> Float32[np.ndarray, " units"]:
        """Gate a vector by the sigmoid of an affine map of itself."""
        return x * _sigmoid(layer.weight @ x + layer.bias)

    def conv1d(
        self, layer: Linear, memory: Float32[np.ndarray, "past width"], x: Float32[np.ndarray, " width"]
    ) -> Float32[np.ndarray, " outputs"]:
        """Apply a causal convolution and tanh."""
        num_taps = layer.num_inputs // x.size
        seen = memory[:1] if num_taps == 2 else memory
        y = np.tanh(layer.weight @ np.concatenate([seen.ravel(), x]) + layer.bias)
        memory[:-1] = memory[1:]
        memory[-1] = x
        return y

    def conv2d(
        self,
        layer: Conv2d,
        memory: Float32[np.ndarray, "2 in_channels height_2"],
        x: Float32[np.ndarray, "in_channels height_2"],
    ) -> Float32[np.ndarray, "out_channels height"]:
        """Apply a 3 x 3 convolution and tanh."""
        seen = np.concatenate([memory, x[None]])
        windows = np.lib.stride_tricks.sliding_window_view(seen, 3, axis=2)
        y = np.einsum("oith,tijh->oj", layer.weight, windows, optimize=True)
        memory[0] = memory[1]
        memory[1] = x
        return np.tanh(y + layer.bias[:, None])
