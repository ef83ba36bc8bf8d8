"""The Laplace distribution with an explicit probability of zero: integers <-> range coder.

A value is a sign symbol (zero, positive, negative), then, unless zero, its magnitude less one as symbols 0..7, of which
7 means "seven more, go on". Source: draft-ietf-mlcodec-opus-dred; libopus 1.6.1 celt/laplace.c (the `_p0` functions).
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, UInt8, UInt16

from dred.bitstream.range_kernels import decode_icdf, decode_sign, encode_icdf
from dred.compilation import compiled

_inlined = compiled(inline="late", makes_arrays=False)

TOTAL_BITS = 15
_SIGNS = 3
_ESCAPE = 7
ICDF_SIZE = _SIGNS + _ESCAPE + 1
"""Entries of the table of one dimension: the inverse table of the sign, then that of the magnitude."""

# A payload of 1000 bytes cannot hold this many escapes: each costs at least 0.039 bits, so that 8000 bits and the 31
# that a decoder sees past the end hold fewer than 206000. The cap therefore never changes a value.
_MAX_ESCAPES = 1 << 18
MAX_MAGNITUDE = 1 + _ESCAPE * _MAX_ESCAPES
"""Largest magnitude that is coded; no payload can hold a larger one."""


class LaplaceModel(NamedTuple):
    """What the coder needs for each level and dimension; a value that is not coded is always 0."""

    is_coded: Bool[np.ndarray, "*axes"]
    icdf: UInt16[np.ndarray, "*axes 11"]


def build_laplace_model(p0_q8: UInt8[np.ndarray, "*axes"], r_q8: UInt8[np.ndarray, "*axes"]) -> LaplaceModel:
    """Build the inverse tables from the probability of zero and the decay, both in 1/256.

    A decay of 0 or a `p0_q8` of 255 means: not coded. A coded dimension needs a `p0_q8` of at least 1.
    """
    p0_q15 = p0_q8.astype(np.int32) << 7
    decay_q15 = r_q8.astype(np.int32) << 7
    nonzero = (1 << TOTAL_BITS) - p0_q15
    columns = [nonzero, nonzero // 2, np.zeros_like(nonzero)]
    # The floors leave every symbol a part of the total.
    column = np.maximum(_ESCAPE, decay_q15)
    columns.append(column)
    for floor in range(_ESCAPE - 1, 0, -1):
        column = np.maximum(floor, (column * decay_q15) >> TOTAL_BITS)
        columns.append(column)
    columns.append(np.zeros_like(column))
    return LaplaceModel((r_q8 > 0) & (p0_q8 < 255), np.stack(columns, axis=-1).astype(np.uint16))


@_inlined
@no_type_check
def encode_laplace(state, out, value, table, at):
    """Encode one value of at most MAX_MAGNITUDE, whose inverse tables stand in a table from `at` on."""
    sign = 0 if value == 0 else (1 if value > 0 else 2)
    state = encode_icdf(state, out, sign, table, at, TOTAL_BITS)
    if sign:
        rest = abs(value) - 1
        while rest >= _ESCAPE:
            state = encode_icdf(state, out, _ESCAPE, table, at + _SIGNS, TOTAL_BITS)
            rest -= _ESCAPE
        state = encode_icdf(state, out, rest, table, at + _SIGNS, TOTAL_BITS)
    return state


@_inlined
@no_type_check
def decode_laplace(state, data, table, at):
    """Decode one value, at most MAX_MAGNITUDE whatever the bytes."""
    sign, state = decode_sign(state, data, table, at, TOTAL_BITS)
    if sign == 0:
        return 0, state
    magnitude, symbol = 1, _ESCAPE
    while symbol == _ESCAPE and magnitude < MAX_MAGNITUDE:
        symbol, state = decode_icdf(state, data, table, at + _SIGNS, TOTAL_BITS)
        magnitude += symbol
    return -magnitude if sign == 2 else magnitude, state
