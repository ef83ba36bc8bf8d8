"""Vectors from and to flat arrays, and out of tables that are part of the code.

Neither loads nor stores check their place.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dred.vectors.kind import BYTES, Vector


def _pointer(
    context: Any, builder: ir.IRBuilder, array_type: types.Array, array: ir.Value, index: ir.Value
) -> ir.Value:
    element = context.get_value_type(array_type.dtype)
    data = builder.bitcast(context.make_array(array_type)(context, builder, array).data, element.as_pointer())
    return builder.gep(data, [index], source_etype=element)


def _load(builder: ir.IRBuilder, pointer: ir.Value, kind: ir.Type, align: int) -> ir.Value:
    value = builder.load(builder.bitcast(pointer, kind.as_pointer()), typ=kind)
    value.align = align
    return value


def _vector_of(array: Any) -> Vector | None:
    """Return the vector that a flat array gives, if it is one."""
    is_flat = isinstance(array, types.Array) and array.layout == "C" and array.ndim == 1
    return Vector(array.dtype) if is_flat and isinstance(array.dtype, types.Float) else None


@intrinsic
def load(_context, array, index):  # type: ignore[no-untyped-def]
    """Load the lanes that begin at an index of a flat array."""
    vector = _vector_of(array)
    if vector is None:
        return None

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        return _load(builder, pointer, context.get_value_type(vector), vector.element.bitwidth // 8)

    return vector(array, types.intp), codegen


@intrinsic
def store(_context, array, index, vector):  # type: ignore[no-untyped-def]
    """Store a vector to the lanes that begin at an index of a flat array."""
    if vector != _vector_of(array):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        pointer = builder.bitcast(pointer, args[2].type.as_pointer())
        builder.store(args[2], pointer).align = vector.element.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), codegen


@intrinsic
def load_doubles(_context, array, index):  # type: ignore[no-untyped-def]
    """Load 8 float32 as float64."""
    vector = _vector_of(array)
    if vector is None:
        return None

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        kind = context.get_value_type(signature.return_type)
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        narrow = ir.VectorType(context.get_value_type(vector.element), kind.count)
        return builder.fpext(_load(builder, pointer, narrow, vector.element.bitwidth // 8), kind)

    return Vector(types.float64)(array, types.intp), codegen


@intrinsic
def load_numbers(_context, array, index):  # type: ignore[no-untyped-def]
    """Load 16 int32 as float32."""
    vector = Vector(types.float32)

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        kind = context.get_value_type(vector)
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        return builder.sitofp(_load(builder, pointer, ir.VectorType(ir.IntType(32), kind.count), 4), kind)

    return vector(array, types.intp), codegen


@intrinsic
def store_bytes(_context, array, index, vector):  # type: ignore[no-untyped-def]
    """Store the whole parts of float32 from 0 to 255 as uint8."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        lanes = args[2].type.count
        numbers = builder.fptosi(args[2], ir.VectorType(ir.IntType(32), lanes))
        bytes_ = builder.trunc(numbers, ir.VectorType(ir.IntType(8), lanes))
        builder.store(bytes_, builder.bitcast(pointer, bytes_.type.as_pointer())).align = 1
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), codegen


def table(values: np.ndarray) -> Callable[..., Any]:
    """Make the function that loads the vector at an index of constant numbers, which become part of the code."""
    values = np.ascontiguousarray(values).ravel()
    vector = Vector(types.float64 if values.dtype == np.float64 else types.float32)

    @intrinsic
    def load_constant(_context, index):  # type: ignore[no-untyped-def]
        def codegen(context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
            element = context.get_value_type(vector.element)
            numbers = ir.Constant(ir.ArrayType(element, values.size), [float(value) for value in values])
            constant = cgutils.global_constant(builder, "table", numbers)
            constant.align = BYTES
            start = builder.bitcast(constant, element.as_pointer())
            pointer = builder.gep(start, [args[0]], source_etype=element)
            return _load(builder, pointer, context.get_value_type(vector), vector.element.bitwidth // 8)

        return vector(types.intp), codegen

    return load_constant
