"""Compiled convolutions, causal in time."""

from typing import no_type_check

from dred.compilation import FAST_SUMS, compiled
from dred.nn.kernels.activations import TANH, tanh
from dred.nn.kernels.layers import dense
from dred.nn.kernels.rows import copy_part
from dred.nn.kernels.table import NUM_INPUTS


@compiled(makes_arrays=False)
@no_type_check
def conv1d(network, layer, width, past, memory, memory_start, x, start, seen, out, out_start, work):
    """Apply a convolution of 2 taps, or of past + 1, and tanh; each row of `memory` holds the `past` last inputs.

    Inputs are of a width. A layer of 2 taps looks at the oldest of them, so that `past` is its dilation. `seen` is room
    for the inputs of all taps, for each row.
    """
    num_seen = network[layer, NUM_INPUTS] // width - 1
    newest = memory_start + (past - 1) * width
    for row in range(x.shape[0]):
        copy_part(memory[row], memory_start, num_seen * width, seen[row], 0)
        copy_part(x[row], start, width, seen[row], num_seen * width)
        copy_part(memory[row], memory_start + width, (past - 1) * width, memory[row], memory_start)
        copy_part(x[row], start, width, memory[row], newest)
    dense(network, layer, seen[: x.shape[0]], 0, out, out_start, TANH, work)


@compiled(makes_arrays=False)
@no_type_check
def conv1d_steps(network, layer, width, past, memory, memory_start, x, start, seen, out, out_start, work):
    """Apply a convolution as `conv1d` does, to the rows of x as steps of one sequence."""
    num_seen = network[layer, NUM_INPUTS] // width - 1
    num_steps = x.shape[0]
    for step in range(num_steps):
        for tap in range(num_seen):
            back = step - past + tap
            if back < 0:
                copy_part(memory[0], memory_start + (back + past) * width, width, seen[step], tap * width)
            else:
                copy_part(x[back], start, width, seen[step], tap * width)
        copy_part(x[step], start, width, seen[step], num_seen * width)
    for row in range(past):
        back = num_steps - past + row
        if back < 0:
            copy_part(memory[0], memory_start + (back + past) * width, width, memory[0], memory_start + row * width)
        else:
            copy_part(x[back], start, width, memory[0], memory_start + row * width)
    dense(network, layer, seen[:num_steps], 0, out, out_start, TANH, work)


@compiled(fastmath=FAST_SUMS)
@no_type_check
def conv2d(weight, bias, memory, x, out):
    """Apply a 3 x 3 convolution and tanh; `memory` holds the last two inputs, oldest first, and takes in x."""
    out_channels, in_channels = weight.shape[:2]
    height = x.shape[1] - 2
    for o in range(out_channels):
        target = out[o]
        for j in range(height):
            target[j] = bias[o]
        for i in range(in_channels):
            for h in range(3):
                w0, w1, w2 = weight[o, i, 0, h], weight[o, i, 1, h], weight[o, i, 2, h]
                oldest, older, now = memory[0, i][h : h + height], memory[1, i][h : h + height], x[i][h : h + height]
                for j in range(height):
                    target[j] += w0 * oldest[j] + w1 * older[j] + w2 * now[j]
        for j in range(height):
            target[j] = tanh(target[j])
    for i in range(in_channels):
        for j in range(height + 2):
            memory[0, i, j] = memory[1, i, j]
            memory[1, i, j] = x[i, j]
