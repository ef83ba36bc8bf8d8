"""The neural PLC predictor: past features to the next feature frame.

    36 Burg features, 20 features, what they are -> dense 128 -> GRU 192 -> GRU 192 -> 20 features

Source: Valin et al., "Real-Time Packet Loss Concealment With Mixed Generative and Predictive Model", 2022; facts from
libopus 1.6.1 dnn/lpcnet_plc.c.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.features import NUM_BURG_FEATURES, NUM_FEATURES
from dred.nn import Engine, Gru, Linear, Tensors

NUM_INPUTS = NUM_BURG_FEATURES + NUM_FEATURES + 1
# The last input tells where the features come from.
HEARD, FROM_REDUNDANCY, UNKNOWN = 1.0, -1.0, 0.0


@dataclass(slots=True, kw_only=True)
class PredictorState:
    """The predictor's two GRU states."""

    gru_1: Float32[np.ndarray, " units"]
    gru_2: Float32[np.ndarray, " units"]

    def copy(self) -> "PredictorState":
        """Return an independent copy, to come back to."""
        return PredictorState(gru_1=self.gru_1.copy(), gru_2=self.gru_2.copy())


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """The layers of the predictor and the engine that computes them."""

    engine: Engine
    input: Linear
    gru_1: Gru
    gru_2: Gru
    output: Linear

    @classmethod
    def from_tensors(cls, tensors: Tensors, engine: Engine) -> "Predictor":
        """Build the predictor from a weights file's tensors.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        return cls(
            engine=engine,
            input=Linear.from_tensors(tensors, "plc_dense_in", NUM_INPUTS),
            gru_1=Gru.from_tensors(tensors, "plc_gru1"),
            gru_2=Gru.from_tensors(tensors, "plc_gru2"),
            output=Linear.from_tensors(tensors, "plc_dense_out"),
        )

    def initial_state(self) -> PredictorState:
        """Return the memory of a stream that has not begun."""
        return PredictorState(
            gru_1=np.zeros(self.gru_1.num_units, np.float32),
            gru_2=np.zeros(self.gru_2.num_units, np.float32),
        )

    def hear(
        self,
        state: PredictorState,
        burg: Float32[np.ndarray, "frames 36"],
        features: Float32[np.ndarray, "frames 20"],
    ) -> None:
        """Take in what was received, 10 ms per frame."""
        for spectral, frame in zip(burg, features):
            self._step(state, np.concatenate([spectral, frame, [HEARD]]))

    def follow(self, state: PredictorState, features: Float32[np.ndarray, "frames 20"]) -> None:
        """Take in what redundancy described, 10 ms per frame."""
        for frame in features:
            self._step(state, np.concatenate([np.zeros(NUM_BURG_FEATURES), frame, [FROM_REDUNDANCY]]))

    def predict(self, state: PredictorState) -> Float32[np.ndarray, " 20"]:
        """Guess the features of the next 10 ms, of which nothing is known."""
        return self._step(state, np.full(NUM_INPUTS, UNKNOWN))

    def _step(self, state: PredictorState, values: np.ndarray) -> Float32[np.ndarray, " 20"]:
        x = self.engine.dense(self.input, values.astype(np.float32), "tanh")
        self.engine.gru(self.gru_1, state.gru_1, x)
        self.engine.gru(self.gru_2, state.gru_2, state.gru_1)
        return self.engine.dense(self.output, state.gru_2, "linear")
