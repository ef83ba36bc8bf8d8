"""The predictor for real-time use: one compiled call for any number of frames."""

import numpy as np
from jaxtyping import Float32

from dred.concealment import kernel
from dred.concealment.predictor import FROM_REDUNDANCY, HEARD, NUM_INPUTS, UNKNOWN, Predictor
from dred.features import NUM_BURG_FEATURES, NUM_FEATURES
from dred.nn import ReferenceEngine, Tensors
from dred.nn.kernels import Scratch, pack

Memory = Float32[np.ndarray, "1 memory"]


class CompiledPredictor:
    """The predictor's weights, packed. States are rows of floats; any number of threads may call."""

    def __init__(self, predictor: Predictor, instructions: str | None = None, *, activation_bytes: int = 2) -> None:
        """Pack a predictor's layers for an instruction set; by default the processor's fastest."""
        gru_1, gru_2 = predictor.gru_1, predictor.gru_2
        layers = [predictor.input, gru_1.input, gru_1.recurrent, gru_2.input, gru_2.recurrent, predictor.output]
        self._network = pack(layers, instructions, activation_bytes=activation_bytes)
        self._memory_size = gru_1.num_units + gru_2.num_units
        self._scratch = Scratch(self._network, [predictor.input.num_outputs, gru_1.num_units, gru_2.num_units])

    @classmethod
    def from_tensors(cls, tensors: Tensors, *, activation_bytes: int = 2) -> "CompiledPredictor":
        """Build the predictor from a weights file's tensors.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        return cls(Predictor.from_tensors(tensors, ReferenceEngine()), activation_bytes=activation_bytes)

    def initial_state(self) -> Memory:
        """Return the memory of a stream that has not begun."""
        return np.zeros((1, self._memory_size), np.float32)

    def hear(
        self, state: Memory, burg: Float32[np.ndarray, "frames 36"], features: Float32[np.ndarray, "frames 20"]
    ) -> None:
        """Take in what was received, 10 ms per frame."""
        values = np.empty((len(features), NUM_INPUTS), np.float32)
        values[:, :NUM_BURG_FEATURES] = burg
        values[:, NUM_BURG_FEATURES:-1] = features
        values[:, -1] = HEARD
        self._advance(state, values)

    def follow(self, state: Memory, features: Float32[np.ndarray, "frames 20"]) -> None:
        """Take in what redundancy described, 10 ms per frame."""
        values = np.zeros((len(features), NUM_INPUTS), np.float32)
        values[:, NUM_BURG_FEATURES:-1] = features
        values[:, -1] = FROM_REDUNDANCY
        self._advance(state, values)

    def predict(self, state: Memory) -> Float32[np.ndarray, " 20"]:
        """Guess the features of the next 10 ms, of which nothing is known."""
        features = np.empty((1, NUM_FEATURES), np.float32)
        values = np.full((1, NUM_INPUTS), UNKNOWN, np.float32)
        space = self._scratch.borrow(1)
        kernel.predict(self._network, state, values, features, *space)
        self._scratch.give_back(space)
        return features[0]

    def _advance(self, state: Memory, values: np.ndarray) -> None:
        space = self._scratch.borrow(len(values))
        kernel.advance(self._network, state, values, *space)
        self._scratch.give_back(space)
