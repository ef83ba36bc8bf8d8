"""A gated recurrent unit over many steps on a CPU, its gradient written by hand.

Automatic differentiation of a step makes some thirty small operations out of it. By hand a step costs six forward and
four backward: all factors that do not depend on the gradient are computed for many steps at once, and so are the
gradients of the weights.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["recur"]

# Steps whose factors are in the cache together.
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
    return _Recurrence.apply(state, gates, weight, bias)


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, state: Tensor, gates: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        num_steps, num_rows, _ = gates.shape
        num_units = state.shape[1]
        states, zr, h, uh = (
            gates.new_empty(num_steps, num_rows, width) for width in (num_units, 2 * num_units, num_units, num_units)
        )
        zr_weight, h_weight = (part.T for part in weight.split([2 * num_units, num_units]))
        zr_gates, h_gates = (part.unbind() for part in gates.split([2 * num_units, num_units], dim=-1))
        reset = zr[..., num_units:].unbind()
        update = zr[..., :num_units].unbind()
        before = state
        for n, (after, zr_n, h_n, uh_n) in enumerate(zip(states.unbind(), zr.unbind(), h.unbind(), uh.unbind())):
            torch.addmm(zr_gates[n], before, zr_weight, out=zr_n).sigmoid_()
            torch.addmm(bias, before, h_weight, out=uh_n)
            # The hyperbolic tangent by way of the logistic function, which torch computes in a fifth of the time.
            torch.addcmul(h_gates[n], reset[n], uh_n, out=h_n).mul_(2).sigmoid_().mul_(2).sub_(1)
            torch.lerp(h_n, before, update[n], out=after)
            before = after
        context.save_for_backward(state, weight, states, zr, h, uh)
        return states

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        state, weight, states, zr, h, uh = context.saved_tensors
        num_steps, num_rows, num_units = states.shape
        of_gates = gradient.new_empty(num_steps, num_rows, 3 * num_units)
        of_weight, of_bias = torch.zeros_like(weight), weight.new_zeros(num_units)
        # Of the state after a step: what later steps give back.
        carried = torch.zeros_like(state)
        for first in reversed(range(0, num_steps, _STEPS)):
            steps = slice(first, min(first + _STEPS, num_steps))
            begin = state if first == 0 else states[first - 1]
            before = torch.cat([begin[None], states[first : steps.stop - 1]])
            z, r = zr[steps].chunk(2, dim=-1)
            # A state's gradient times these is that of the sums that go into z, r, h, and of the recurrent part of h.
            into_h = (1 - z) * (1 - h[steps].square())
            parts = ((before - h[steps]) * z * (1 - z), into_h * uh[steps] * r * (1 - r), into_h * r)
            factors = torch.stack(parts, dim=-2)
            products = torch.empty_like(factors)
            of_states = torch.empty_like(before)
            for n in reversed(range(len(before))):
                torch.add(gradient[first + n], carried, out=of_states[n])
                torch.mul(of_states[n][:, None], factors[n], out=products[n])
                torch.mul(of_states[n], z[n], out=carried)
                carried.addmm_(products[n].view(num_rows, -1), weight)
            rows = products.view(-1, 3 * num_units)
            of_weight.addmm_(rows.T, before.view(-1, num_units))
            of_bias += rows[:, 2 * num_units :].sum(dim=0)
            of_gates[steps] = products.view(len(before), num_rows, -1)
            torch.mul(of_states, into_h, out=of_gates[steps][..., 2 * num_units :])
        return carried, of_gates, of_weight, of_bias
