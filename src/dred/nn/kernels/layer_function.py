"""What all layers do, as one C function per instruction set that compiled stages call by address.

    x -> quantise -> products -> scale, bias -> activation -> out            (dense, glu)
    x -> ... -> sums of both maps -> gates -> state                           (gru)

Numba compiles a function anew into each that calls it. Behind a pointer, this much machine code is made once.

int8 layers see activations rounded to one byte, steps of 1/127 as in libopus, or to two, the second of which counts
1/254 of such a step. Sums are whole numbers, so that they do not depend on the instruction set.

Source: facts from libopus 1.6.1 dnn/nnet_arch.h and dnn/vec_avx.h.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, no_type_check

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from dred.compilation import FAST_SUMS, compile_pointer, compiled
from dred.nn.kernels.activations import LINEAR, SIGMOID, TANH, sigmoid, tanh
from dred.nn.kernels.products import multiply_dense, multiply_sparse
from dred.nn.kernels.rows import copy_part
from dred.nn.kernels.table import (
    BIASES,
    BLOCKS,
    FINE_STEPS,
    FLOAT_COLUMNS,
    FLOAT_ROWS,
    KIND,
    NUM_BLOCK_NUMBERS,
    NUM_BYTES,
    NUM_COLUMNS,
    NUM_INPUTS,
    NUM_OUTPUTS,
    OFFSETS,
    SCALES,
    SPARSE,
    WEIGHTS,
    ZERO_POINT,
)
from dred.nn.kernels.tiles import QUAD, weights_pointer
from dred.vectors.functions import sigmoid as vector_sigmoid
from dred.vectors.functions import tanh as vector_tanh
from dred.vectors.kind import LANES, larger, smaller, whole
from dred.vectors.memory import load, load_numbers, store, store_bytes

GATE, GRU, GRU_STEPS = range(3, 6)
"""What to do with a layer's sums, beside the activations: gate its input, or advance a recurrent unit."""

ARGUMENTS: Final = (
    *("weights", "numbers", "floats", "table", "layer", "recurrent_layer", "operation", "num_rows"),
    *("x", "x_stride", "out", "out_stride", "state", "state_stride"),
    *("quantised", "quantised_stride", "sums", "sums_stride", "gates", "more_gates", "gates_stride"),
)
"""Arguments of the function: pointers, and strides in elements of what they point to."""

_STEPS = np.float32(ZERO_POINT)
_HALF_ABOVE_ZERO = np.float32(ZERO_POINT + 0.5)
_MAX_QUANTISED = np.float32(2 * ZERO_POINT + 0.5)
_HALF = np.float32(0.5)
_FINE_STEPS = np.float32(FINE_STEPS)
_ONE_FINE_STEP = np.float32(1 / FINE_STEPS)


@cache
def _compile(instructions: str) -> Any:
    index = types.intp
    floats, numbers, bytes_ = (types.CPointer(kind) for kind in (types.float32, types.int32, types.uint8))
    pointers = {
        "weights": weights_pointer(instructions),
        "numbers": numbers,
        "sums": numbers,
        "quantised": bytes_,
        "table": types.CPointer(types.int64),
        **dict.fromkeys(("floats", "x", "out", "state", "gates", "more_gates"), floats),
    }
    return compile_pointer(index(*(pointers.get(name, index) for name in ARGUMENTS)), _run_layer)


def layer_function_address(instructions: str) -> int:
    """Return the address of the function for an instruction set that this processor has; compiled on first use."""
    return int(_compile(instructions).address)


@compiled(makes_arrays=False)
@no_type_check
def _quantise(x, quantised):
    """Round to steps of 1/127, from 0 for -1 to 254 for 1, with a quad of zeros behind them."""
    # The last vector may overlap the one before it: what is done twice is the same.
    for first in range(0, x.size - LANES + 1, LANES):
        _quantise_vector(x, first, quantised)
    if x.size >= LANES:
        _quantise_vector(x, x.size - LANES, quantised)
    else:
        for i in range(x.size):
            value = min(_MAX_QUANTISED, max(np.float32(0), x[i] * _STEPS + _HALF_ABOVE_ZERO))
            quantised[i] = np.uint8(np.int32(value))
    for i in range(x.size, x.size + QUAD):
        quantised[i] = ZERO_POINT


@compiled(makes_arrays=False)
@no_type_check
def _quantise_vector(x, first, quantised):
    value = load(x, first) * _STEPS + _HALF_ABOVE_ZERO
    store_bytes(quantised, first, smaller(larger(value, np.float32(0)), _MAX_QUANTISED))


