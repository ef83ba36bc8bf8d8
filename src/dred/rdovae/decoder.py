"""The RDO-VAE decoder: from the initial state backward in time, 40 ms per latent.

    state -> dense -> dense -> initial GRU states
    latent, level -> dense --> [ GRU, GLU | conv ] x 5, each output appended --> 4 feature frames, newest first

Any number of latents can be decoded: a short gap needs only the newest few.

Source: facts from libopus 1.6.1 and 1.5.2 dnn/dred_rdovae_dec.c.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from dred.errors import ModelError
from dred.nn import Engine, Linear, Tensors
from dred.rdovae.blocks import Block, BlockState
from dred.timebase import FEATURE_FRAMES_PER_CHUNK

NUM_FEATURES = 20
_NUM_BLOCKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RdovaeDecoder:
    """The layers of the decoder and the engine that computes them."""

    engine: Engine
    state_hidden: Linear
    state: Linear
    input: Linear
    takes_level: bool
    blocks: tuple[Block, ...]
    output: Linear

    @classmethod
    def from_tensors(cls, tensors: Tensors, engine: Engine, *, latent_dim: int, state_dim: int) -> "RdovaeDecoder":
        """Build the decoder from a weights file's tensors.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        first = Linear.from_tensors(tensors, "dec_dense1")
        if first.num_inputs not in (latent_dim, latent_dim + 1):
            raise ModelError(f"layer dec_dense1 has {first.num_inputs} inputs, {latent_dim} or one more are needed")
        width = first.num_outputs
        blocks = []
        for number in range(1, _NUM_BLOCKS + 1):
            blocks.append(Block.from_tensors(tensors, engine, "dec", number, width=width, dilation=1))
            width += blocks[-1].num_outputs
        hidden = Linear.from_tensors(tensors, "dec_hidden_init", state_dim)
        return cls(
            engine=engine,
            state_hidden=hidden,
            state=Linear.from_tensors(tensors, "dec_gru_init", hidden.num_outputs),
            input=first,
            takes_level=first.num_inputs == latent_dim + 1,
            blocks=tuple(blocks),
            output=Linear.from_tensors(tensors, "dec_output", width),
        )

    def start(self, initial_state: Float32[np.ndarray, " state"]) -> list[BlockState]:
        """Return the memory of a decoder that stands at the newest end of a packet's redundancy."""
        hidden = self.engine.dense(self.state_hidden, initial_state, "tanh")
        units = self.engine.dense(self.state, hidden, "tanh")
        states = [block.initial_state() for block in self.blocks]
        position = 0
        for state in states:
            state.gru[:] = units[position : position + state.gru.size]
            position += state.gru.size
        return states

    def decode_latents(
        self,
        state: list[BlockState],
        latents: Float32[np.ndarray, "latents latent"],
        levels: Int[np.ndarray, " latents"],
    ) -> Float32[np.ndarray, "frames 20"]:
        """Decode the next older latents, 40 ms each, newest first; levels are their quality levels, 0 to 15."""
        frames = [self._decode_latent(state, latent, int(level)) for latent, level in zip(latents, levels)]
        return np.array(frames, np.float32).reshape(-1, NUM_FEATURES)

    def decode(
        self,
        initial_state: Float32[np.ndarray, " state"],
        latents: Float32[np.ndarray, "latents latent"],
        levels: Int[np.ndarray, " latents"],
    ) -> Float32[np.ndarray, "frames 20"]:
        """Decode a packet's redundancy, newest latent first, to feature frames, newest first."""
        return self.decode_latents(self.start(initial_state), latents, levels)

    def _decode_latent(self, state: list[BlockState], latent: np.ndarray, level: int) -> np.ndarray:
        # From version 12 on, a latent comes with its quality level as one more element.
        values = np.append(latent, np.float32(level / 8 - 1)) if self.takes_level else latent
        x = self.engine.dense(self.input, values, "tanh")
        for block, block_state in zip(self.blocks, state):
            x = block.step(block_state, x)
        return self.engine.dense(self.output, x, "linear").reshape(FEATURE_FRAMES_PER_CHUNK, NUM_FEATURES)
