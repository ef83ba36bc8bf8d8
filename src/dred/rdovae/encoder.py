"""The RDO-VAE encoder: two feature frames in, one latent and one initial state out, every 20 ms.

    40 features -> dense --> [ GRU | conv ] x 5, each output appended to what came before --> latent
                                                                                         '--> dense -> state

The network runs forward in time, once per 20 ms whatever the amount of redundancy.

Source: facts from libopus 1.6.1 and 1.5.2 dnn/dred_rdovae_enc.c.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.nn import Engine, Linear, Tensors
from dred.rdovae.blocks import Block, BlockState

NUM_INPUTS = 40
_DILATIONS = (1, 2, 2, 2, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class RdovaeEncoder:
    """The layers of the encoder and the engine that computes them."""

    engine: Engine
    input: Linear
    blocks: tuple[Block, ...]
    latent: Linear
    state_hidden: Linear
    state: Linear
    latent_dim: int
    state_dim: int

    @classmethod
    def from_tensors(cls, tensors: Tensors, engine: Engine, *, latent_dim: int, state_dim: int) -> "RdovaeEncoder":
        """Build the encoder from a weights file's tensors.

        Args:
            tensors: Raw arrays of a weights file.
            engine: What computes the layers.
            latent_dim: Number of latent dimensions that are coded; the layer's outputs beyond are padding.
            state_dim: Likewise for the initial state.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        first = Linear.from_tensors(tensors, "enc_dense1", NUM_INPUTS)
        width = first.num_outputs
        blocks = []
        for number, dilation in enumerate(_DILATIONS, start=1):
            blocks.append(Block.from_tensors(tensors, engine, "enc", number, width=width, dilation=dilation))
            width += blocks[-1].num_outputs
        return cls(
            engine=engine,
            input=first,
            blocks=tuple(blocks),
            latent=Linear.from_tensors(tensors, "enc_zdense", width),
            state_hidden=Linear.from_tensors(tensors, "gdense1", width),
            state=Linear.from_tensors(tensors, "gdense2"),
            latent_dim=latent_dim,
            state_dim=state_dim,
        )

    def initial_state(self) -> list[BlockState]:
        """Return the memory of a stream that has not begun."""
        return [block.initial_state() for block in self.blocks]

    def encode(
        self, state: list[BlockState], features: Float32[np.ndarray, "2 20"]
    ) -> tuple[Float32[np.ndarray, " latent"], Float32[np.ndarray, " state"]]:
        """Encode the next 20 ms, older frame first, into the latent of the last 40 ms and the state behind it."""
        x = self.engine.dense(self.input, features.ravel(), "tanh")
        for block, block_state in zip(self.blocks, state):
            x = block.step(block_state, x)
        latent = self.engine.dense(self.latent, x, "linear")
        hidden = self.engine.dense(self.state_hidden, x, "tanh")
        initial = self.engine.dense(self.state, hidden, "linear")
        return latent[: self.latent_dim], initial[: self.state_dim]
