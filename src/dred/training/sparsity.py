"""Recurrent weights made sparse while they are trained: blocks of zeros, which kernels skip.

Source: Kalchbrenner et al., "Efficient neural audio synthesis", 2018 (the schedule); Valin and Skoglund, "LPCNet", 2019
(the diagonal stays). Blocks are those of our kernels, 8 outputs by 4 inputs.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dred.errors import UsageError

__all__ = ["SparsityConfig", "kept_blocks", "thin_out"]

_BLOCK_OUTPUTS, _BLOCK_INPUTS = 8, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SparsityConfig:
    """How far and when.

    Attributes:
        densities: Share of the blocks that stay in the end, for the gates z, r and h, beside the diagonal's.
        first_step: From here on blocks are dropped, at first quickly.
        last_step: From here on the densities hold.
    """

    densities: tuple[float, float, float] = (0.05, 0.05, 0.2)
    first_step: int = 2000
    last_step: int = 40_000

    def __post_init__(self) -> None:
        if not all(0 <= density <= 1 for density in self.densities):
            raise UsageError(f"densities lie in 0 to 1, got {self.densities}")
        if not 0 <= self.first_step < self.last_step:
            raise UsageError(f"first_step is at least 0 and below last_step, got {self.first_step}, {self.last_step}")


def kept_blocks(
    weight: Float[Tensor, "gates units"], config: SparsityConfig, step: Float[Tensor, ""]
) -> Bool[Tensor, "3 rows columns"]:
    """Return which blocks of a GRU's recurrent weights stay after a step: those of greatest norm, and the diagonal."""
    num_units = weight.shape[1]
    shape = (3, num_units // _BLOCK_OUTPUTS, _BLOCK_OUTPUTS, num_units // _BLOCK_INPUTS, _BLOCK_INPUTS)
    norms = weight.detach().reshape(shape).square().sum(dim=(2, 4))
    progress = ((step - config.first_step) / (config.last_step - config.first_step)).clamp(0, 1)
    done = 1 - (1 - progress) ** 3
    densities = 1 - done * (1 - torch.tensor(config.densities, device=weight.device))
    ranks = norms.flatten(1).argsort(dim=1, descending=True).argsort(dim=1).reshape(norms.shape)
    is_kept = ranks < torch.round(densities * norms[0].numel())[:, None, None]
    rows, columns = (torch.arange(size, device=weight.device) for size in norms.shape[1:])
    return is_kept | (columns // (_BLOCK_OUTPUTS // _BLOCK_INPUTS) == rows[:, None])


@torch.no_grad()
def thin_out(weight: Float[Tensor, "gates units"], is_kept: Bool[Tensor, "3 rows columns"]) -> None:
    """Set the weights of all other blocks to zero, in place."""
    spread = is_kept.repeat_interleave(_BLOCK_OUTPUTS, dim=1).repeat_interleave(_BLOCK_INPUTS, dim=2)
    weight.mul_(spread.flatten(0, 1).to(weight.dtype))
