"""Functions of vectors of float32, as polynomials: libm takes one number at a time.

Accurate to 2e-7 (relative; absolute for the logarithm), except where said.
"""

from collections.abc import Sequence
from typing import Any, no_type_check

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from dred.compilation import compiled
from dred.vectors.kind import call_each, larger, smaller

_I32 = ir.IntType(32)
_MANTISSA_BITS = 23
_EXPONENT_OF_1 = 127
_SQRT_HALF_BITS = int(np.float32(np.sqrt(0.5)).view(np.int32))


def _polynomial(function: Any, start: float, stop: float, degree: int) -> tuple[np.float32, ...]:
    """Return the coefficients, lowest first, of the polynomial through a function's Chebyshev points."""
    chebyshev = np.polynomial.Chebyshev.interpolate(function, degree, domain=[start, stop])
    return tuple(np.float32(value) for value in chebyshev.convert(kind=np.polynomial.Polynomial).coef)


def _log10_slope(x: np.ndarray) -> np.ndarray:
    """Return log10(1 + x) / x; none of the points that it is asked for is 0."""
    return np.log1p(x) / x / np.log(10)


_LOG10 = _polynomial(_log10_slope, np.sqrt(0.5) - 1, np.sqrt(2) - 1, 8)
_EXP2 = _polynomial(np.exp2, -0.5, 0.5, 6)
_LOG10_OF_2 = np.float32(np.log10(2))
_LOG2_OF_E = np.float32(np.log2(np.e))
TANH_ABOVE = tuple(np.float32(value) for value in (0.999995687, 0.123021817, 0.00227698786, 3.93000778e-06))
TANH_BELOW = tuple(np.float32(value) for value in (1, 0.456340301, 0.0210721748, 0.000142350731))
"""Coefficients of the rational function of x^2 that comes nearest to tanh(x) / x up to TANH_RANGE, lowest first."""
TANH_RANGE = np.float32(7)
# Beyond these a float32 has no such exponent.
_LEAST_EXPONENT, _GREATEST_EXPONENT = np.float32(-126), np.float32(127)


@intrinsic
def _split(_context, vector):  # type: ignore[no-untyped-def]
    """Return mantissas from sqrt(1/2) to sqrt(2) and exponents of 2; lanes must be positive and not subnormal."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        (value,) = args
        lanes = value.type.count
        integers = ir.VectorType(_I32, lanes)

        def constant(number: int) -> ir.Value:
            return ir.Constant(integers, [number] * lanes)

        bits = builder.bitcast(value, integers)
        exponents = builder.ashr(builder.sub(bits, constant(_SQRT_HALF_BITS)), constant(_MANTISSA_BITS))
        mantissas = builder.sub(bits, builder.shl(exponents, constant(_MANTISSA_BITS)))
        parts = [builder.bitcast(mantissas, value.type), builder.sitofp(exponents, value.type)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(vector, 2)(vector), codegen


@intrinsic
def _nearest(_context, vector):  # type: ignore[no-untyped-def]
    """Round to whole numbers."""

    def codegen(_context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        return call_each(builder, "llvm.rint", args[0])

    return vector(vector), codegen


@intrinsic
def _power_of_two(_context, vector):  # type: ignore[no-untyped-def]
    """Raise 2 to whole numbers from -126 to 127."""

    def codegen(_context: Any, builder: ir.IRBuilder, _signature: Any, args: Sequence[ir.Value]) -> ir.Value:
        (value,) = args
        lanes = value.type.count
        integers = ir.VectorType(_I32, lanes)
        biased = builder.add(builder.fptosi(value, integers), ir.Constant(integers, [_EXPONENT_OF_1] * lanes))
        shifted = builder.shl(biased, ir.Constant(integers, [_MANTISSA_BITS] * lanes))
        return builder.bitcast(shifted, value.type)

    return vector(vector), codegen


@compiled(makes_arrays=False)
@no_type_check
def log10(x):
    """Return the decimal logarithm of positive numbers that are not subnormal."""
    mantissa, exponent = _split(x)
    f = mantissa - 1
    c0, c1, c2, c3, c4, c5, c6, c7, c8 = _LOG10
    slope = (((((((c8 * f + c7) * f + c6) * f + c5) * f + c4) * f + c3) * f + c2) * f + c1) * f + c0
    return exponent * _LOG10_OF_2 + slope * f


@compiled(makes_arrays=False)
@no_type_check
def exp(x):
    """Return e to the power of numbers from -87 to 87; beyond, what it is there."""
    octaves = larger(smaller(x * _LOG2_OF_E, _GREATEST_EXPONENT), _LEAST_EXPONENT)
    whole = _nearest(octaves)
    f = octaves - whole
    c0, c1, c2, c3, c4, c5, c6 = _EXP2
    return ((((((c6 * f + c5) * f + c4) * f + c3) * f + c2) * f + c1) * f + c0) * _power_of_two(whole)


@compiled(makes_arrays=False)
@no_type_check
def tanh(x):
    """Return the hyperbolic tangent, to 1.7e-6."""
    x = larger(smaller(x, TANH_RANGE), -TANH_RANGE)
    y = x * x
    a0, a1, a2, a3 = TANH_ABOVE
    b0, b1, b2, b3 = TANH_BELOW
    return x * (((a3 * y + a2) * y + a1) * y + a0) / (((b3 * y + b2) * y + b1) * y + b0)


@compiled(makes_arrays=False)
@no_type_check
def sigmoid(x):
    """Return the logistic function, to 1e-6."""
    return tanh(x * np.float32(0.5)) * np.float32(0.5) + np.float32(0.5)
