"""The analysis of frames for real-time use: compiled, with the pitch network's weights packed."""

import numpy as np
from jaxtyping import Float32, Int64

from dred.features.kernels import frame
from dred.features.kernels.spectrum import NUM_LOW_LANES
from dred.features.layout import NUM_FEATURES
from dred.features.reference.frame import NUM_LOW_BINS
from dred.features.reference.pitch import PitchNetwork
from dred.nn import Linear, ReferenceEngine, Tensors
from dred.nn.kernels import Network, Scratch, layer_rows, pack
from dred.timebase import FEATURE_FRAME_SAMPLES
from dred.vectors.kind import BYTES, LANES

Memory = Float32[np.ndarray, "streams memory"]


class CompiledAnalysis:
    """Any number of frames in one call. States are rows of floats; any number of threads may call."""

    scratch: Scratch

    def __init__(
        self, pitch_network: PitchNetwork, instructions: str | None = None, *, activation_bytes: int = 2
    ) -> None:
        """Pack a pitch network for an instruction set; by default the processor's fastest."""
        layers = [
            _in_vectors(pitch_network.frequency_1),
            pitch_network.frequency_2,
            pitch_network.downsampler,
            pitch_network.gru.input,
            pitch_network.gru.recurrent,
            pitch_network.classes,
        ]
        self._network = pack(layers, instructions, activation_bytes=activation_bytes)
        first, second = pitch_network.conv_1, pitch_network.conv_2
        self._taps = np.concatenate([part.ravel() for part in (first.weight, second.weight, first.bias, second.bias)])
        # Whole vectors, so that the next stream's row begins where one does.
        size = frame.memory_size(layer_rows(self._network), len(first.bias))
        self._memory_size = size + -size % LANES
        self.scratch = Scratch(self._network, [1])

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> "CompiledAnalysis":
        """Build the analysis with the pitch network of a weights file.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        return cls(PitchNetwork.from_tensors(tensors, ReferenceEngine()))

    @property
    def operands(self) -> tuple[Network, Float32[np.ndarray, " taps"]]:
        """What the kernel takes first: the pitch network's layers, and the taps of its convolutions."""
        return self._network, self._taps

    def initial_state(self, num_streams: int = 1) -> Memory:
        """Return the memory of streams that have not begun, a row each."""
        memory = np.zeros(num_streams * self._memory_size * 4 + BYTES, np.uint8)
        start = -memory.ctypes.data % BYTES
        return memory[start : start + memory.size - BYTES].view(np.float32).reshape(num_streams, -1)

    def extract(self, state: Memory, samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, "frames 20"]:
        """Extract the features of whole frames of one stream."""
        features = np.empty((samples.size // FEATURE_FRAME_SAMPLES, NUM_FEATURES), np.float32)
        space = self.scratch.borrow(1)
        frame.extract(self._network, self._taps, state, np.ascontiguousarray(samples), features, space[0])
        self.scratch.give_back(space)
        return features


def frequency_lanes() -> Int64[np.ndarray, " 90"]:
    """Return where the kernel writes the frequencies in the order of the reference, bin by bin from bin 0 on."""
    real, imag, log_power = (np.arange(NUM_LOW_BINS) + NUM_LOW_LANES * kind for kind in (1, 2, 0))
    return np.stack([real, imag, log_power], axis=1).ravel()


def _in_vectors(layer: Linear) -> Linear:
    """Put a layer's columns in the order in which the kernel writes its inputs: three kinds of values, 32 lanes each.

    The reference has them bin by bin, without the phase of bin 0.
    """
    columns = frequency_lanes()[-layer.num_inputs :]

    def scatter(matrix: np.ndarray) -> np.ndarray:
        scattered = np.zeros((len(matrix), 3 * NUM_LOW_LANES), matrix.dtype)
        scattered[:, columns] = matrix
        return scattered

    integers = None if layer.integers is None else scatter(layer.integers)
    return Linear(weight=scatter(layer.weight), bias=layer.bias, integers=integers, scale=layer.scale)
