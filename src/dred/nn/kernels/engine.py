"""The kernel engine: single layers by the compiled kernels, behind the same face as the reference engine."""

from typing import no_type_check
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float32

from dred.compilation import compiled
from dred.nn.engine import Activation
from dred.nn.kernels.activations import ACTIVATIONS
from dred.nn.kernels.convolutions import conv1d, conv2d
from dred.nn.kernels.layers import dense, glu, gru
from dred.nn.kernels.packing import Network, Workspace, pack, workspace
from dred.nn.layers import Conv2d, Gru, Linear


@compiled
@no_type_check
def _dense(network, x, out, activation, work):
    dense(network, 0, x, 0, out, 0, activation, work)


@compiled
@no_type_check
def _gru(network, x, state, work):
    gru(network, 0, 1, x, 0, state, 0, work)


@compiled
@no_type_check
def _glu(network, x, out, work):
    glu(network, 0, x, 0, out, 0, work)


class KernelEngine:
    """Layer arithmetic by compiled kernels, one call per layer."""

    def __init__(self, instructions: str | None = None) -> None:
        """Compute with an instruction set; by default the processor's fastest, or the one in $DRED_KERNELS."""
        self.name = "kernels"
        self._instructions = instructions
        self._packed: WeakKeyDictionary[Linear, Network] = WeakKeyDictionary()
        # By the input map, then by the recurrent one.
        self._packed_units: WeakKeyDictionary[Linear, WeakKeyDictionary[Linear, Network]] = WeakKeyDictionary()

    def dense(
        self, layer: Linear, x: Float32[np.ndarray, " inputs"], activation: Activation
    ) -> Float32[np.ndarray, " outputs"]:
        """Apply an affine map and an activation."""
        network, work = self._pack(layer)
        out = np.empty((1, layer.num_outputs), np.float32)
        _dense(network, np.ascontiguousarray(x)[None], out, ACTIVATIONS[activation], work)
        return out[0]

    def gru(self, unit: Gru, state: Float32[np.ndarray, " units"], x: Float32[np.ndarray, " inputs"]) -> None:
        """Advance a GRU's state by one step, in place."""
        network, work = self._pack_unit(unit)
        advanced = state[None].copy()
        _gru(network, np.ascontiguousarray(x)[None], advanced, work)
        state[:] = advanced[0]

    def glu(self, layer: Linear, x: Float32[np.ndarray, " units"]) -> Float32[np.ndarray, " units"]:
        """Gate a vector by the sigmoid of an affine map of itself."""
        network, work = self._pack(layer)
        out = np.empty((1, layer.num_outputs), np.float32)
        _glu(network, np.ascontiguousarray(x)[None], out, work)
        return out[0]

    def conv1d(
        self, layer: Linear, memory: Float32[np.ndarray, "past width"], x: Float32[np.ndarray, " width"]
    ) -> Float32[np.ndarray, " outputs"]:
        """Apply a causal convolution and tanh."""
        network, work = self._pack(layer)
        past, width = memory.shape
        remembered = memory.reshape(1, -1).copy()
        seen, out = np.empty((1, layer.num_inputs), np.float32), np.empty((1, layer.num_outputs), np.float32)
        conv1d(network, 0, width, past, remembered, 0, np.ascontiguousarray(x)[None], 0, seen, out, 0, work)
        memory[:] = remembered.reshape(memory.shape)
        return out[0]

    def conv2d(
        self,
        layer: Conv2d,
        memory: Float32[np.ndarray, "2 in_channels height_2"],
        x: Float32[np.ndarray, "in_channels height_2"],
    ) -> Float32[np.ndarray, "out_channels height"]:
        """Apply a 3 x 3 convolution and tanh."""
        out = np.empty((len(layer.bias), x.shape[1] - 2), np.float32)
        conv2d(layer.weight, layer.bias, memory, x, out)
        return out

    def _pack(self, layer: Linear) -> tuple[Network, Workspace]:
        network = self._packed.get(layer)
        if network is None:
            network = self._packed[layer] = pack([layer], self._instructions)
        return network, workspace(network, 1)

    def _pack_unit(self, unit: Gru) -> tuple[Network, Workspace]:
        packed = self._packed_units.setdefault(unit.input, WeakKeyDictionary())
        network = packed.get(unit.recurrent)
        if network is None:
            network = packed[unit.recurrent] = pack([unit.input, unit.recurrent], self._instructions)
        return network, workspace(network, 1)
