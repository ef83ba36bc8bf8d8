"""Layers to the one flat array that a compiled network reads, see `table`.

layers -> table | int8 weights in the order in which tiles load them | numbers | floats
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Int8, Int32, Int64

from dred.nn.kernels.instructions import choose_instructions
from dred.nn.kernels.layer_function import layer_function_address
from dred.nn.kernels.table import (
    BIASES,
    BLOCKS,
    DENSE,
    FLOAT_COLUMNS,
    FLOAT_ROWS,
    FUNCTION,
    GATES,
    GATES_STRIDE,
    KIND,
    MORE_GATES,
    NUM_BLOCK_NUMBERS,
    NUM_BYTES,
    NUM_COLUMNS,
    NUM_FIELDS,
    NUM_INPUTS,
    NUM_OUTPUTS,
    OFFSETS,
    QUANTISED,
    QUANTISED_STRIDE,
    SCALES,
    SPARSE,
    SUMS,
    SUMS_STRIDE,
    WEIGHTS,
    ZERO_POINT,
)
from dred.nn.kernels.tiles import BLOCK_ROWS, QUAD, SPARSE_ROWS
from dred.nn.layers import Linear

# Below this share of blocks that are not zero, skipping them pays.
_SPARSE_DENSITY: Final = 0.7
# Fewer outputs than a vector has lanes: then products run along the inputs.
_FEW_OUTPUTS: Final = 16
_ALIGNMENT_BYTES: Final = 64
_WORD_BYTES: Final = 8
# The largest sum of two products that 16 bits hold, over the largest activation.
_LARGEST_PAIR: Final = 32767 // 254

Network = Int64[np.ndarray, "rows columns"]
Workspace = Int64[np.ndarray, " words"]


def pack(layers: Sequence[Linear], instructions: str | None = None, *, activation_bytes: int = 1) -> Network:
    """Pack the layers of a network; in compiled code a layer goes by its number in this sequence.

    Args:
        layers: The layers.
        instructions: The instruction set to lay them out for; by default the processor's fastest, or $DRED_KERNELS.
        activation_bytes: What int8 layers round activations to: 1 for steps of 1/127, as in libopus, or 2 for steps of
            1/32258, which sound like floats. A second byte costs a lone vector little and a batch half its speed.

    Raises:
        UsageError: This processor cannot run the instructions, or those that $DRED_KERNELS names.
    """
    instructions = choose_instructions(instructions)
    # The same numbers, if slower: where pairs of products might overflow, no vector of pairs is formed.
    if instructions == "avx2" and not all(_pairs_fit(layer) for layer in layers):
        instructions = "portable"
    function = layer_function_address(instructions)
    packer = _Packer(len(layers), activation_bytes)
    for layer in layers:
        packer.add(layer, function)
    return packer.finish()


def layer_rows(network: Network) -> Int64[np.ndarray, "layers columns"]:
    """Return the table of a network, without the parts behind it."""
    return network[: np.logical_and.accumulate(network[:, FUNCTION] == network[0, FUNCTION]).sum()]


def workspace(network: Network, num_vectors: int) -> Workspace:
    """Return the scratch space for running a network's layers on so many vectors at once.

    Nothing in it outlives a layer.
    """
    table = layer_rows(network)
    num_inputs = _round_up(int(table[:, NUM_INPUTS].max()) + QUAD, _ALIGNMENT_BYTES)
    num_outputs = _round_up(int(table[:, NUM_OUTPUTS].max()), BLOCK_ROWS[-1])
    fields = np.zeros(NUM_FIELDS, np.int64)
    fields[QUANTISED_STRIDE], fields[SUMS_STRIDE], fields[GATES_STRIDE] = num_inputs, num_outputs, num_outputs
    position = _ALIGNMENT_BYTES
    # Inputs and sums have a row for each byte that an activation is rounded to.
    for field, num_bytes in ((QUANTISED, 2 * num_inputs), (SUMS, 8 * num_outputs), (GATES, 4 * num_outputs)):
        fields[field] = position
        position += num_vectors * num_bytes
    fields[MORE_GATES] = position
    work = _empty_aligned(position + 4 * num_vectors * num_outputs)
    work[:] = 0
    work[:NUM_FIELDS] = fields
    return work


class _Packer:
    def __init__(self, num_layers: int, activation_bytes: int) -> None:
        self._activation_bytes = activation_bytes
        self._rows: list[list[int]] = []
        self._parts: list[np.ndarray] = []
        self._num_bytes = _round_up(num_layers * NUM_COLUMNS * _WORD_BYTES, _ALIGNMENT_BYTES)

    def add(self, layer: Linear, function: int) -> None:
        row = [0] * NUM_COLUMNS
        row[NUM_INPUTS], row[NUM_OUTPUTS], row[FUNCTION] = layer.num_inputs, layer.num_outputs, function
        if layer.integers is None or layer.scale is None:
            is_narrow = layer.num_outputs < _FEW_OUTPUTS
            row[KIND] = FLOAT_ROWS if is_narrow else FLOAT_COLUMNS
            matrix = layer.weight if is_narrow else layer.weight.T
            row[WEIGHTS] = self._append(np.ascontiguousarray(matrix).ravel())
        else:
            padded = _pad(layer.integers)
            blocks, positions = _sparse_blocks(padded)
            is_sparse = blocks.size < _SPARSE_DENSITY * padded.size
            row[KIND] = SPARSE if is_sparse else DENSE
            row[WEIGHTS] = self._append(blocks if is_sparse else _dense_blocks(padded))
            row[OFFSETS] = self._append(-ZERO_POINT * padded.sum(axis=1, dtype=np.int32))
            row[BLOCKS] = self._append(positions)
            row[NUM_BLOCK_NUMBERS] = positions.size
            row[NUM_BYTES] = self._activation_bytes
            # Activations are counted in steps of 1/127.
            row[SCALES] = self._append(layer.scale / np.float32(ZERO_POINT))
        row[BIASES] = self._append(layer.bias)
        self._rows.append(row)

    def finish(self) -> Network:
        words = _empty_aligned(_round_up(self._num_bytes, NUM_COLUMNS * _WORD_BYTES))
        table = np.array(self._rows, np.int64).ravel()
        bytes_ = words.view(np.uint8)
        bytes_[:] = 0
        words[: table.size] = table
        position = _round_up(table.nbytes, _ALIGNMENT_BYTES)
        for part in self._parts:
            bytes_[position : position + part.nbytes] = part.view(np.uint8)
            position += _round_up(part.nbytes, _ALIGNMENT_BYTES)
        return words.reshape(-1, NUM_COLUMNS)

    def _append(self, values: np.ndarray) -> int:
        """Append a part and return where it starts, in its own elements from the start of the network."""
        start = self._num_bytes // values.itemsize
        self._parts.append(values)
        self._num_bytes += _round_up(values.nbytes, _ALIGNMENT_BYTES)
        return start


def _empty_aligned(num_bytes: int) -> Int64[np.ndarray, " words"]:
    memory = np.empty(_round_up(num_bytes, _WORD_BYTES) + _ALIGNMENT_BYTES, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT_BYTES
    return memory[start : start + memory.size - _ALIGNMENT_BYTES].view(np.int64)


def _pad(matrix: Int8[np.ndarray, "outputs inputs"]) -> Int8[np.ndarray, "rows columns"]:
    rows, columns = matrix.shape
    return np.pad(matrix, ((0, -rows % BLOCK_ROWS[-1]), (0, -columns % QUAD)))


def _dense_blocks(matrix: Int8[np.ndarray, "rows columns"]) -> Int8[np.ndarray, " weights"]:
    parts = []
    first = 0
    for rows in BLOCK_ROWS:
        while first + rows <= len(matrix):
            block = matrix[first : first + rows].reshape(rows, -1, QUAD)
            parts.append(block.transpose(1, 0, 2).ravel())
            first += rows
    return np.concatenate(parts)


def _sparse_blocks(
    matrix: Int8[np.ndarray, "rows columns"],
) -> tuple[Int8[np.ndarray, " weights"], Int32[np.ndarray, " numbers"]]:
    """Return the blocks of 8 x 4 that are not zero, and for each 8 rows how many there are, then their first inputs."""
    blocks = matrix.reshape(len(matrix) // SPARSE_ROWS, SPARSE_ROWS, -1, QUAD).transpose(0, 2, 1, 3)
    is_used = np.asarray(blocks.any(axis=(2, 3)))
    numbers = [part for used in is_used for part in ([used.sum()], QUAD * np.flatnonzero(used))]
    return blocks[is_used].ravel(), np.concatenate(numbers).astype(np.int32)


def _pairs_fit(layer: Linear) -> bool:
    """Tell whether two neighbouring products always fit 16 bits together."""
    if layer.integers is None:
        return True
    pairs = _pad(layer.integers).astype(np.int32).reshape(-1, 2)
    most = np.maximum(pairs, 0).sum(axis=1).max(initial=0)
    least = np.minimum(pairs, 0).sum(axis=1).min(initial=0)
    return bool(most <= _LARGEST_PAIR and -least <= _LARGEST_PAIR)


def _round_up(size: int, step: int) -> int:
    return size + -size % step
