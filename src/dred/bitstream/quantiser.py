"""The rate-controllable quantiser: real values <-> symbols, at one of 16 levels.

Floating point is allowed here: it comes before the entropy coder at the sender and after it at the receiver.
"""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int32

from dred.bitstream.laplace import MAX_MAGNITUDE
from dred.bitstream.tables import SymbolTables
from dred.compilation import compiled
from dred.errors import UsageError

_inlined = compiled(inline="late", makes_arrays=False)

_LEVELS_PER_16_LATENTS = (0, 2, 3, 4, 6, 8, 12, 16)
_SOFTENING = np.float32(0.1)  # keeps the dead zone smooth where it is narrow
_HALF, _ONE = np.float32(0.5), np.float32(1)
_MOST = np.float32(MAX_MAGNITUDE)
_LARGEST = np.finfo(np.float32).max

# tanh x = 1 - 2 / (1 + e^2x), which is 1 to the last bit from here on.
_SATURATION = np.float32(9.5)
_BITS_PER_UNIT = np.float32(2 * math.log2(math.e))
_EXPONENT_BIAS, _EXPONENT_SHIFT = np.int32(127), np.int32(23)
# The Taylor series of 2^x, within 1e-8 up to one half.
_T1, _T2, _T3, _T4, _T5, _T6, _T7 = (np.float32(math.log(2) ** k / math.factorial(k)) for k in range(1, 8))


@_inlined
@no_type_check
def quality_level(q0: int, dq: int, qmax: int, index: int) -> int:
    """Return the level of the latent `index` places older than the newest; `dq` is a slope index, 0..7.

    Source: draft-ietf-mlcodec-opus-dred; libopus 1.6.1 dnn/dred_coding.c.
    """
    return min(qmax, q0 + (_LEVELS_PER_16_LATENTS[dq] * index + 8) // 16)


@_inlined
@no_type_check
def _tanh(x):
    """Return tanh within 2e-7; unlike libm's it becomes vector instructions."""
    bits = min(max(x, -_SATURATION), _SATURATION) * _BITS_PER_UNIT
    whole = np.floor(bits + _HALF)
    part = bits - whole
    power = _ONE + part * (_T1 + part * (_T2 + part * (_T3 + part * (_T4 + part * (_T5 + part * (_T6 + part * _T7))))))
    power *= np.int32((np.int32(whole) + _EXPONENT_BIAS) << _EXPONENT_SHIFT).view(np.float32)
    return _ONE - (_ONE + _ONE) / (_ONE + power)


@_inlined
@no_type_check
def quantise_vector(values, scales, dead_zones, symbols):
    """Round values to symbols with a dead zone around zero, and tell whether all values are finite.

    Source: libopus 1.6.1 dnn/dred_encoder.c.
    """
    for d in range(values.size):
        scaled = values[d] * scales[d]
        shrunk = scaled - dead_zones[d] * _tanh(scaled / (dead_zones[d] + _SOFTENING))
        symbols[d] = np.int32(min(max(np.floor(shrunk + _HALF), -_MOST), _MOST))
    # On its own, as the sum of a loop of many operations would be summed slowly.
    num_finite = np.int32(0)
    for d in range(values.size):
        num_finite += np.int32(abs(values[d]) <= _LARGEST)
    return num_finite == values.size


@compiled(makes_arrays=False)
@no_type_check
def _quantise_rows(values, levels, quantiser, symbols):
    is_finite = True
    for row in range(len(values)):
        scales, dead_zones = quantiser[levels[row]]
        is_finite &= quantise_vector(values[row], scales, dead_zones, symbols[row])
    return is_finite


def quantise(
    values: Float32[np.ndarray, "*rows dims"], level: int | Int32[np.ndarray, "*rows"], tables: SymbolTables
) -> Int32[np.ndarray, "*rows dims"]:
    """Round values to symbols with a dead zone around zero; `level` is one for all rows or one each.

    Symbols of dimensions that are not coded at the level are 0.

    Raises:
        UsageError: A value is not finite.
    """
    symbols = np.empty(values.shape, np.int32)
    rows = np.ascontiguousarray(values).reshape(-1, tables.dim)
    levels = np.empty(values.shape[:-1], np.int32)
    levels[...] = level
    if not _quantise_rows(rows, levels.reshape(-1), tables.quantiser, symbols.reshape(rows.shape)):
        raise UsageError("only finite values can be quantised")
    return symbols


def dequantise(
    symbols: Int32[np.ndarray, "*rows dims"], level: int | Int32[np.ndarray, "*rows"], tables: SymbolTables
) -> Float32[np.ndarray, "*rows dims"]:
    """Return the values that symbols stand for; `level` is one for all rows or one each."""
    scale = np.maximum(tables.scale_q8[level], 1).astype(np.float32)
    return symbols.astype(np.float32) * np.float32(256) / scale
