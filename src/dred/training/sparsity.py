"""Weights made sparse while they are trained: blocks of zeros, which kernels skip and files leave out.

Source: Kalchbrenner et al., "Efficient neural audio synthesis", 2018 (the schedule); Valin and Skoglund, "LPCNet", 2019
(the diagonal of recurrent weights stays). Blocks are those of our kernels and files, 8 outputs by 4 inputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from dred.errors import UsageError
from dred.training.optimiser import Adam

__all__ = ["SparsityConfig", "kept_blocks", "thin_layers", "thin_out"]

_BLOCK_OUTPUTS, _BLOCK_INPUTS = 8, 4
_RECURRENT = ".recurrent"


@dataclass(frozen=True, slots=True, kw_only=True)
class SparsityConfig:
    """How far one layer is thinned out, and when.

    Attributes:
        densities: Share of the blocks that stay in the end, one for each of as many equal parts of the outputs: for
            the gates z, r and h of a GRU, where a recurrent layer keeps its diagonal beside them.
        first_step: From here on blocks are dropped, at first quickly.
        last_step: From here on the densities hold.
    """

    densities: tuple[float, ...] = (0.05, 0.05, 0.2)
    first_step: int = 2000
    last_step: int = 40_000

    def __post_init__(self) -> None:
        if not self.densities or not all(0 <= density <= 1 for density in self.densities):
            raise UsageError(f"densities, at least one, lie in 0 to 1, got {self.densities}")
        if not 0 <= self.first_step < self.last_step:
            raise UsageError(f"first_step is at least 0 and below last_step, got {self.first_step}, {self.last_step}")


def kept_blocks(
    weight: Float[Tensor, "outputs inputs"],
    config: SparsityConfig,
    step: Float[Tensor, ""],
    *,
    keeps_diagonal: bool = False,
) -> Bool[Tensor, "parts rows columns"]:
    """Return which blocks of a layer stay after a step: in each part those of greatest norm, and a wanted diagonal.

    Raises:
        UsageError: The parts of the outputs are no multiple of 8, or the inputs none of 4.
    """
    (num_outputs, num_inputs), num_parts = weight.shape, len(config.densities)
    if num_outputs % (num_parts * _BLOCK_OUTPUTS) or num_inputs % _BLOCK_INPUTS:
        raise UsageError(
            f"a sparse layer has {num_parts} parts of a multiple of 8 outputs, and a multiple of 4 inputs, got "
            f"{num_outputs} and {num_inputs}"
        )
    shape = (num_parts, -1, _BLOCK_OUTPUTS, num_inputs // _BLOCK_INPUTS, _BLOCK_INPUTS)
    norms = weight.detach().reshape(shape).square().sum(dim=(2, 4))
    progress = ((step - config.first_step) / (config.last_step - config.first_step)).clamp(0, 1)
    done = 1 - (1 - progress) ** 3
    densities = 1 - done * (1 - torch.tensor(config.densities, device=weight.device))
    ranks = norms.flatten(1).argsort(dim=1, descending=True).argsort(dim=1).reshape(norms.shape)
    is_kept = ranks < torch.round(densities * norms[0].numel())[:, None, None]
    if not keeps_diagonal:
        return is_kept
    rows, columns = (torch.arange(size, device=weight.device) for size in norms.shape[1:])
    return is_kept | (columns // (_BLOCK_OUTPUTS // _BLOCK_INPUTS) == rows[:, None])


@torch.no_grad()
def thin_out(weight: Float[Tensor, "outputs inputs"], is_kept: Bool[Tensor, "parts rows columns"]) -> None:
    """Set the weights of all other blocks to zero, in place."""
    spread = is_kept.repeat_interleave(_BLOCK_OUTPUTS, dim=1).repeat_interleave(_BLOCK_INPUTS, dim=2)
    weight.mul_(spread.flatten(0, 1).to(weight.dtype))


def thin_layers(
    module: nn.Module, optimiser: Adam, layers: Mapping[str, SparsityConfig], step: Float[Tensor, ""]
) -> None:
    """Thin out layers of a module, named by their paths, after a step; the averages of their weights likewise."""
    averages = optimiser.averages()
    for path, config in layers.items():
        weight = module.get_parameter(f"{path}.weight")
        is_kept = kept_blocks(weight, config, step, keeps_diagonal=path.endswith(_RECURRENT))
        thin_out(weight, is_kept)
        thin_out(averages[f"{path}.weight"], is_kept)
