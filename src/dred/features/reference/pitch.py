"""The pitch network: instantaneous frequency and cross-correlation of one frame to a pitch class.

    88 spectral values ---> dense 64 -> dense 64 ---------------.
    224 correlations -> conv 3x3, 4 channels -> conv 3x3 -> 224 -+-> dense 64 -> GRU 64 -> 180 classes

Source: facts from libopus 1.6.1 dnn/pitchdnn.c.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32

from dred.errors import ModelError
from dred.nn import Conv2d, Engine, Gru, Linear, Tensors

NUM_LAGS: Final = 224
NUM_FREQUENCY_VALUES: Final = 88
NUM_CLASSES: Final = 180
CLASSES_PER_OCTAVE: Final = 60
MEAN_RADIUS: Final = 2
# libopus starts its search for the maximum at this value and class 0.
LEAST_MAXIMUM: Final = -1.0


@dataclass(slots=True, kw_only=True)
class PitchState:
    """What the network remembers between frames."""

    first_memory: Float32[np.ndarray, "2 1 height_2"]
    second_memory: Float32[np.ndarray, "2 channels height_2"]
    gru: Float32[np.ndarray, " units"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PitchNetwork:
    """The layers of the pitch network and the engine that computes them."""

    engine: Engine
    frequency_1: Linear
    frequency_2: Linear
    conv_1: Conv2d
    conv_2: Conv2d
    downsampler: Linear
    gru: Gru
    classes: Linear

    @classmethod
    def from_tensors(cls, tensors: Tensors, engine: Engine) -> "PitchNetwork":
        """Build the network from a weights file's tensors.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        frequency_1 = Linear.from_tensors(tensors, "dense_if_upsampler_1", NUM_FREQUENCY_VALUES)
        frequency_2 = Linear.from_tensors(tensors, "dense_if_upsampler_2", frequency_1.num_outputs)
        downsampler = Linear.from_tensors(tensors, "dense_downsampler", NUM_LAGS + frequency_2.num_outputs)
        gru = Gru.from_tensors(tensors, "gru_1", downsampler.num_outputs)
        network = cls(
            engine=engine,
            frequency_1=frequency_1,
            frequency_2=frequency_2,
            conv_1=Conv2d.from_tensors(tensors, "conv2d_1"),
            conv_2=Conv2d.from_tensors(tensors, "conv2d_2"),
            downsampler=downsampler,
            gru=gru,
            classes=Linear.from_tensors(tensors, "dense_final_upsampler", gru.num_units),
        )
        num_channels = len(network.conv_1.bias)
        shapes = network.conv_1.weight.shape[:2], network.conv_2.weight.shape[:2]
        if shapes != ((num_channels, 1), (1, num_channels)):
            raise ModelError(f"the pitch network's convolutions do not fit one another: {shapes[0]} and {shapes[1]}")
        if network.classes.num_outputs < NUM_CLASSES:
            raise ModelError(f"the pitch network needs {NUM_CLASSES} classes, got {network.classes.num_outputs}")
        return network

    def initial_state(self) -> PitchState:
        """Return the memory of a stream that has not begun."""
        channels = self.conv_2.weight.shape[1]
        return PitchState(
            first_memory=np.zeros((2, 1, NUM_LAGS + 2), np.float32),
            second_memory=np.zeros((2, channels, NUM_LAGS + 2), np.float32),
            gru=np.zeros(self.gru.num_units, np.float32),
        )

    def step(
        self,
        state: PitchState,
        frequency: Float32[np.ndarray, " 88"],
        correlation: Float32[np.ndarray, " 224"],
    ) -> float:
        """Advance by one frame and return the pitch feature, -1.5 to 1.5."""
        engine = self.engine
        x = engine.dense(self.frequency_1, frequency, "tanh")
        x = engine.dense(self.frequency_2, x, "tanh")
        channels = engine.conv2d(self.conv_1, state.first_memory, _with_margin(correlation[None]))
        lags = engine.conv2d(self.conv_2, state.second_memory, _with_margin(channels))
        x = engine.dense(self.downsampler, np.concatenate([lags[0], x]), "tanh")
        engine.gru(self.gru, state.gru, x)
        return expected_pitch(engine.dense(self.classes, state.gru, "linear")[:NUM_CLASSES])


def _with_margin(rows: Float32[np.ndarray, "channels 224"]) -> Float32[np.ndarray, "channels 226"]:
    """Put a zero at both ends of the lags, so that the convolution keeps their number."""
    padded = np.zeros((len(rows), NUM_LAGS + 2), np.float32)
    padded[:, 1:-1] = rows
    return padded


def expected_pitch(scores: Float32[np.ndarray, " 180"]) -> float:
    """Average the classes around the best one, weighted by their exponentials."""
    best = int(np.argmax(scores))
    if scores[best] <= LEAST_MAXIMUM:
        best = 0
    classes = np.arange(max(0, best - MEAN_RADIUS), min(NUM_CLASSES, best + MEAN_RADIUS + 1))
    weights = np.exp(scores[classes])
    return float(weights @ classes / weights.sum()) / CLASSES_PER_OCTAVE - 1.5
