"""The sender's networks: 20 ms of samples to one latent and one initial state, for one stream or a bank of them.

    samples -> two feature frames -> RDO-VAE encoder -> latent, initial state

One compiled call per 20 ms: what a stream remembers is two rows of floats, one per network.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int

from dred.bitstream import PayloadTables
from dred.compilation import compiled
from dred.features import CompiledAnalysis
from dred.features.kernels.frame import extract
from dred.nn.kernels import copy_part
from dred.rdovae import CompiledEncoder
from dred.rdovae.encoder import NUM_INPUTS
from dred.rdovae.kernels import encode

Outputs = tuple[Float32[np.ndarray, "streams latent"], Float32[np.ndarray, "streams state"]]


class NeuralEncoderBank:
    """The networks of several streams, each with its own memory; all that have something to say are run at once."""

    def __init__(
        self, tables: PayloadTables, analysis: CompiledAnalysis, encoder: CompiledEncoder, num_streams: int
    ) -> None:
        """Start streams with these networks, whose latents are quantised by these tables."""
        self.tables = tables
        self._analysis = analysis
        self._encoder = encoder
        self._analysis_memory = analysis.initial_state(num_streams)
        self._encoder_memory = encoder.initial_state(num_streams)

    def encode(self, streams: Int[np.ndarray, " streams"], samples: Float32[np.ndarray, "streams 320"]) -> Outputs:
        """Encode the next 20 ms of these streams, 16 kHz on the int16 scale."""
        num_streams = len(samples)
        encoder = self._encoder
        latents, states = encoder.empty_outputs(num_streams)
        features = np.empty((num_streams, NUM_INPUTS), np.float32)
        memory = np.empty((num_streams, self._encoder_memory.shape[1]), np.float32)
        analysis_space, space = self._analysis.scratch.borrow(1), encoder.packed.scratch.borrow(num_streams)
        _encode_streams(
            *self._analysis.operands,
            self._analysis_memory,
            analysis_space[0],
            encoder.packed.network,
            encoder.packed.plan,
            self._encoder_memory,
            memory,
            *space,
            np.asarray(streams, np.int64),
            np.ascontiguousarray(samples),
            features,
            latents,
            states,
        )
        self._analysis.scratch.give_back(analysis_space)
        encoder.packed.scratch.give_back(space)
        return latents[:, : encoder.latent_dim], states[:, : encoder.state_dim]

    def restart(self, stream: int) -> None:
        """Let a stream begin anew."""
        self._analysis_memory[stream] = 0
        self._encoder_memory[stream] = 0


class NeuralEncoder:
    """The networks with the memory of one stream, and room for each call. One thread at a time may use it."""

    def __init__(self, tables: PayloadTables, analysis: CompiledAnalysis, encoder: CompiledEncoder) -> None:
        """Start a stream with these networks, whose latents are quantised by these tables."""
        self.tables = tables
        work, _ = analysis.scratch.borrow(1)
        self._operands = (
            *(*analysis.operands, analysis.initial_state(), work),
            *(encoder.packed.network, encoder.packed.plan, encoder.initial_state(), *encoder.packed.scratch.borrow(1)),
            np.empty((1, NUM_INPUTS), np.float32),
            *encoder.empty_outputs(1),
        )
        latents, states = self._operands[-2:]
        self._latent, self._state = latents[0, : encoder.latent_dim], states[0, : encoder.state_dim]

    def encode(
        self, samples: Float32[np.ndarray, " 320"]
    ) -> tuple[Float32[np.ndarray, " latent"], Float32[np.ndarray, " state"]]:
        """Encode the next 20 ms, 16 kHz on the int16 scale; the next call overwrites what this one returns."""
        _encode_stream(samples, *self._operands)
        return self._latent, self._state


@compiled(makes_arrays=False)
@no_type_check
def _encode_stream(
    samples, pitch_network, taps, analysis_memory, pitch_work, network, plan, memory, work, rows, features, latents,
    states,
):  # fmt: skip
    frames = features[0].reshape(2, features.shape[1] // 2)
    extract(pitch_network, taps, analysis_memory, samples, frames, pitch_work)
    encode(network, plan, memory, features, latents, states, work, rows, False)


@compiled(makes_arrays=False)
@no_type_check
def _encode_streams(
    pitch_network, taps, analysis_memory, pitch_work, network, plan, all_memory, memory, work, rows, streams, samples,
    features, latents, states,
):  # fmt: skip
    size = memory.shape[1]
    for row in range(streams.size):
        stream = streams[row]
        frames = features[row].reshape(2, features.shape[1] // 2)
        extract(pitch_network, taps, analysis_memory[stream : stream + 1], samples[row], frames, pitch_work)
        copy_part(all_memory[stream], 0, size, memory[row], 0)
    encode(network, plan, memory, features, latents, states, work, rows, False)
    for row in range(streams.size):
        copy_part(memory[row], 0, size, all_memory[streams[row]], 0)
