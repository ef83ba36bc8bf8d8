"""The RDO-VAE for real-time use: each half in one compiled call, for one stream, many, or many steps of one."""

import numpy as np
from jaxtyping import Float32, Int

from dred.errors import UsageError
from dred.nn import ReferenceEngine, Tensors
from dred.rdovae import kernels
from dred.rdovae.decoder import NUM_FEATURES, RdovaeDecoder
from dred.rdovae.encoder import NUM_INPUTS, RdovaeEncoder
from dred.rdovae.packed import PackedHalf
from dred.timebase import FEATURE_FRAMES_PER_CHUNK

Memory = Float32[np.ndarray, "memories size"]


class CompiledEncoder:
    """The encoder's weights, packed. States are rows of floats; any number of threads may call."""

    def __init__(self, encoder: RdovaeEncoder, instructions: str | None = None, *, activation_bytes: int = 2) -> None:
        """Pack an encoder's layers for an instruction set; by default the processor's fastest."""
        heads = [encoder.latent, encoder.state_hidden, encoder.state]
        self.packed = PackedHalf.from_layers(encoder.input, encoder.blocks, heads, instructions, activation_bytes)
        self.latent_dim, self.state_dim = encoder.latent_dim, encoder.state_dim
        self._widths = (encoder.latent.num_outputs, encoder.state.num_outputs)

    @classmethod
    def from_tensors(cls, tensors: Tensors, *, latent_dim: int, state_dim: int) -> "CompiledEncoder":
        """Build the encoder from a weights file's tensors, as `RdovaeEncoder.from_tensors` does.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        reference = RdovaeEncoder.from_tensors(tensors, ReferenceEngine(), latent_dim=latent_dim, state_dim=state_dim)
        return cls(reference)

    def initial_state(self, num_streams: int = 1) -> Memory:
        """Return the memory of streams that have not begun, a row each."""
        return np.zeros((num_streams, self.packed.memory_size), np.float32)

    def encode(
        self, state: Memory, features: Float32[np.ndarray, "2 20"]
    ) -> tuple[Float32[np.ndarray, " latent"], Float32[np.ndarray, " state"]]:
        """Encode the next 20 ms, older frame first, into the latent of the last 40 ms and the state behind it."""
        latents, states = self._encode(state, features.reshape(1, NUM_INPUTS), are_steps=False)
        return latents[0], states[0]

    def encode_streams(
        self, state: Memory, features: Float32[np.ndarray, "streams 2 20"]
    ) -> tuple[Float32[np.ndarray, "streams latent"], Float32[np.ndarray, "streams state"]]:
        """Encode the next 20 ms of several streams, whose memories are the rows of the state.

        Raises:
            UsageError: There are not as many memories as streams.
        """
        if len(state) != len(features):
            raise UsageError(f"{len(features)} streams need as many memories, got {len(state)}")
        return self._encode(state, features.reshape(-1, NUM_INPUTS), are_steps=False)

    def encode_steps(
        self, state: Memory, features: Float32[np.ndarray, "steps 2 20"]
    ) -> tuple[Float32[np.ndarray, "steps latent"], Float32[np.ndarray, "steps state"]]:
        """Encode several steps of one stream, 20 ms each."""
        return self._encode(state, features.reshape(-1, NUM_INPUTS), are_steps=True)

    def _encode(self, state: Memory, features: np.ndarray, *, are_steps: bool) -> tuple[np.ndarray, np.ndarray]:
        packed = self.packed
        latents, states = self.empty_outputs(len(features))
        space = packed.scratch.borrow(len(features))
        features = np.ascontiguousarray(features)
        kernels.encode(packed.network, packed.plan, state, features, latents, states, *space, are_steps)
        packed.scratch.give_back(space)
        return latents[:, : self.latent_dim], states[:, : self.state_dim]

    def empty_outputs(self, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Return room for latents and initial states as the kernel writes them, wider than their dimensions."""
        latent_width, state_width = self._widths
        return np.empty((num_rows, latent_width), np.float32), np.empty((num_rows, state_width), np.float32)


class CompiledDecoder:
    """The decoder's weights, packed. States are rows of floats; any number of threads may call."""

    def __init__(self, decoder: RdovaeDecoder, instructions: str | None = None, *, activation_bytes: int = 2) -> None:
        """Pack a decoder's layers for an instruction set; by default the processor's fastest."""
        heads = [decoder.output, decoder.state_hidden, decoder.state]
        self._packed = PackedHalf.from_layers(decoder.input, decoder.blocks, heads, instructions, activation_bytes)
        self.takes_level = decoder.takes_level

    @classmethod
    def from_tensors(
        cls, tensors: Tensors, *, latent_dim: int, state_dim: int, activation_bytes: int = 2
    ) -> "CompiledDecoder":
        """Build the decoder from a weights file's tensors, as `RdovaeDecoder.from_tensors` does.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        reference = RdovaeDecoder.from_tensors(tensors, ReferenceEngine(), latent_dim=latent_dim, state_dim=state_dim)
        return cls(reference, activation_bytes=activation_bytes)

    def start(self, initial_state: Float32[np.ndarray, " state"]) -> Memory:
        """Return the memory of a decoder that stands at the newest end of a packet's redundancy."""
        packed = self._packed
        memory = np.empty((1, packed.memory_size), np.float32)
        space = packed.scratch.borrow(1)
        kernels.start_decoder(packed.network, packed.plan, memory, np.ascontiguousarray(initial_state)[None], *space)
        packed.scratch.give_back(space)
        return memory

    def decode_latents(
        self, state: Memory, latents: Float32[np.ndarray, "latents latent"], levels: Int[np.ndarray, " latents"]
    ) -> Float32[np.ndarray, "frames 20"]:
        """Decode the next older latents, 40 ms each, newest first; levels are their quality levels, 0 to 15."""
        packed = self._packed
        values = np.ascontiguousarray(latents)
        if self.takes_level:
            values = np.empty((len(latents), latents.shape[1] + 1), np.float32)
            values[:, :-1] = latents
            values[:, -1] = levels / np.float32(8) - 1
        features = np.empty((len(latents), FEATURE_FRAMES_PER_CHUNK * NUM_FEATURES), np.float32)
        space = packed.scratch.borrow(len(latents))
        kernels.decode(packed.network, packed.plan, state, values, features, *space)
        packed.scratch.give_back(space)
        return features.reshape(-1, NUM_FEATURES)

    def decode(
        self,
        initial_state: Float32[np.ndarray, " state"],
        latents: Float32[np.ndarray, "latents latent"],
        levels: Int[np.ndarray, " latents"],
    ) -> Float32[np.ndarray, "frames 20"]:
        """Decode a packet's redundancy, newest latent first, to feature frames, newest first."""
        return self.decode_latents(self.start(initial_state), latents, levels)
