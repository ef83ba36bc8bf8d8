"""Adam with everything that a run keeps in plain sight: moments, counts, the rate, and the average of the weights.

All is tensors that are updated in place, so that a step can be recorded as a CUDA graph and a checkpoint is a copy.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dred.errors import UsageError
from dred.training.processes import average

__all__ = ["Adam", "AdamConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamConfig:
    """How one network's weights are moved.

    Attributes:
        rate: Largest learning rate.
        warm_up_steps: Steps over which the rate rises to it.
        final_share: Share of it that is left at the end; between, it falls as half a cosine.
        betas: How much of the first and the second moment a step keeps.
        largest_norm: Gradients of a greater norm are scaled down to it.
        average: Share of the weights' running average that a step keeps; the average is what is exported.
    """

    rate: float
    warm_up_steps: int = 100
    final_share: float = 0.01
    betas: tuple[float, float] = (0.8, 0.95)
    largest_norm: float = 1.0
    average: float = 0.99

    def __post_init__(self) -> None:
        if not self.rate > 0 or not self.largest_norm > 0:
            raise UsageError(f"rate and largest_norm are positive, got {self.rate} and {self.largest_norm}")
        if not all(0 <= share < 1 for share in (*self.betas, self.average)) or not 0 <= self.final_share <= 1:
            raise UsageError(f"shares lie in 0 to 1, got {self.betas}, {self.average}, {self.final_share}")


class Adam:
    """Moves the parameters of a module by gradients. A gradient that is not finite moves nothing."""

    def __init__(self, module: nn.Module, config: AdamConfig) -> None:
        self.config = config
        self.parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self._names = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
        self._first = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._second = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._average = [parameter.detach().clone() for parameter in self.parameters]
        device = self.parameters[0].device
        self._rate = torch.zeros((), device=device)
        self._count = torch.zeros((), device=device)

    def set_progress(self, step: int, num_steps: int) -> None:
        """Set the rate of a step, 0 to num_steps - 1."""
        config = self.config
        rise = min(1.0, (step + 1) / max(config.warm_up_steps, 1))
        fall = 0.5 + 0.5 * torch.cos(torch.tensor(torch.pi * step / max(num_steps, 1))).item()
        self._rate.fill_(config.rate * rise * (config.final_share + (1 - config.final_share) * fall))

    @torch.no_grad()
    def minimise(self, loss: Tensor, *, keeps_graph: bool = False) -> Tensor:
        """Move the parameters down the gradient of a loss, the mean over all processes; return the gradient's norm.

        Args:
            loss: A scalar.
            keeps_graph: Whether another loss of the same pass is still to come.
        """
        with torch.enable_grad():
            found = torch.autograd.grad(loss, self.parameters, retain_graph=keeps_graph, allow_unused=True)
        gradients = [torch.zeros_like(p) if g is None else g for g, p in zip(found, self.parameters, strict=True)]
        gradients = average(gradients)
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        is_finite = torch.isfinite(norm)
        scale = torch.where(is_finite, (self.config.largest_norm / (norm + 1e-12)).clamp(max=1.0), 0.0)
        gradients = [torch.where(is_finite, gradient * scale, 0.0) for gradient in gradients]
        beta_1, beta_2 = self.config.betas
        self._count += is_finite
        torch._foreach_lerp_(self._first, gradients, 1 - beta_1)
        torch._foreach_mul_(self._second, beta_2)
        torch._foreach_addcmul_(self._second, gradients, gradients, 1 - beta_2)
        # Moments start at zero: what they lack of their weight is made good.
        sizes = torch._foreach_div(self._second, 1 - beta_2 ** self._count.clamp(min=1))
        torch._foreach_sqrt_(sizes)
        torch._foreach_add_(sizes, 1e-8)
        moves = torch._foreach_div(self._first, sizes)
        torch._foreach_mul_(moves, self._rate / (1 - beta_1 ** self._count.clamp(min=1)) * is_finite)
        torch._foreach_sub_(self.parameters, moves)
        # The average follows faster at first, so that it does not hold on to the initial weights.
        keep = (self._count / (self._count + 9)).clamp(max=self.config.average)
        drift = torch._foreach_sub(self.parameters, self._average)
        torch._foreach_mul_(drift, 1 - keep)
        torch._foreach_add_(self._average, drift)
        return norm

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield all that the optimiser remembers, by name."""
        yield "count", self._count
        for kind, values in (("first", self._first), ("second", self._second), ("average", self._average)):
            for name, value in zip(self._names, values, strict=True):
                yield f"{kind}.{name}", value

    def averages(self) -> Mapping[str, Tensor]:
        """Return the averaged weights by the names of the module's parameters."""
        return dict(zip(self._names, self._average, strict=True))
