"""A step recorded once as a CUDA graph and replayed: thousands of small kernels without Python between them."""

import torch
from torch import Tensor

from dred.training.checkpoint import restore
from dred.training.task import Task, task_tensors

__all__ = ["GraphedStep"]

_WARM_UP_STEPS = 3


class GraphedStep:
    """Takes a task's steps by replay. Recording happens at the first call and leaves the task as it was."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()
        self._losses: dict[str, Tensor] = {}

    def __call__(self, *drawn: Tensor) -> dict[str, Tensor]:
        """Take a step; the losses are valid until the next."""
        if self._graph is None:
            self._record(drawn)
        for target, value in zip(self._inputs, drawn, strict=True):
            target.copy_(value)
        assert self._graph is not None
        self._graph.replay()
        return self._losses

    def _record(self, drawn: tuple[Tensor, ...]) -> None:
        self._inputs = tuple(value.clone() for value in drawn)
        tensors = task_tensors(self._task)
        before = {name: value.clone() for name, value in tensors.items()}
        # Libraries choose and allocate during the first steps, on a stream of their own as the recording wants it.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_STEPS):
                self._task.step(*self._inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may go on with work of their own.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._losses = self._task.step(*self._inputs)
        restore(tensors, before)
