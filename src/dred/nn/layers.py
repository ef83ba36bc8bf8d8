"""Layer weights as float arrays, built from the raw tensors of a weights file.

A weights file stores a layer as several flat arrays: `<name>_weights_int8` with `<name>_scale`, or
`<name>_weights_float`, an optional `<name>_bias`, and for sparse layers `<name>_weights_idx`. Here they become one
dense float32 matrix with outputs as rows, which both engines multiply with float activations.

Source: libopus 1.6.1 dnn/nnet.c and dnn/vec.h (layouts); the int8 scale holds the 1/127 of the quantised activations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int8

from dred.errors import ModelError

Tensors = Mapping[str, np.ndarray]

_ACTIVATION_SCALE = 127.0
_BLOCK_OUTPUTS = 8
_BLOCK_INPUTS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear:
    """An affine map: weight @ x + bias.

    Attributes:
        weight: The matrix, as the reference engine multiplies it.
        bias: Added to the product.
        integers: If the weights were published as int8: these, a quarter of the memory to pass through.
        scale: With integers, what each row is to be multiplied by: weight = scale * integers.
    """

    weight: Float32[np.ndarray, "outputs inputs"]
    bias: Float32[np.ndarray, " outputs"]
    integers: Int8[np.ndarray, "outputs inputs"] | None = None
    scale: Float32[np.ndarray, " outputs"] | None = None

    @property
    def num_inputs(self) -> int:
        """Length of the input vector."""
        return self.weight.shape[1]

    @property
    def num_outputs(self) -> int:
        """Length of the output vector."""
        return self.weight.shape[0]

    @classmethod
    def from_tensors(cls, tensors: Tensors, name: str, num_inputs: int | None = None) -> "Linear":
        """Build the layer `name`.

        Args:
            tensors: Raw arrays of a weights file.
            name: Layer name, without the suffix.
            num_inputs: Width of the input; needed for a sparse layer, whose arrays do not tell it, and checked for
                any other.

        Raises:
            ModelError: An array is missing or its size does not fit.
        """
        floats = tensors.get(f"{name}_weights_float")
        if floats is not None:
            bias = _take(tensors, f"{name}_bias")
            weight = _reshape(floats, (-1, bias.size), f"{name}_weights_float").T
            integers = scale = None
        else:
            scale = _take(tensors, f"{name}_scale") * np.float32(_ACTIVATION_SCALE)
            packed = _take(tensors, f"{name}_weights_int8")
            index = tensors.get(f"{name}_weights_idx")
            if index is not None:
                if num_inputs is None:
                    raise ModelError(f"layer {name} is sparse: its input width is not in the file")
                integers = _unpack_sparse(packed, index, scale.size, num_inputs, name)
            else:
                integers = _unpack_dense(packed, scale.size, name)
            weight = integers * scale[:, None]
            bias = tensors.get(f"{name}_bias", np.zeros(scale.size, np.float32))
        if num_inputs is not None and weight.shape[1] != num_inputs:
            raise ModelError(f"layer {name} has {weight.shape[1]} inputs, its place in the network needs {num_inputs}")
        if bias.size != weight.shape[0]:
            raise ModelError(f"layer {name} has {weight.shape[0]} outputs and {bias.size} biases")
        return cls(
            weight=np.ascontiguousarray(weight, np.float32),
            bias=np.ascontiguousarray(bias, np.float32),
            integers=integers,
            scale=scale,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gru:
    """A gated recurrent unit; rows of both maps are the gates z, r, h in this order."""

    input: Linear
    recurrent: Linear

    @property
    def num_units(self) -> int:
        """Length of the state."""
        return self.recurrent.num_inputs

    @classmethod
    def from_tensors(cls, tensors: Tensors, name: str, num_inputs: int | None = None) -> "Gru":
        """Build the unit from the layers `<name>_input` and `<name>_recurrent`.

        Raises:
            ModelError: An array is missing or its size does not fit.
        """
        source = Linear.from_tensors(tensors, f"{name}_input", num_inputs)
        # A sparse map does not tell its width; there are three gates.
        is_sparse = f"{name}_recurrent_weights_idx" in tensors
        recurrent = Linear.from_tensors(tensors, f"{name}_recurrent", source.num_outputs // 3 if is_sparse else None)
        if recurrent.num_outputs != 3 * recurrent.num_inputs or source.num_outputs != recurrent.num_outputs:
            raise ModelError(f"{name} is no GRU: {source.weight.shape} and {recurrent.weight.shape}")
        return cls(input=source, recurrent=recurrent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv2d:
    """A 3 x 3 convolution over time and height, causal in time, without padding in height."""

    weight: Float32[np.ndarray, "out_channels in_channels 3 3"]
    bias: Float32[np.ndarray, " out_channels"]

    @classmethod
    def from_tensors(cls, tensors: Tensors, name: str) -> "Conv2d":
        """Build the layer from `<name>_weight_float` and `<name>_bias`.

        Raises:
            ModelError: An array is missing or its size does not fit.
        """
        bias = _take(tensors, f"{name}_bias")
        weight = _reshape(_take(tensors, f"{name}_weight_float"), (bias.size, -1, 3, 3), f"{name}_weight_float")
        return cls(weight=np.ascontiguousarray(weight, np.float32), bias=np.ascontiguousarray(bias, np.float32))


def _take(tensors: Tensors, name: str) -> np.ndarray:
    try:
        return tensors[name]
    except KeyError:
        raise ModelError(f"the weights hold no array {name}") from None


def _reshape(array: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    try:
        return array.reshape(shape)
    except ValueError:
        raise ModelError(f"array {name} of {array.size} values does not divide into {shape}") from None


def _unpack_dense(packed: np.ndarray, num_outputs: int, name: str) -> np.ndarray:
    """Undo the layout [outputs / 8][inputs / 4][8][4]."""
    if num_outputs % _BLOCK_OUTPUTS:
        raise ModelError(f"{name}_weights_int8 come in blocks of {_BLOCK_OUTPUTS} outputs, not {num_outputs}")
    shape = (num_outputs // _BLOCK_OUTPUTS, -1, _BLOCK_OUTPUTS, _BLOCK_INPUTS)
    blocks = _reshape(packed, shape, f"{name}_weights_int8")
    return blocks.transpose(0, 2, 1, 3).reshape(num_outputs, -1)


def _unpack_sparse(packed: np.ndarray, index: np.ndarray, num_outputs: int, num_inputs: int, name: str) -> np.ndarray:
    """Place each 8 x 4 block: per group of 8 outputs the index holds a count, then the first input of each block."""
    dense = np.zeros((num_outputs, num_inputs), np.int8)
    blocks = _reshape(packed, (-1, _BLOCK_OUTPUTS, _BLOCK_INPUTS), f"{name}_weights_int8")
    position = block = 0
    try:
        for first_output in range(0, num_outputs, _BLOCK_OUTPUTS):
            count = int(index[position])
            for start in index[position + 1 : position + 1 + count]:
                if start < 0 or start % _BLOCK_INPUTS:
                    raise ModelError(f"{name}_weights_idx: blocks start at multiples of {_BLOCK_INPUTS}, not {start}")
                dense[first_output : first_output + _BLOCK_OUTPUTS, start : start + _BLOCK_INPUTS] = blocks[block]
                block += 1
            position += 1 + count
    except (IndexError, ValueError):
        raise ModelError(f"{name}_weights_idx points outside a layer of {num_inputs} inputs") from None
    if position != index.size or block != len(blocks):
        raise ModelError(f"{name}_weights_idx names {block} blocks in {position} of {index.size} entries")
    return dense
