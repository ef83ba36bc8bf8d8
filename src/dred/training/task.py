"""What the trainer asks of a task: to draw what a step needs, and to take the step."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn

from dred.training.optimiser import Adam

__all__ = ["Task", "task_tensors"]


@runtime_checkable
class Task(Protocol):
    """One network that is trained, with what it learns from."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """What is trained, by name; what is exported comes first."""
        ...

    @property
    def optimisers(self) -> Mapping[str, Adam]:
        """What moves each module, by the same names."""
        ...

    @property
    def is_graphable(self) -> bool:
        """Whether a step can be recorded as a CUDA graph: equal shapes, no randomness of its own."""
        ...

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Draw all that is random about a step."""
        ...

    def step(self, *drawn: Tensor) -> dict[str, Tensor]:
        """Take a step with what was drawn, on the task's device; return the losses."""
        ...


def task_tensors(task: Task) -> dict[str, Tensor]:
    """Return all that a task remembers: the weights of each module and what its optimiser keeps."""
    tensors: dict[str, Tensor] = {}
    for name, module in task.modules.items():
        tensors |= {f"{name}/weights.{key}": value for key, value in module.state_dict().items()}
        tensors |= {f"{name}/adam.{key}": value for key, value in task.optimisers[name].tensors()}
    return tensors
