"""The rate-controllable quantiser: real values <-> symbols, at one of 16 levels.

Floating point is allowed here: it comes before the entropy coder at the sender and after it at the receiver.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int32
from numba import njit

from dred.bitstream.laplace import MAX_MAGNITUDE
from dred.bitstream.tables import SymbolTables
from dred.errors import UsageError

_LEVELS_PER_16_LATENTS = (0, 2, 3, 4, 6, 8, 12, 16)
_SOFTENING = np.float32(0.1)  # keeps the dead zone smooth where it is narrow


@njit(cache=True, nogil=True)
@no_type_check
def quality_level(q0: int, dq: int, qmax: int, index: int) -> int:
    """Return the level of the latent `index` places older than the newest; `dq` is a slope index, 0..7.

    Source: draft-ietf-mlcodec-opus-dred; libopus 1.6.1 dnn/dred_coding.c.
    """
    return min(qmax, q0 + (_LEVELS_PER_16_LATENTS[dq] * index + 8) // 16)


def quantise(
    values: Float32[np.ndarray, "*rows dims"], level: int | Int32[np.ndarray, "*rows"], tables: SymbolTables
) -> Int32[np.ndarray, "*rows dims"]:
    """Round values to symbols with a dead zone around zero; `level` is one for all rows or one each.

    Symbols of dimensions that are not coded at the level are 0. Source: libopus 1.6.1 dnn/dred_encoder.c.

    Raises:
        UsageError: A value is not finite.
    """
    if not np.all(np.isfinite(values)):
        raise UsageError("only finite values can be quantised")
    scaled = values * tables.scale_q8[level].astype(np.float32) / np.float32(256)
    dead_zone = tables.dead_zone_q8[level].astype(np.float32) / np.float32(256)
    shrunk = scaled - dead_zone * np.tanh(scaled / (dead_zone + _SOFTENING))
    rounded = np.clip(np.floor(shrunk + np.float32(0.5)), -MAX_MAGNITUDE, MAX_MAGNITUDE)
    return np.where(tables.model.is_coded[level], rounded, 0).astype(np.int32)


def dequantise(
    symbols: Int32[np.ndarray, "*rows dims"], level: int | Int32[np.ndarray, "*rows"], tables: SymbolTables
) -> Float32[np.ndarray, "*rows dims"]:
    """Return the values that symbols stand for; `level` is one for all rows or one each."""
    scale = np.maximum(tables.scale_q8[level], 1).astype(np.float32)
    return symbols.astype(np.float32) * np.float32(256) / scale
