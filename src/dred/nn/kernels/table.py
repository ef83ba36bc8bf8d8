"""A network's table: one row per layer, which says what the layer is and where its parts lie.

A packed network is one array of int64 rows. The first are the table's; behind them, in the same memory, lie the parts:
weights as int8, numbers as int32, scales and biases as float32, each counted from the start of the array in its own
size. So a network is one argument, and nothing has to be kept alive beside it.
"""

from typing import Final

KIND, NUM_INPUTS, NUM_OUTPUTS, WEIGHTS, OFFSETS, SCALES, BIASES, BLOCKS, NUM_BLOCK_NUMBERS, NUM_BYTES, FUNCTION = range(
    11
)
"""Columns; NUM_BYTES is how many an activation is rounded to, the last is the address of the function that runs the
layer."""

NUM_COLUMNS: Final = 11

DENSE, SPARSE, FLOAT_COLUMNS, FLOAT_ROWS = range(4)
"""Kinds of layers: int8, and float32 by input or, if the outputs are few, by output."""

ZERO_POINT: Final = 127
"""What an activation of 0 is quantised to; one of 1 is that much above it."""

FINE_STEPS: Final = 254
"""How many steps of an activation's second byte make one of its first."""

QUANTISED, QUANTISED_STRIDE, SUMS, SUMS_STRIDE, GATES, MORE_GATES, GATES_STRIDE, NUM_FIELDS = range(8)
"""Fields at the start of a workspace, which is one array of int64 too: where its parts begin, in bytes, and the strides
from row to row, in elements."""
