"""The tables as compiled code reads them: one after another what it needs one after another.

Coding rows are flat. Each level has a row that only holds how many follow, then a row for each dimension that is coded:

| column | in it                                                                 |
|--------|-----------------------------------------------------------------------|
| 0      | the dimension; in a level's first row the number of coded dimensions  |
| 1      | scale_q8                                                              |
| 2-12   | the inverse tables                                                    |

Rows have 16 columns of 16 bits, so that each lies within one cache line.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from dred.bitstream.laplace import ICDF_SIZE, LaplaceModel, decode_laplace, encode_laplace
from dred.bitstream.version import NUM_LEVELS
from dred.compilation import compiled

ROW_SIZE, SCALE = 16, 1
_ICDF = 2
_Q8 = np.float32(256)


def build_coding_rows(
    model: LaplaceModel, scale_q8: UInt8[np.ndarray, "levels dims"]
) -> UInt16[np.ndarray, " columns"]:
    """Build the rows of all levels."""
    num_levels, num_dims = scale_q8.shape
    rows = np.zeros((num_levels, 1 + num_dims, ROW_SIZE), np.uint16)
    for level in range(num_levels):
        coded = np.flatnonzero(model.is_coded[level])
        rows[level, 0, 0] = coded.size
        at = slice(1, 1 + coded.size)
        rows[level, at, 0] = coded
        rows[level, at, SCALE] = scale_q8[level, coded]
        rows[level, at, _ICDF : _ICDF + ICDF_SIZE] = model.icdf[level, coded]
    return rows.reshape(-1)


def build_quantiser(
    model: LaplaceModel, scale_q8: UInt8[np.ndarray, "levels dims"], dead_zone_q8: UInt8[np.ndarray, "levels dims"]
) -> Float32[np.ndarray, "levels 2 dims"]:
    """Build scales and dead zones; a dimension that is not coded has scale 0, so that its symbol is 0."""
    pairs = np.stack([scale_q8 * model.is_coded, dead_zone_q8 * model.is_coded], axis=1)
    return pairs.astype(np.float32) / _Q8


@compiled(makes_arrays=False)
@no_type_check
def encode_vector(state, out, symbols, rows, level):
    """Encode the coded dimensions of one vector; the others are taken as 0."""
    at = level * (rows.size // NUM_LEVELS)
    for _ in range(rows[at]):
        at += ROW_SIZE
        state = encode_laplace(state, out, symbols[rows[at]], rows, at + _ICDF)
    return state


@compiled(inline="late", makes_arrays=False)
@no_type_check
def decode_vector(state, data, symbols, values, rows, level):
    """Decode the symbols of one vector and the values that they stand for."""
    for d in range(symbols.size):
        symbols[d] = 0
        values[d] = np.float32(0)
    at = level * (rows.size // NUM_LEVELS)
    for _ in range(rows[at]):
        at += ROW_SIZE
        symbol, state = decode_laplace(state, data, rows, at + _ICDF)
        if symbol:
            dimension = rows[at]
            symbols[dimension] = symbol
            values[dimension] = np.float32(symbol) * _Q8 / np.float32(rows[at + SCALE])
    return state
