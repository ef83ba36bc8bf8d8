"""The PLC predictor compiled: any number of steps of one stream in one call.

The same network as `dred.concealment.predictor`, layer for layer.
"""

from typing import no_type_check

from dred.compilation import compiled
from dred.nn.kernels import LINEAR, TANH, dense, gru_steps
from dred.nn.kernels.table import NUM_INPUTS

INPUT, GRU_1_INPUT, GRU_1_RECURRENT, GRU_2_INPUT, GRU_2_RECURRENT, OUTPUT = range(6)


@compiled(makes_arrays=False)
@no_type_check
def advance(network, memory, values, work, rows):
    """Take in a row of values per step, and leave the second unit's states behind the steps in the last rows."""
    num_steps = values.shape[0]
    hidden, first, second = rows[0][:num_steps], rows[1][:num_steps], rows[2][:num_steps]
    dense(network, INPUT, values, 0, hidden, 0, TANH, work)
    gru_steps(network, GRU_1_INPUT, GRU_1_RECURRENT, hidden, 0, memory, 0, first, 0, work)
    start = network[GRU_1_RECURRENT, NUM_INPUTS]
    gru_steps(network, GRU_2_INPUT, GRU_2_RECURRENT, first, 0, memory, start, second, 0, work)


@compiled(makes_arrays=False)
@no_type_check
def predict(network, memory, values, features, work, rows):
    """Take in one step and write the features that come next."""
    advance(network, memory, values, work, rows)
    dense(network, OUTPUT, rows[2][:1], 0, features, 0, LINEAR, work)
