"""The Laplace distribution with an explicit probability of zero: integers <-> range coder.

A value is a sign symbol (zero, positive, negative), then, unless zero, its magnitude less one as symbols 0..7, of which
7 means "seven more, go on". Source: draft-ietf-mlcodec-opus-dred; libopus 1.6.1 celt/laplace.c (the `_p0` functions).
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Int32, Int64, UInt8
from numba import njit

from dred.bitstream.range_kernels import decode_icdf, encode_icdf

TOTAL_BITS = 15
_ESCAPE = 7

# A payload of 1000 bytes cannot hold this many escapes: each costs at least 0.039 bits, so that 8000 bits and the 31
# that a decoder sees past the end hold fewer than 206000. The cap therefore never changes a value.
_MAX_ESCAPES = 1 << 18
MAX_MAGNITUDE = 1 + _ESCAPE * _MAX_ESCAPES
"""Largest magnitude that is coded; no payload can hold a larger one."""


class LaplaceModel(NamedTuple):
    """What the coder needs for each level and dimension; a value that is not coded is always 0."""

    is_coded: Bool[np.ndarray, "*axes"]
    sign_icdf: Int32[np.ndarray, "*axes 3"]
    magnitude_icdf: Int32[np.ndarray, "*axes 8"]


def build_laplace_model(p0_q8: UInt8[np.ndarray, "*axes"], r_q8: UInt8[np.ndarray, "*axes"]) -> LaplaceModel:
    """Build the inverse tables from the probability of zero and the decay, both in 1/256.

    A decay of 0 or a `p0_q8` of 255 means: not coded. A coded dimension needs a `p0_q8` of at least 1.
    """
    p0_q15 = p0_q8.astype(np.int32) << 7
    decay_q15 = r_q8.astype(np.int32) << 7
    nonzero = (1 << TOTAL_BITS) - p0_q15
    sign_icdf = np.stack([nonzero, nonzero // 2, np.zeros_like(nonzero)], axis=-1)
    # The floors leave every symbol a part of the total.
    column = np.maximum(_ESCAPE, decay_q15)
    columns = [column]
    for floor in range(_ESCAPE - 1, 0, -1):
        column = np.maximum(floor, (column * decay_q15) >> TOTAL_BITS)
        columns.append(column)
    columns.append(np.zeros_like(column))
    return LaplaceModel((r_q8 > 0) & (p0_q8 < 255), sign_icdf, np.stack(columns, axis=-1))


@njit(cache=True, nogil=True)
@no_type_check
def encode_laplace(
    state: Int64[np.ndarray, " 6"],
    out: UInt8[np.ndarray, " bytes"],
    value: int,
    sign_icdf: Int32[np.ndarray, " 3"],
    magnitude_icdf: Int32[np.ndarray, " 8"],
) -> None:
    """Encode one value of at most MAX_MAGNITUDE."""
    sign = 0 if value == 0 else (1 if value > 0 else 2)
    encode_icdf(state, out, sign, sign_icdf, TOTAL_BITS)
    if sign:
        rest = abs(value) - 1
        while rest >= _ESCAPE:
            encode_icdf(state, out, _ESCAPE, magnitude_icdf, TOTAL_BITS)
            rest -= _ESCAPE
        encode_icdf(state, out, rest, magnitude_icdf, TOTAL_BITS)


@njit(cache=True, nogil=True)
@no_type_check
def decode_laplace(
    state: Int64[np.ndarray, " 6"],
    data: UInt8[np.ndarray, " bytes"],
    sign_icdf: Int32[np.ndarray, " 3"],
    magnitude_icdf: Int32[np.ndarray, " 8"],
) -> int:
    """Decode one value, at most MAX_MAGNITUDE whatever the bytes."""
    sign = decode_icdf(state, data, sign_icdf, TOTAL_BITS)
    if sign == 0:
        return 0
    magnitude = 1
    symbol = _ESCAPE
    while symbol == _ESCAPE and magnitude < MAX_MAGNITUDE:
        symbol = decode_icdf(state, data, magnitude_icdf, TOTAL_BITS)
        magnitude += symbol
    return magnitude if sign == 1 else -magnitude
