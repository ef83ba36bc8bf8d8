"""Vocoders for real-time use: FARGAN and LPCNet in whole compiled stages, for one stream or many at once."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from dred.errors import ModelError, UsageError
from dred.features import NUM_FEATURES
from dred.nn import Linear, ReferenceEngine, Tensors
from dred.nn.kernels import Scratch, layer_rows, pack
from dred.vocoder import fargan_kernel, lpcnet_kernel
from dred.vocoder.fargan import Fargan
from dred.vocoder.layout import FRAME_SAMPLES, START_FEATURE_FRAMES, START_SAMPLES
from dred.vocoder.lpcnet import Lpcnet
from dred.vocoder.request import SpeechRequest

# Wide enough for a table to lie level by level.
_LEAST_GATES = 18

State = Float32[np.ndarray, "1 memory"]


@runtime_checkable
class _Kernel(Protocol):
    """A module of compiled stages."""

    start: Any
    synthesise: Any

    def memory_size(self, table: np.ndarray, /) -> int: ...

    def row_widths(self, table: np.ndarray, /) -> tuple[int, ...]: ...


class _CompiledVocoder:
    """A vocoder's weights, packed. States are rows of floats; any number of threads may call."""

    def __init__(
        self, kernel: _Kernel, layers: Sequence[Linear], instructions: str | None, activation_bytes: int
    ) -> None:
        self._kernel = kernel
        self._network = pack(layers, instructions, activation_bytes=activation_bytes)
        table = layer_rows(self._network)
        self._memory_size = kernel.memory_size(table)
        self._scratch = Scratch(self._network, kernel.row_widths(table))

    def start(self, features: Float32[np.ndarray, "5 20"], samples: Float32[np.ndarray, " 320"]) -> State:
        """Take up speech where it broke off, as `start` of the network that is read does.

        Raises:
            UsageError: The shapes are not these.
        """
        _check_opening(features, samples)
        memory = np.empty((1, self._memory_size), np.float32)
        self._start(memory, np.ascontiguousarray(features)[None], np.ascontiguousarray(samples)[None])
        return memory

    def synthesise(self, state: State, features: Float32[np.ndarray, "frames 20"]) -> Float32[np.ndarray, " samples"]:
        """Speak the next 10 ms per feature frame, -1 to 1; louder samples are not clipped here."""
        num_frames = np.full(1, len(features), np.int64)
        return self._synthesise(state, np.ascontiguousarray(features)[None], num_frames)[0]

    def speak(self, requests: Sequence[SpeechRequest]) -> list[Float32[np.ndarray, " samples"]]:
        """Speak what several streams ask for, all in one go.

        Raises:
            UsageError: The shapes of an opening are not those of `start`.
        """
        if not requests:
            return []
        openings = [request for request in requests if request.opening is not None]
        if openings:
            self._open(openings)
        if len(requests) == 1:
            return [self.synthesise(requests[0].state, requests[0].features)]
        order = sorted(range(len(requests)), key=lambda n: -len(requests[n].features))
        num_frames = np.array([len(requests[n].features) for n in order], np.int64)
        features = np.zeros((len(order), num_frames.max(), NUM_FEATURES), np.float32)
        for row, n in enumerate(order):
            features[row, : num_frames[row]] = requests[n].features
        memory = np.concatenate([requests[n].state for n in order])
        samples = self._synthesise(memory, features, num_frames)
        spoken = [samples[:0]] * len(order)
        for row, n in enumerate(order):
            requests[n].state[0] = memory[row]
            spoken[n] = samples[row, : num_frames[row] * FRAME_SAMPLES]
        return spoken

    def _open(self, requests: Sequence[SpeechRequest]) -> None:
        openings = [request.opening for request in requests if request.opening is not None]
        for features, samples in openings:
            _check_opening(features, samples)
        memory = np.empty((len(requests), self._memory_size), np.float32)
        self._start(
            memory, np.stack([features for features, _ in openings]), np.stack([heard for _, heard in openings])
        )
        for row, request in enumerate(requests):
            request.state = memory[row : row + 1]

    def _start(self, memory: np.ndarray, features: np.ndarray, samples: np.ndarray) -> None:
        space = self._scratch.borrow(len(memory))
        self._kernel.start(self._network, memory, features, samples, *space)
        self._scratch.give_back(space)

    def _synthesise(self, memory: np.ndarray, features: np.ndarray, num_frames: np.ndarray) -> np.ndarray:
        samples = np.empty((len(memory), features.shape[1] * FRAME_SAMPLES), np.float32)
        space = self._scratch.borrow(len(memory))
        self._kernel.synthesise(self._network, memory, features, num_frames, samples, *space)
        self._scratch.give_back(space)
        return samples


