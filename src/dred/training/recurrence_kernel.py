"""A step of a gated recurrent unit but for its products, for many rows, compiled; and a step of its gradient."""

from typing import no_type_check

import numpy as np

from dred.compilation import FAST_SUMS, compiled
from dred.nn.kernels import sigmoid, tanh

_ONE = np.float32(1)


@compiled(makes_arrays=False, fastmath=FAST_SUMS)
@no_type_check
def advance(gates, products, bias, before, after, kept):
    """Write the states after a step.

    Args:
        gates: What inputs add to the gates z, r and h, [rows][3 * units].
        products: What the states before add to them, without biases.
        bias: Recurrent bias of h.
        before: The states before, [rows][units].
        after: To be written.
        kept: To be written for `retreat`: z, r, h, and the recurrent part of h, [rows][4 * units].
    """
    num_units = before.shape[1]
    for row in range(before.shape[0]):
        of_inputs, of_states, state, new, keep = gates[row], products[row], before[row], after[row], kept[row]
        # Loops of few arrays each become vector instructions.
        for i in range(2 * num_units):
            keep[i] = sigmoid(of_inputs[i] + of_states[i])
        for i in range(num_units):
            keep[3 * num_units + i] = of_states[2 * num_units + i] + bias[i]
        for i in range(num_units):
            inner = keep[num_units + i] * keep[3 * num_units + i]
            keep[2 * num_units + i] = tanh(of_inputs[2 * num_units + i] + inner)
        for i in range(num_units):
            h = keep[2 * num_units + i]
            new[i] = h + keep[i] * (state[i] - h)


@compiled(makes_arrays=False, fastmath=FAST_SUMS)
@no_type_check
def retreat(of_after, carried, kept, before, of_gates, of_products):
    """Write the gradients of a step's sums.

    Args:
        of_after: The gradient of the states after the step by what uses them, [rows][units].
        carried: By later steps; becomes that of the states before, but for the part that goes through the products.
        kept: What `advance` kept.
        before: The states before.
        of_gates: To be written: the gradient of what inputs add, [rows][3 * units].
        of_products: To be written: of what the states before add.
    """
    num_units = before.shape[1]
    for row in range(before.shape[0]):
        state, keep, given, back = before[row], kept[row], of_after[row], carried[row]
        of_inputs, of_states = of_gates[row], of_products[row]
        for i in range(num_units):
            z, r, h = keep[i], keep[num_units + i], keep[2 * num_units + i]
            of_state = given[i] + back[i]
            back[i] = of_state * z
            of_z = of_state * (state[i] - h) * z * (_ONE - z)
            of_h = of_state * (_ONE - z) * (_ONE - h * h)
            of_r = of_h * keep[3 * num_units + i] * r * (_ONE - r)
            of_inputs[i] = of_z
            of_states[i] = of_z
            of_inputs[num_units + i] = of_r
            of_states[num_units + i] = of_r
            of_inputs[2 * num_units + i] = of_h
            of_states[2 * num_units + i] = of_h * r
