"""From numbers to lanes and back, and between the lanes of vectors."""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dred.vectors.kind import LANES, Vector, shuffle, spread

_I32 = ir.IntType(32)


@intrinsic
def copies(_context, number):  # type: ignore[no-untyped-def]
    """Return a vector whose lanes all hold a number."""
    vector = Vector(number)

    def codegen(_context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        return spread(builder, args[0], vector.lanes)

    return vector(number), codegen


def lane(number: int) -> Callable[..., Any]:
    """Make the function that returns the number in a lane of a vector."""

    @intrinsic
    def extract(_context, vector):  # type: ignore[no-untyped-def]
        def codegen(_context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
            return builder.extract_element(args[0], _I32(number))

        return vector.element(vector), codegen

    return extract


def permutation(lanes: Sequence[int]) -> Callable[..., Any]:
    """Make the function that takes these lanes out of two vectors, the second's counted on from the first's."""

    @intrinsic
    def permute(_context, first, second):  # type: ignore[no-untyped-def]
        def codegen(_context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
            return shuffle(builder, args[0], args[1], lanes)

        return first(first, first), codegen

    return permute


@intrinsic
def narrow(_context, low, high):  # type: ignore[no-untyped-def]
    """Join two vectors of float64 to one of float32."""
    vector = Vector(types.float32)

    def codegen(context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        return builder.fptrunc(shuffle(builder, args[0], args[1], range(LANES)), context.get_value_type(vector))

    return vector(low, high), codegen


def _halves(builder: ir.IRBuilder, value: ir.Value) -> list[ir.Value]:
    half = value.type.count // 2
    return [shuffle(builder, value, value, range(start, start + half)) for start in (0, half)]


@intrinsic
def total(_context, vector):  # type: ignore[no-untyped-def]
    """Return the sum of all lanes, by halves."""

    def codegen(_context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        (value,) = args
        while value.type.count > 1:
            value = builder.fadd(*_halves(builder, value))
        return builder.extract_element(value, _I32(0))

    return vector.element(vector), codegen


@intrinsic
def greatest(_context, vector):  # type: ignore[no-untyped-def]
    """Return the greatest lane."""

    def codegen(_context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        (value,) = args
        while value.type.count > 1:
            low, high = _halves(builder, value)
            value = builder.select(builder.fcmp_ordered(">", low, high), low, high)
        return builder.extract_element(value, _I32(0))

    return vector.element(vector), codegen


@intrinsic
def find(_context, vector, number):  # type: ignore[no-untyped-def]
    """Return the first lane that holds a number, or the number of lanes."""

    def codegen(_context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        lanes = vector.lanes
        is_equal = builder.fcmp_ordered("==", args[0], spread(builder, args[1], lanes))
        # A bit above the lanes stops the search.
        bits = builder.zext(builder.bitcast(is_equal, ir.IntType(lanes)), _I32)
        return builder.zext(builder.cttz(builder.or_(bits, _I32(1 << lanes)), ir.IntType(1)(1)), ir.IntType(64))

    return types.intp(vector, vector.element), codegen


@intrinsic
def transpose(_context, rows):  # type: ignore[no-untyped-def]
    """Return the 16 columns of up to 16 rows of float32; rows that are not given are zeros."""
    vector = rows.dtype
    columns = types.UniTuple(vector, LANES)

    def codegen(context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        kind = context.get_value_type(vector)
        given = cgutils.unpack_tuple(builder, args[0])
        square = given + [ir.Constant(kind, [0.0] * LANES)] * (LANES - len(given))
        # Swap the blocks off the diagonal, from the largest to single numbers.
        for size in (8, 4, 2, 1):
            for row in range(LANES):
                if row & size:
                    continue
                low, high = square[row], square[row + size]
                square[row] = shuffle(builder, low, high, [n + LANES - size if n & size else n for n in range(LANES)])
                square[row + size] = shuffle(
                    builder, low, high, [n + LANES if n & size else n + size for n in range(LANES)]
                )
        return context.make_tuple(builder, columns, square)

    return columns(rows), codegen