class CompiledFargan(_CompiledVocoder):
    """FARGAN's weights, packed."""

    def __init__(self, fargan: Fargan, instructions: str | None = None, *, activation_bytes: int = 2) -> None:
        """Pack a vocoder's layers for an instruction set; by default the processor's fastest."""
        super().__init__(fargan_kernel, _fargan_layers(fargan), instructions, activation_bytes)

    @classmethod
    def from_tensors(cls, tensors: Tensors, *, activation_bytes: int = 2) -> "CompiledFargan":
        """Build the vocoder from a weights file's tensors.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        return cls(Fargan.from_tensors(tensors, ReferenceEngine()), activation_bytes=activation_bytes)


class CompiledLpcnet(_CompiledVocoder):
    """LPCNet's weights, packed, with the tables of what each embedded level adds to the gates of GRU A."""

    def __init__(self, lpcnet: Lpcnet, instructions: str | None = None, *, activation_bytes: int = 2) -> None:
        """Pack a vocoder's layers for an instruction set; by default the processor's fastest."""
        super().__init__(lpcnet_kernel, _lpcnet_layers(lpcnet), instructions, activation_bytes)

    @classmethod
    def from_tensors(cls, tensors: Tensors, *, activation_bytes: int = 2) -> "CompiledLpcnet":
        """Build the vocoder from a weights file's tensors.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        return cls(Lpcnet.from_tensors(tensors, ReferenceEngine()), activation_bytes=activation_bytes)


def _fargan_layers(fargan: Fargan) -> list[Linear]:
    """Return the layers in the order in which the kernel numbers them."""
    embedding = np.ascontiguousarray(fargan.period_embedding.T)
    layers = [
        Linear(weight=embedding, bias=np.zeros(len(embedding), np.float32)),
        fargan.condition_1,
        fargan.condition_conv,
        fargan.condition_2,
        fargan.gain,
        fargan.signal_conv,
        fargan.signal_glu,
        fargan.pitch_gates,
    ]
    for gru, glu in zip(fargan.grus, fargan.glus):
        layers += [gru.input, gru.recurrent, glu]
    return [*layers, fargan.skip, fargan.skip_glu, fargan.output]


def _lpcnet_layers(lpcnet: Lpcnet) -> list[Linear]:
    """Return the layers in the order in which the kernel numbers them."""
    source = lpcnet.gru_a.input
    num_gates = source.num_outputs
    if num_gates < _LEAST_GATES:
        raise ModelError(f"lpcnet_gru_a has at least {_LEAST_GATES // 3} units, not {num_gates // 3}")
    tables, start = [], 0
    for rows in lpcnet.embeddings:
        stop = start + rows.shape[1]
        table = source.weight[:, start:stop] @ rows.T
        tables.append(Linear(weight=table, bias=np.zeros(num_gates, np.float32)))
        start = stop
    condition = Linear(weight=np.ascontiguousarray(source.weight[:, start:]), bias=source.bias)
    return [
        lpcnet.conv_1,
        lpcnet.conv_2,
        lpcnet.dense_1,
        lpcnet.dense_2,
        *tables,
        condition,
        lpcnet.gru_a.recurrent,
        lpcnet.gru_b.input,
        lpcnet.gru_b.recurrent,
        *lpcnet.duals,
        lpcnet.dual_weights,
    ]


def _check_opening(features: np.ndarray, samples: np.ndarray) -> None:
    if features.shape != (START_FEATURE_FRAMES, NUM_FEATURES) or samples.shape != (START_SAMPLES,):
        raise UsageError(f"start needs (5, 20) features and 320 samples, got {features.shape}, {samples.shape}")
