"""The RDO-VAE compiled: both halves over the same five blocks, for many streams or for the steps of one.

The same network as `dred.rdovae.blocks`, layer for layer. What a block appends goes to the end of each row of x, so
that later layers see it where it lies. Only the recurrent products wait for each other; where the steps of one stream
are known at once, each other layer takes all of them in one go.
"""

from typing import no_type_check

from dred.compilation import compiled
from dred.nn.kernels import LINEAR, TANH, conv1d, conv1d_steps, copy_part, dense, glu, gru, gru_steps
from dred.nn.kernels.table import NUM_INPUTS, NUM_OUTPUTS

GRU_INPUT, GRU_RECURRENT, GLU, SQUEEZE, CONV, DILATION = range(6)
"""Columns of a plan, which has one row per block: numbers of layers, ABSENT where a version has none."""

ABSENT = -1

INPUT, FIRST_HEAD = 0, 1
"""Numbers of the layers in front of the blocks and behind them."""

_NUM_TAPS = 2


@compiled(makes_arrays=False)
@no_type_check
def _run_blocks(network, plan, memory, x, width, y, taps, work, are_steps):
    """Append the outputs of all blocks to the rows of x, of which the first `width` columns are there."""
    position = 0
    for block in range(plan.shape[0]):
        recurrent = plan[block, GRU_RECURRENT]
        units = network[recurrent, NUM_INPUTS]
        if are_steps:
            gru_steps(network, plan[block, GRU_INPUT], recurrent, x, 0, memory, position, y, 0, work)
        else:
            gru(network, plan[block, GRU_INPUT], recurrent, x, 0, memory, position, work)
            for row in range(x.shape[0]):
                copy_part(memory[row], position, units, y[row], 0)
        position += units
        if plan[block, GLU] == ABSENT:
            for row in range(x.shape[0]):
                copy_part(y[row], 0, units, x[row], width)
        else:
            glu(network, plan[block, GLU], y[: x.shape[0]], 0, x, width, work)
        width += units
        source = x
        if plan[block, SQUEEZE] != ABSENT:
            dense(network, plan[block, SQUEEZE], x, 0, y, 0, TANH, work)
            source = y[: x.shape[0]]
        layer, dilation = plan[block, CONV], plan[block, DILATION]
        conv_width = network[layer, NUM_INPUTS] // _NUM_TAPS
        if are_steps:
            conv1d_steps(network, layer, conv_width, dilation, memory, position, source, 0, taps, x, width, work)
        else:
            conv1d(network, layer, conv_width, dilation, memory, position, source, 0, taps, x, width, work)
        position += dilation * conv_width
        width += network[layer, NUM_OUTPUTS]


@compiled(makes_arrays=False)
@no_type_check
def encode(network, plan, memory, features, latents, states, work, rows, are_steps):
    """Encode a row of 40 features each to a latent and an initial state, for streams or for steps of one."""
    num_rows = features.shape[0]
    x = rows[0][:num_rows]
    dense(network, INPUT, features, 0, x, 0, TANH, work)
    _run_blocks(network, plan, memory, x, network[INPUT, NUM_OUTPUTS], rows[1], rows[2], work, are_steps)
    dense(network, FIRST_HEAD, x, 0, latents, 0, LINEAR, work)
    hidden = rows[1][:num_rows]
    dense(network, FIRST_HEAD + 1, x, 0, hidden, 0, TANH, work)
    dense(network, FIRST_HEAD + 2, hidden, 0, states, 0, LINEAR, work)


@compiled(makes_arrays=False)
@no_type_check
def start_decoder(network, plan, memory, initial_state, work, rows):
    """Fill the memory of a decoder that stands at the newest end of a packet's redundancy."""
    hidden, units = rows[1][:1], rows[0][:1]
    dense(network, FIRST_HEAD + 1, initial_state, 0, hidden, 0, TANH, work)
    dense(network, FIRST_HEAD + 2, hidden, 0, units, 0, TANH, work)
    target = memory[0]
    for i in range(memory.shape[1]):
        target[i] = 0
    position = first = 0
    for block in range(plan.shape[0]):
        size = network[plan[block, GRU_RECURRENT], NUM_INPUTS]
        copy_part(units[0], first, size, memory[0], position)
        first += size
        position += size + plan[block, DILATION] * (network[plan[block, CONV], NUM_INPUTS] // _NUM_TAPS)


@compiled(makes_arrays=False)
@no_type_check
def decode(network, plan, memory, values, features, work, rows):
    """Decode the next older latents, a row each, to four feature frames per row, newest first."""
    x = rows[0][: values.shape[0]]
    dense(network, INPUT, values, 0, x, 0, TANH, work)
    _run_blocks(network, plan, memory, x, network[INPUT, NUM_OUTPUTS], rows[1], rows[2], work, True)
    dense(network, FIRST_HEAD, x, 0, features, 0, LINEAR, work)
