"""The inner products, as vector instructions: a tile of weight rows times a few quantised vectors.

A dense matrix is laid out [rows / 64][inputs / 4][64 rows][4 inputs], its last rows in blocks of 32 and 16, so that one
load brings 4 inputs of 16 rows and meets 4 activations that are repeated over all lanes. Several vectors at once make
the same loads serve more products. A sparse matrix holds blocks of 8 rows by 4 inputs.

Numba knows no vector types, so that each tile is an intrinsic: LLVM instructions for exactly one size. What they are
follows from the type that the pointer to the weights has (`weights_pointer`).

Source: Intel's intrinsics guide (vpdpbusd, vpmaddubsw); the layout is our own measurement.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.core import cgutils
from numba.extending import intrinsic

BLOCK_ROWS: Final = (64, 32, 16)
"""Rows of a dense block, largest first."""

TILE_VECTORS: Final = (6, 4, 2, 1)
"""Numbers of vectors that a tile multiplies at once, largest first."""

SPARSE_ROWS: Final = 8
QUAD: Final = 4
"""Inputs that one 32-bit lane multiplies and sums."""

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))


class _Shape(NamedTuple):
    """What fits the registers: 32-bit lanes of a vector, and accumulators by rows and by vectors."""

    lanes: int
    row_vectors: int
    columns: int


_SHAPES: Final = {
    "avx512_vnni": _Shape(16, 4, 6),
    "avx_vnni": _Shape(8, 4, 3),
    "avx2": _Shape(8, 4, 2),
    "portable": _Shape(8, 2, 2),
}


def weights_pointer(instructions: str) -> types.CPointer:
    """Return the type of a pointer to int8 weights that are to be multiplied by an instruction set.

    Compiled functions are specialised by type, so that a type of its own gives each set its own machine code.
    """
    return types.CPointer(from_dtype(np.dtype([(instructions, np.int8)])))


def _instructions_of(weights: types.CPointer) -> str:
    (name,) = weights.dtype.fields
    return str(name)


Emit = Callable[[ir.IRBuilder, ir.Value, ir.Value, ir.Value], ir.Value]


def _broadcast(builder: ir.IRBuilder, value: ir.Value, lanes: int) -> ir.Value:
    vector = ir.VectorType(value.type, lanes)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, _I32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_I32, lanes), [0] * lanes))


def _dot_vnni(builder: ir.IRBuilder, total: ir.Value, quad: ir.Value, weights: ir.Value) -> ir.Value:
    """Add the four products of each lane by one instruction."""
    vector = total.type
    name = f"llvm.x86.avx512.vpdpbusd.{32 * vector.count}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
    return builder.call(function, [total, _broadcast(builder, quad, vector.count), builder.bitcast(weights, vector)])


def _dot_avx2(builder: ir.IRBuilder, total: ir.Value, quad: ir.Value, weights: ir.Value) -> ir.Value:
    """Add the four products of each lane: pairs in 16 bits, which packing has checked to be enough, then all."""
    lanes = total.type.count
    bytes_, pairs = ir.VectorType(_I8, QUAD * lanes), ir.VectorType(_I16, 2 * lanes)
    multiply = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(pairs, [bytes_, bytes_]), "llvm.x86.avx2.pmadd.ub.sw"
    )
    add_pairs = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(total.type, [pairs, pairs]), "llvm.x86.avx2.pmadd.wd"
    )
    activations = builder.bitcast(_broadcast(builder, quad, lanes), bytes_)
    products = builder.call(multiply, [activations, weights])
    return builder.add(total, builder.call(add_pairs, [products, ir.Constant(pairs, [1] * (2 * lanes))]))


def _dot_portable(builder: ir.IRBuilder, total: ir.Value, quad: ir.Value, weights: ir.Value) -> ir.Value:
    """Add the four products of each lane by plain vector arithmetic."""
    lanes = total.type.count
    wide = ir.VectorType(_I32, QUAD * lanes)
    narrow = ir.VectorType(_I16, QUAD * lanes)
    activations = builder.bitcast(_broadcast(builder, quad, lanes), ir.VectorType(_I8, QUAD * lanes))
    products = builder.mul(
        builder.sext(builder.sext(weights, narrow), wide), builder.sext(builder.zext(activations, narrow), wide)
    )
    return builder.add(total, _add_neighbours(builder, _add_neighbours(builder, products)))


def _add_neighbours(builder: ir.IRBuilder, values: ir.Value) -> ir.Value:
    half = values.type.count // 2
    undefined = ir.Constant(values.type, ir.Undefined)
    index = ir.VectorType(_I32, half)
    even = builder.shuffle_vector(values, undefined, ir.Constant(index, list(range(0, 2 * half, 2))))
    odd = builder.shuffle_vector(values, undefined, ir.Constant(index, list(range(1, 2 * half, 2))))
    return builder.add(even, odd)


_DOTS: Final[dict[str, Emit]] = {
    "avx512_vnni": _dot_vnni,
    "avx_vnni": _dot_vnni,
    "avx2": _dot_avx2,
    "portable": _dot_portable,
}


class _Operands(NamedTuple):
    """Pointers to bytes, and the strides from vector to vector in bytes."""

    weights: ir.Value
    numbers: ir.Value
    quantised: ir.Value
    quantised_stride: ir.Value
    sums: ir.Value
    sums_stride: ir.Value


def _operands(builder: ir.IRBuilder, args: Sequence[ir.Value]) -> _Operands:
    """Take the first six arguments of a tile."""
    weights, numbers, quantised, quantised_stride, sums, sums_stride = args[:6]
    pointers = [builder.bitcast(pointer, _I8.as_pointer()) for pointer in (weights, numbers, quantised, sums)]
    return _Operands(pointers[0], pointers[1], pointers[2], quantised_stride, pointers[3], sums_stride)


def _load(builder: ir.IRBuilder, pointer: ir.Value, kind: ir.Type, align: int = 1) -> ir.Value:
    value = builder.load(builder.bitcast(pointer, kind.as_pointer()), typ=kind)
    value.align = align
    return value


def _store(builder: ir.IRBuilder, value: ir.Value, pointer: ir.Value) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = 4


def _at(builder: ir.IRBuilder, pointer: ir.Value, offset: ir.Value | int) -> ir.Value:
    offset = _I64(offset) if isinstance(offset, int) else offset
    return builder.gep(pointer, [offset], source_etype=_I8)


def _make_dense_tile(rows: int, columns: int) -> Callable[..., None]:
    """Make the tile of a block of rows times several vectors, over all inputs."""

    @intrinsic
    def tile(  # type: ignore[no-untyped-def]
        _context, weights, numbers, inputs, inputs_stride, sums, sums_stride, start, offsets, num_quads, vector, row
    ):
        instructions = _instructions_of(weights)
        shape, dot = _SHAPES[instructions], _DOTS[instructions]
        index = types.intp
        signature = types.void(weights, numbers, inputs, index, sums, *[index] * 6)

        def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
            given = _operands(builder, args)
            start, offsets, num_quads, first_vector, first_row = args[6:]
            lanes = min(shape.lanes, rows)
            kind, bytes_ = ir.VectorType(_I32, lanes), ir.VectorType(_I8, QUAD * lanes)
            block = _at(builder, given.weights, start)
            corrections = _at(builder, given.numbers, builder.mul(offsets, _I64(4)))
            vectors_in = [
                _at(
                    builder,
                    given.quantised,
                    builder.mul(builder.add(first_vector, _I64(n)), given.quantised_stride),
                )
                for n in range(columns)
            ]
            outputs = [
                _at(
                    builder,
                    _at(builder, given.sums, builder.mul(builder.add(first_vector, _I64(n)), given.sums_stride)),
                    builder.mul(first_row, _I64(4)),
                )
                for n in range(columns)
            ]
            vectors = list(range(rows // lanes))
            for v0 in range(0, len(vectors), shape.row_vectors):
                part = vectors[v0 : v0 + shape.row_vectors]
                for c0 in range(0, columns, shape.columns):
                    some = list(range(c0, min(c0 + shape.columns, columns)))
                    totals = {(v, c): cgutils.alloca_once(builder, kind) for v in part for c in some}
                    for (v, _), total in totals.items():
                        builder.store(_load(builder, _at(builder, corrections, 4 * lanes * v), kind), total)
                    with cgutils.for_range(builder, num_quads) as loop:
                        row = _at(builder, block, builder.mul(loop.index, _I64(QUAD * rows)))
                        position = builder.mul(loop.index, _I64(QUAD))
                        loaded = {v: _load(builder, _at(builder, row, QUAD * lanes * v), bytes_, 16) for v in part}
                        for c in some:
                            quad = _load(builder, _at(builder, vectors_in[c], position), _I32)
                            for v in part:
                                total = totals[v, c]
                                builder.store(dot(builder, builder.load(total, typ=kind), quad, loaded[v]), total)
                    for (v, c), total in totals.items():
                        _store(builder, builder.load(total, typ=kind), _at(builder, outputs[c], 4 * lanes * v))
            return context.get_dummy_value()

        return signature, codegen

    return tile


def _make_sparse_tile(columns: int) -> Callable[..., None]:
    """Make the tile of 8 rows times several vectors, over the blocks that these rows have."""
    # A lone vector's products depend on each other: several chains hide the wait.
    chains = 4 if columns == 1 else 2 if columns == 2 else 1

    @intrinsic
    def tile(  # type: ignore[no-untyped-def]
        _context, weights, numbers, inputs, inputs_stride, sums, sums_stride, start, offsets, blocks, count, vector, row
    ):
        dot = _DOTS[_instructions_of(weights)]
        index = types.intp
        signature = types.void(weights, numbers, inputs, index, sums, *[index] * 7)

        def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
            given = _operands(builder, args)
            start, offsets, blocks, num_blocks, first_vector, first_row = args[6:]
            kind, bytes_ = ir.VectorType(_I32, SPARSE_ROWS), ir.VectorType(_I8, QUAD * SPARSE_ROWS)
            block = _at(builder, given.weights, start)
            positions = _at(builder, given.numbers, builder.mul(blocks, _I64(4)))
            correction = _load(builder, _at(builder, given.numbers, builder.mul(offsets, _I64(4))), kind)
            rows = [builder.add(first_vector, _I64(n)) for n in range(columns)]
            inputs = [_at(builder, given.quantised, builder.mul(row, given.quantised_stride)) for row in rows]
            totals = [[cgutils.alloca_once(builder, kind) for _ in range(columns)] for _ in range(chains)]
            for chain, parts in enumerate(totals):
                for total in parts:
                    builder.store(correction if chain == 0 else ir.Constant(kind, [0] * SPARSE_ROWS), total)

            def add(number: ir.Value, chain: int) -> None:
                values = _load(builder, _at(builder, block, builder.mul(number, _I64(QUAD * SPARSE_ROWS))), bytes_, 16)
                at = builder.sext(_load(builder, _at(builder, positions, builder.mul(number, _I64(4))), _I32, 4), _I64)
                for n in range(columns):
                    quad = _load(builder, _at(builder, inputs[n], at), _I32)
                    total = totals[chain][n]
                    builder.store(dot(builder, builder.load(total, typ=kind), quad, values), total)

            num_rounds = builder.udiv(num_blocks, _I64(chains))
            with cgutils.for_range(builder, num_rounds) as loop:
                for chain in range(chains):
                    add(builder.add(builder.mul(loop.index, _I64(chains)), _I64(chain)), chain)
            if chains > 1:
                with cgutils.for_range_slice(
                    builder, builder.mul(num_rounds, _I64(chains)), num_blocks, _I64(1), inc=True
                ) as (number, _):
                    add(number, 0)
            for n in range(columns):
                total = builder.load(totals[0][n], typ=kind)
                for chain in range(1, chains):
                    total = builder.add(total, builder.load(totals[chain][n], typ=kind))
                row = _at(builder, given.sums, builder.mul(rows[n], given.sums_stride))
                _store(builder, total, _at(builder, row, builder.mul(first_row, _I64(4))))
            return context.get_dummy_value()

        return signature, codegen

    return tile


dense_64x6, dense_64x4, dense_64x2, dense_64x1 = (_make_dense_tile(64, n) for n in TILE_VECTORS)
dense_32x6, dense_32x4, dense_32x2, dense_32x1 = (_make_dense_tile(32, n) for n in TILE_VECTORS)
dense_16x6, dense_16x4, dense_16x2, dense_16x1 = (_make_dense_tile(16, n) for n in TILE_VECTORS)
sparse_6, sparse_4, sparse_2, sparse_1 = (_make_sparse_tile(n) for n in TILE_VECTORS)
