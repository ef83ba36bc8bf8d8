"""The block that both halves of the RDO-VAE repeat five times.

    x --> GRU (--> GLU, decoder) --+--> (dense -->) causal convolution --+--> x, GRU output, convolution output
      '----------------------------'

The GRU's output joins x before the convolution sees it. Version 12 squeezes the convolution's input by a dense layer,
version 10 has none: the weights file tells.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.nn import Engine, Gru, Linear, Tensors


@dataclass(slots=True, kw_only=True)
class BlockState:
    """The block's GRU state and the past inputs of its convolution, oldest first."""

    gru: Float32[np.ndarray, " units"]
    conv: Float32[np.ndarray, "dilation width"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block's layers; glu and squeeze are absent in some versions."""

    engine: Engine
    gru: Gru
    glu: Linear | None
    squeeze: Linear | None
    conv: Linear
    dilation: int

    @classmethod
    def from_tensors(
        cls, tensors: Tensors, engine: Engine, prefix: str, number: int, *, width: int, dilation: int
    ) -> "Block":
        """Build block `number` of the half named by prefix, "enc" or "dec", for an input of a width.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        gru = Gru.from_tensors(tensors, f"{prefix}_gru{number}", width)
        joined = width + gru.num_units
        has_glu = f"{prefix}_glu{number}_bias" in tensors
        has_squeeze = f"{prefix}_conv_dense{number}_bias" in tensors
        squeeze = Linear.from_tensors(tensors, f"{prefix}_conv_dense{number}", joined) if has_squeeze else None
        conv_width = squeeze.num_outputs if squeeze else joined
        return cls(
            engine=engine,
            gru=gru,
            glu=Linear.from_tensors(tensors, f"{prefix}_glu{number}", gru.num_units) if has_glu else None,
            squeeze=squeeze,
            conv=Linear.from_tensors(tensors, f"{prefix}_conv{number}", 2 * conv_width),
            dilation=dilation,
        )

    @property
    def num_outputs(self) -> int:
        """How much the block appends to its input."""
        return self.gru.num_units + self.conv.num_outputs

    def initial_state(self) -> BlockState:
        """Return the memory of a block that has seen nothing."""
        return BlockState(
            gru=np.zeros(self.gru.num_units, np.float32),
            conv=np.zeros((self.dilation, self.conv.num_inputs // 2), np.float32),
        )

    def step(self, state: BlockState, x: Float32[np.ndarray, " width"]) -> Float32[np.ndarray, " wider"]:
        """Advance by one step and return x with the block's outputs appended."""
        self.engine.gru(self.gru, state.gru, x)
        y = self.engine.glu(self.glu, state.gru) if self.glu else state.gru
        x = np.concatenate([x, y])
        squeezed = self.engine.dense(self.squeeze, x, "tanh") if self.squeeze else x
        return np.concatenate([x, self.engine.conv1d(self.conv, state.conv, squeezed)])