@compiled(makes_arrays=False)
@no_type_check
def _quantise_finely(x, coarse, fine):
    """Round to steps of 1/127 as `_quantise` does, and what is left to 1/254 of such a step."""
    for first in range(0, x.size - LANES + 1, LANES):
        _quantise_vector_finely(x, first, coarse, fine)
    if x.size >= LANES:
        _quantise_vector_finely(x, x.size - LANES, coarse, fine)
    else:
        for i in range(x.size):
            value = min(_MAX_QUANTISED, max(_HALF, x[i] * _STEPS + _HALF_ABOVE_ZERO))
            step = np.floor(value)
            coarse[i] = np.uint8(np.int32(step))
            fine[i] = np.uint8(np.int32((value - step) * _FINE_STEPS + _HALF))
    for i in range(x.size, x.size + QUAD):
        coarse[i] = ZERO_POINT
        fine[i] = ZERO_POINT


@compiled(makes_arrays=False)
@no_type_check
def _quantise_vector_finely(x, first, coarse, fine):
    value = smaller(larger(load(x, first) * _STEPS + _HALF_ABOVE_ZERO, _HALF), _MAX_QUANTISED)
    step = whole(value)
    store_bytes(coarse, first, step)
    store_bytes(fine, first, (value - step) * _FINE_STEPS + _HALF)


@compiled(makes_arrays=False)
@no_type_check
def _multiply_float_columns(weights, biases, x, out):
    for first in range(0, out.size - LANES + 1, LANES):
        _multiply_columns_vector(weights, biases, x, first, out)
    if out.size % LANES:
        _multiply_columns_vector(weights, biases, x, out.size - LANES, out)


@compiled(makes_arrays=False)
@no_type_check
def _multiply_columns_vector(weights, biases, x, first, out):
    total = load(biases, first)
    for i in range(x.size):
        total += load(weights, i * out.size + first) * x[i]
    store(out, first, total)


@compiled(fastmath=FAST_SUMS, makes_arrays=False)
@no_type_check
def _multiply_float_rows(weights, biases, x, out):
    for o in range(out.size):
        row = weights[o * x.size : (o + 1) * x.size]
        total = np.float32(0.0)
        for i in range(x.size):
            total += row[i] * x[i]
        out[o] = total + biases[o]


