"""The rate-controllable quantiser while it is trained, and what a value costs.

Each dimension has, at each of 16 levels, a scale, a dead zone and a Laplace model. Two forms run side by side: the soft
one adds noise instead of rounding and has smooth rates, the hard one rounds as the sender does and passes gradients
through.

Source: facts from libopus dnn/torch/rdovae (soft and hard forms, rates).
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from dred.bitstream import NUM_LEVELS

__all__ = ["Quantiser", "hard_bits", "soft_bits"]

_SOFTENING = 0.1
# At the coarsest level a step is so many times the finest one's, before anything is learnt.
_INITIAL_SPAN = 16.0
_LARGEST_DECAY = 0.998


class Quantiser(nn.Module):
    """Scales, dead zones, decays and weights of zero, [level, dimension]."""

    def __init__(self, num_dims: int) -> None:
        super().__init__()
        ramp = torch.linspace(0, -math.log(_INITIAL_SPAN), NUM_LEVELS)[:, None].expand(-1, num_dims)
        self.log_scale = nn.Parameter(ramp.clone() + 1.0)
        self.dead_zone = nn.Parameter(torch.full((NUM_LEVELS, num_dims), -3.0))
        self.decay = nn.Parameter(torch.zeros(NUM_LEVELS, num_dims))
        self.hard_decay = nn.Parameter(torch.zeros(NUM_LEVELS, num_dims))
        self.zero = nn.Parameter(torch.zeros(NUM_LEVELS, num_dims))

    def scales(self) -> Float[Tensor, "16 dims"]:
        """Return symbols per unit."""
        return torch.exp(self.log_scale)

    def dead_zones(self) -> Float[Tensor, "16 dims"]:
        """Return how far values are pulled to zero, in symbols: 0 to 0.49."""
        return 0.49 * torch.sigmoid(self.dead_zone)

    def soft(
        self, values: Float[Tensor, "*rows dims"], levels: Int[Tensor, "*rows"], noise: Float[Tensor, "*rows dims"]
    ) -> tuple[Float[Tensor, "*rows dims"], Float[Tensor, "*rows"]]:
        """Return values with noise for rounding, and their smooth rates in bits; noise lies in -0.5 to 0.5."""
        scale = self.scales()[levels]
        symbols = self._shrink(values * scale, levels) + noise
        return symbols / scale, soft_bits(symbols, self._decays(self.decay)[levels]).sum(-1)

    def hard(
        self, values: Float[Tensor, "*rows dims"], levels: Int[Tensor, "*rows"]
    ) -> tuple[Float[Tensor, "*rows dims"], Float[Tensor, "*rows"]]:
        """Return values as a receiver gets them, and their rates in bits; gradients pass the rounding by."""
        scale = self.scales()[levels]
        shrunk = self._shrink(values * scale, levels)
        symbols = shrunk + (torch.round(shrunk) - shrunk).detach()
        decay = self._decays(self.hard_decay)[levels]
        zero = 1 - decay ** (0.5 + 0.5 * torch.sigmoid(self.zero))[levels]
        return symbols / scale, hard_bits(symbols, decay, zero).sum(-1)

    def _shrink(self, scaled: Tensor, levels: Tensor) -> Tensor:
        # As the sender's quantiser does.
        dead_zone = self.dead_zones()[levels]
        return scaled - dead_zone * torch.tanh(scaled / (dead_zone + _SOFTENING))

    @staticmethod
    def _decays(raw: Tensor) -> Tensor:
        return (1e-4 + torch.sigmoid(raw)).clamp(max=_LARGEST_DECAY)


def soft_bits(symbols: Float[Tensor, "*shape"], decay: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return -log2 of a Laplace distribution's density at real values."""
    return -torch.log2((1 - decay) / (1 + decay)) - symbols.abs() * torch.log2(decay)


def hard_bits(
    symbols: Float[Tensor, "*shape"], decay: Float[Tensor, "*shape"], zero: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """Return what whole values cost: P(0) on its own, the others by sign and geometric magnitude.

    Values near zero are between the two, so that there is a slope.
    """
    size = symbols.abs()
    nonzero = 1 - torch.log2((1 - zero) * (1 - decay)) - (size - 1) * torch.log2(decay)
    share = size.clamp(max=1)
    return share * nonzero + (1 - share) * -torch.log2(zero)
