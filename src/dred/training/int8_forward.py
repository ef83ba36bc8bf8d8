"""Networks as they will be once they are exported: int8 weights and activations, seen while they are trained.

Values are rounded on the way forward; gradients pass the rounding by, as if it were not there.

Source: Bengio et al., "Estimating or propagating gradients through stochastic neurons", 2013 (the passing by).
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dred.training.layers import Dense
from dred.training.rounding import LARGEST, LARGEST_PAIR, SMALLEST_SCALE, is_int8_layer

__all__ = ["as_activations", "as_int8_weights"]

_STEPS = 127


class _Replacement(torch.autograd.Function):
    """Another value in place of one, with the gradient of it."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, other: Tensor) -> Tensor:
        return other.view_as(other)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def as_int8_weights(module: nn.Module) -> dict[str, Tensor]:
    """Return weights of a module as `with_int8_layers` rounds them, by the names of its parameters.

    Those of layers that stay float are left out. What an export folds into a layer scales whole outputs, which have
    scales of their own: it rounds to the same.
    """
    return {
        f"{path}.weight": _as_int8(layer.weight)
        for path, layer in module.named_modules()
        if isinstance(layer, Dense) and is_int8_layer(path.replace(".", "_"), layer.weight.shape[1])
    }


def as_activations(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return values as int8 layers take them in: whole steps of 1/127 from -1 to 1.

    This is what libopus and our kernels with activations of one byte do; with two bytes, the default of our RDO-VAE,
    they round 254 times as finely.
    """
    with torch.no_grad():
        rounded = torch.floor(values * _STEPS + 0.5).clamp_(-_STEPS, _STEPS).div_(_STEPS)
    return _Replacement.apply(values, rounded)


def _as_int8(weight: Float[Tensor, "outputs inputs"]) -> Float[Tensor, "outputs inputs"]:
    with torch.no_grad():
        pairs = (weight[:, ::2] + weight[:, 1::2]).abs().amax(dim=1)
        scale = torch.maximum(weight.abs().amax(dim=1) / LARGEST, pairs / (LARGEST_PAIR - 1))
        scale = scale.clamp(min=SMALLEST_SCALE)[:, None]
        rounded = torch.round(weight / scale) * scale
    return _Replacement.apply(weight, rounded)
