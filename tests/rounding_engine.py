"""The reference engine with the one liberty that compiled layers take, as libopus does: activations of 8 bits."""

import numpy as np

from dred.nn import Activation, Gru, Linear, ReferenceEngine


def round_activations(x: np.ndarray) -> np.ndarray:
    """Steps of 1/127, halves upward, and nothing beyond 1."""
    return np.clip(np.floor(127 * x.astype(np.float64) + 0.5) / 127, -1, 1).astype(np.float32)


def rounded_for(layer: Linear, x: np.ndarray) -> np.ndarray:
    """What a layer sees of its input: all of it, if its weights are float."""
    return x if layer.integers is None else round_activations(x)


class RoundingEngine(ReferenceEngine):
    """Layers with int8 weights see their inputs rounded."""

    name = "numpy, rounding"

    def dense(self, layer: Linear, x: np.ndarray, activation: Activation) -> np.ndarray:
        return super().dense(layer, rounded_for(layer, x), activation)

    def glu(self, layer: Linear, x: np.ndarray) -> np.ndarray:
        return x * self.dense(layer, x, "sigmoid")

    def gru(self, unit: Gru, state: np.ndarray, x: np.ndarray) -> None:
        from_input, from_state = self.dense(unit.input, x, "linear"), self.dense(unit.recurrent, state, "linear")
        # Maps that give these values whatever they see.
        maps = [
            Linear(weight=np.zeros((values.size, size), np.float32), bias=values)
            for values, size in ((from_input, x.size), (from_state, state.size))
        ]
        super().gru(Gru(input=maps[0], recurrent=maps[1]), state, x)

    def conv1d(self, layer: Linear, memory: np.ndarray, x: np.ndarray) -> np.ndarray:
        y = super().conv1d(layer, rounded_for(layer, memory).copy(), rounded_for(layer, x))
        memory[:-1] = memory[1:]
        memory[-1] = x
        return y
