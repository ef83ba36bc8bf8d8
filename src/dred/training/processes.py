"""One run by several processes, each on its own device: all draw the same step, each takes its share of the batch.

`torchrun --nproc-per-node N -m -- dred train ...` starts them and names them in their environment. Gradients are
averaged before anything is done with them, so that all processes hold the same weights and moments after every step,
and the run is that of one process up to the order of sums, for losses that are means over windows. The first process
alone writes.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, distributed

from dred.errors import UsageError

__all__ = ["agree", "average", "device_of_process", "is_first", "joined", "share"]


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return int(os.environ.get("WORLD_SIZE", "1")) == 1 or int(os.environ.get("RANK", "0")) == 0


def device_of_process(device: torch.device) -> torch.device:
    """Return which of several equal devices this process uses."""
    if device.type != "cuda" or device.index is not None or "LOCAL_RANK" not in os.environ:
        return device
    return torch.device("cuda", int(os.environ["LOCAL_RANK"]))


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Join the other processes while the body runs, if there are any."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def share(drawn: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Return this process's part of what was drawn, along the first axis.

    Raises:
        UsageError: The processes cannot have equal parts.
    """
    if not distributed.is_initialized():
        return tuple(drawn)
    rank, size = distributed.get_rank(), distributed.get_world_size()
    uneven = [len(array) for array in drawn if len(array) % size]
    if uneven:
        raise UsageError(f"{size} processes need a batch that is a multiple of {size}, not {uneven[0]}")
    return tuple(array[len(array) // size * rank : len(array) // size * (rank + 1)] for array in drawn)


def average(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return the mean of each tensor over all processes."""
    if not distributed.is_initialized():
        return list(tensors)
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    parts = flat.split([tensor.numel() for tensor in tensors])
    return [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]


def agree(decision: bool, device: torch.device) -> bool:
    """Return what the first process decided."""
    if not distributed.is_initialized():
        return decision
    told = torch.tensor(float(decision), device=device)
    distributed.broadcast(told, 0)
    return bool(told)
