"""Trained quantisers to the integer tables of a payload, and the dimensions that are worth coding.

    values, scales, dead zones -> largest scale folded into the values -> scale_q8, dead_zone_q8
    -> symbols as the sender makes them -> shares of zero and mean magnitudes -> p0_q8, r_q8

The statistics are counted, not taken from what training believed: the symbols of real speech decide what a symbol
costs. A dimension that is nearly always zero is not coded at that level; one that is coded at no level is cut.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from dred.bitstream import NUM_LEVELS, SymbolTables, quantise
from dred.errors import ModelError

__all__ = ["SymbolStatistics", "count_symbols"]

_Q8 = 256
_MOST_Q8 = 255
# With a larger share of zeros a dimension is left out: 254/256 is the most that is coded.
_NEARLY_ALWAYS = 254.5 / _Q8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SymbolStatistics:
    """The tables of one vector, and what must happen to it.

    Attributes:
        tables: Of the dimensions that are kept.
        is_kept: Which those are.
        gains: What each value is to be multiplied by at the sender, and divided by at the receiver.
    """

    tables: SymbolTables
    is_kept: Bool[np.ndarray, " dims"]
    gains: Float32[np.ndarray, " dims"]


def count_symbols(
    values: Float32[np.ndarray, "vectors dims"],
    scales: Float32[np.ndarray, "16 dims"],
    dead_zones: Float32[np.ndarray, "16 dims"],
) -> SymbolStatistics:
    """Make the tables of a vector from values of real speech.

    Args:
        values: What the encoder yields, at least a few thousand vectors.
        scales: Symbols per unit, as they were trained.
        dead_zones: In symbols, 0 to 0.99.

    Raises:
        ModelError: No dimension carries anything.
    """
    gains = (scales.max(axis=0) * np.float32(_Q8 / _MOST_Q8)).astype(np.float32)
    scale_q8 = np.clip(np.rint(scales / gains * _Q8), 1, _MOST_Q8).astype(np.uint8)
    dead_zone_q8 = np.clip(np.rint(dead_zones * _Q8), 0, _MOST_Q8).astype(np.uint8)
    everything = np.full(scales.shape, 128, np.uint8)
    draft = SymbolTables(scale_q8=scale_q8, dead_zone_q8=dead_zone_q8, r_q8=everything, p0_q8=everything)
    p0_q8, r_q8 = (np.empty(scales.shape, np.uint8) for _ in range(2))
    for level in range(NUM_LEVELS):
        sizes = np.abs(quantise(values * gains, level, draft))
        zero = (sizes == 0).mean(axis=0)
        num_nonzero = np.maximum((sizes > 0).sum(axis=0), 1)
        # Of a geometric distribution with this mean beyond 1.
        beyond = np.maximum(sizes - 1, 0).sum(axis=0) / num_nonzero
        is_coded = zero <= _NEARLY_ALWAYS
        p0_q8[level] = np.clip(np.rint(zero * _Q8), 1, _MOST_Q8 - 1)
        r_q8[level] = np.clip(np.rint(beyond / (1 + beyond) * _Q8), 1, _MOST_Q8) * is_coded
    is_kept = np.asarray(r_q8.any(axis=0))
    if not is_kept.any():
        raise ModelError("no dimension carries anything: the model is not trained")
    tables = SymbolTables(
        scale_q8=np.ascontiguousarray(scale_q8[:, is_kept]),
        dead_zone_q8=np.ascontiguousarray(dead_zone_q8[:, is_kept]),
        r_q8=np.ascontiguousarray(r_q8[:, is_kept]),
        p0_q8=np.ascontiguousarray(p0_q8[:, is_kept]),
    )
    return SymbolStatistics(tables=tables, is_kept=is_kept, gains=gains)