@compiled(makes_arrays=False)
@no_type_check
def _finish(sums, scales, biases, x, out, operation):
    """Turn the sums of an int8 layer into what it gives."""
    for first in range(0, out.size - LANES + 1, LANES):
        value = load_numbers(sums, first) * load(scales, first) + load(biases, first)
        store(out, first, _activate_vector(value, x, first, operation))
    for o in range(out.size // LANES * LANES, out.size):
        out[o] = _activate_one(np.float32(sums[o]) * scales[o] + biases[o], x, o, operation)


@compiled(makes_arrays=False)
@no_type_check
def _finish_finely(coarse, fine, scales, biases, x, out, operation):
    """Turn the sums over both bytes of the activations into what the layer gives."""
    for first in range(0, out.size - LANES + 1, LANES):
        total = load_numbers(fine, first) * _ONE_FINE_STEP + load_numbers(coarse, first)
        value = total * load(scales, first) + load(biases, first)
        store(out, first, _activate_vector(value, x, first, operation))
    for o in range(out.size // LANES * LANES, out.size):
        total = np.float32(fine[o]) * _ONE_FINE_STEP + np.float32(coarse[o])
        out[o] = _activate_one(total * scales[o] + biases[o], x, o, operation)


@compiled(makes_arrays=False)
@no_type_check
def _activate(x, out, operation):
    """Turn the sums of a float layer into what it gives, in place."""
    for first in range(0, out.size - LANES + 1, LANES):
        store(out, first, _activate_vector(load(out, first), x, first, operation))
    for o in range(out.size // LANES * LANES, out.size):
        out[o] = _activate_one(out[o], x, o, operation)


@compiled(makes_arrays=False, inline="late")
@no_type_check
def _activate_vector(value, x, first, operation):
    if operation == TANH:
        return vector_tanh(value)
    if operation == SIGMOID:
        return vector_sigmoid(value)
    if operation == GATE:
        return load(x, first) * vector_sigmoid(value)
    return value


@compiled(makes_arrays=False, inline="late")
@no_type_check
def _activate_one(value, x, o, operation):
    if operation == TANH:
        return tanh(value)
    if operation == SIGMOID:
        return sigmoid(value)
    if operation == GATE:
        return x[o] * sigmoid(value)
    return value


@compiled(makes_arrays=False)
@no_type_check
def _advance(from_input, from_state, state):
    """Advance one GRU state by what both its maps give; rows of both are the gates z, r, h."""
    units = state.size
    for n in range(0, units - LANES + 1, LANES):
        z = vector_sigmoid(load(from_input, n) + load(from_state, n))
        r = vector_sigmoid(load(from_input, units + n) + load(from_state, units + n))
        h = vector_tanh(load(from_input, 2 * units + n) + r * load(from_state, 2 * units + n))
        before = load(state, n)
        store(state, n, z * (before - h) + h)
    for n in range(units // LANES * LANES, units):
        z = sigmoid(from_input[n] + from_state[n])
        r = sigmoid(from_input[units + n] + from_state[units + n])
        h = tanh(from_input[2 * units + n] + r * from_state[2 * units + n])
        state[n] = z * (state[n] - h) + h


@intrinsic
def _part(_context, pointer, start, size):  # type: ignore[no-untyped-def]
    """View so many elements from one behind a pointer; a slice of an array would check what is known to hold."""
    kind = types.Array(pointer.dtype, 1, "C")

    def codegen(context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        pointer, start, size = args
        item_bytes = ir.IntType(64)(context.get_abi_sizeof(pointer.type.pointee))
        array = make_array(kind)(context, builder)
        data = builder.gep(pointer, [start])
        populate_array(array, data=data, shape=[size], strides=[item_bytes], itemsize=item_bytes, meminfo=None)
        return array._getvalue()

    return kind(pointer, types.intp, types.intp), codegen


@compiled(makes_arrays=False)
@no_type_check
def _run_rows(
    weights, numbers, floats, table, layer, operation, num_rows, x, x_stride, out, out_stride,
    quantised, quantised_stride, sums, sums_stride,
):  # fmt: skip
    """Write what a layer gives for each row: an affine map and an operation on it."""
    row = _part(table, layer * NUM_COLUMNS, NUM_COLUMNS)
    kind, num_inputs, num_outputs, start = row[KIND], row[NUM_INPUTS], row[NUM_OUTPUTS], row[WEIGHTS]
    biases = _part(floats, row[BIASES], num_outputs)
    if kind >= FLOAT_COLUMNS:
        matrix = _part(floats, start, num_inputs * num_outputs)
        for n in range(num_rows):
            source, target = _part(x, n * x_stride, num_inputs), _part(out, n * out_stride, num_outputs)
            if kind == FLOAT_ROWS:
                _multiply_float_rows(matrix, biases, source, target)
            else:
                _multiply_float_columns(matrix, biases, source, target)
            _activate(source, target, operation)
        return
    num_bytes = row[NUM_BYTES]
    for n in range(num_rows):
        source, target = _part(x, n * x_stride, num_inputs), n * num_bytes * quantised_stride
        coarse = _part(quantised, target, num_inputs + QUAD)
        if num_bytes == 2:
            _quantise_finely(source, coarse, _part(quantised, target + quantised_stride, num_inputs + QUAD))
        else:
            _quantise(source, coarse)
    offsets, num_vectors = row[OFFSETS], num_rows * num_bytes
    if kind == SPARSE:
        multiply_sparse(
            weights, numbers, _part(numbers, row[BLOCKS], row[NUM_BLOCK_NUMBERS]), quantised, quantised_stride,
            sums, sums_stride * 4, start, offsets, row[BLOCKS], num_outputs, num_vectors,
        )  # fmt: skip
    else:
        multiply_dense(
            weights, numbers, quantised, quantised_stride,
            sums, sums_stride * 4, start, offsets, num_inputs, num_outputs, num_vectors,
        )  # fmt: skip
    scales = _part(floats, row[SCALES], num_outputs)
    for n in range(num_rows):
        source, target = _part(x, n * x_stride, num_outputs), _part(out, n * out_stride, num_outputs)
        first = n * num_bytes * sums_stride
        coarse = _part(sums, first, num_outputs)
        if num_bytes == 2:
            fine = _part(sums, first + sums_stride, num_outputs)
            _finish_finely(coarse, fine, scales, biases, source, target, operation)
        else:
            _finish(coarse, scales, biases, source, target, operation)


@no_type_check
def _run_layer(
    weights, numbers, floats, table, layer, recurrent_layer, operation, num_rows,
    x, x_stride, out, out_stride, state, state_stride,
    quantised, quantised_stride, sums, sums_stride, gates, more_gates, gates_stride,
):  # fmt: skip
    network = (weights, numbers, floats, table)
    scratch = (quantised, quantised_stride, sums, sums_stride)
    if operation < GRU:
        _run_rows(*network, layer, operation, num_rows, x, x_stride, out, out_stride, *scratch)
        return 0
    _run_rows(*network, layer, LINEAR, num_rows, x, x_stride, gates, gates_stride, *scratch)
    units = _part(table, recurrent_layer * NUM_COLUMNS, NUM_COLUMNS)[NUM_INPUTS]
    # Streams advance at once, the steps of a sequence one behind the other, through the one state.
    num_states = num_rows if operation == GRU else 1
    for first in range(0, num_rows, num_states):
        _run_rows(
            *network, recurrent_layer, LINEAR, num_states, state, state_stride, more_gates, gates_stride, *scratch
        )
        for n in range(num_states):
            from_input = _part(gates, (first + n) * gates_stride, 3 * units)
            from_state = _part(more_gates, n * gates_stride, 3 * units)
            memory = _part(state, n * state_stride, units)
            _advance(from_input, from_state, memory)
            if operation == GRU_STEPS:
                copy_part(memory, 0, units, _part(out, first * out_stride, units), 0)
    return 0
