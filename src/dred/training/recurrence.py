"""A gated recurrent unit over many steps on a CPU, its gradient written by hand.

Automatic differentiation makes some thirty small operations of a step. By hand a step is one matrix product and one
compiled loop forward, the same backward, and the gradients of weights are computed for many steps at once.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from dred.training.recurrence_kernel import advance, retreat

__all__ = ["recur"]

# Steps whose products are in the cache together.
_STEPS = 16


def recur(
    state: Float[Tensor, "batch units"],
    gates: Float[Tensor, "steps batch gates"],
    weight: Float[Tensor, "gates units"],
    bias: Float[Tensor, " units"],
) -> Float[Tensor, "steps batch units"]:
    """Return the state of a GRU after each step.

    Args:
        state: That before the first.
        gates: What inputs add to the gates z, r and h, with all biases but `bias`.
        weight: Recurrent weights, rows as gates.
        bias: Recurrent bias of h, which the reset gate scales.
    """
    return _Recurrence.apply(state, gates.contiguous(), weight, bias)


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, state: Tensor, gates: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        num_steps, num_rows, num_gates = gates.shape
        num_units = state.shape[1]
        # The first is the state before the first step.
        states = gates.new_empty(num_steps + 1, num_rows, num_units)
        states[0] = state
        kept = gates.new_empty(num_steps, num_rows, 4 * num_units)
        products = gates.new_empty(num_rows, num_gates)
        transposed = weight.T
        rows, row_gates, row_kept, row_products = (_rows(part) for part in (states, gates, kept, products))
        row_bias = _rows(bias)
        for n, before in enumerate(states[:-1].unbind()):
            torch.mm(before, transposed, out=products)
            advance(row_gates[n], row_products, row_bias, rows[n], rows[n + 1], row_kept[n])
        context.save_for_backward(weight, states, kept)
        return states[1:]

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        weight, states, kept = context.saved_tensors
        num_steps, num_rows, _ = gradient.shape
        num_gates, num_units = weight.shape
        of_gates = gradient.new_empty(num_steps, num_rows, num_gates)
        of_weight, of_bias = torch.zeros_like(weight), weight.new_zeros(num_units)
        carried = torch.zeros_like(states[0])
        products = gradient.new_empty(_STEPS, num_rows, num_gates)
        row_after, row_carried, row_kept, rows, row_gates, row_products = (
            _rows(part) for part in (gradient.contiguous(), carried, kept, states, of_gates, products)
        )
        for last in range(num_steps, 0, -_STEPS):
            first = max(0, last - _STEPS)
            for n in reversed(range(first, last)):
                place = n - first
                retreat(row_after[n], row_carried, row_kept[n], rows[n], row_gates[n], row_products[place])
                carried.addmm_(products[place], weight)
            some = products[: last - first].view(-1, num_gates)
            of_weight.addmm_(some.T, states[first:last].view(-1, num_units))
            of_bias += some[:, 2 * num_units :].sum(dim=0)
        return carried, of_gates, of_weight, of_bias


def _rows(tensor: Tensor) -> Any:
    return tensor.detach().numpy()
