"""The loop: draw, step, log, keep.

Everything random about step n comes from the run's seed and n alone. So a run that was killed goes on from its last
checkpoint as if nothing had happened, and several processes (see `processes`) take the steps of one.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dred.errors import UsageError
from dred.training.checkpoint import LossLog, read_checkpoint, restore, write_checkpoint
from dred.training.graph import GraphedStep
from dred.training.processes import agree, average, is_first, share
from dred.training.task import Task, task_tensors

__all__ = ["CHECKPOINT", "Progress", "TrainerConfig", "train"]

CHECKPOINT = "checkpoint.safetensors"
_LOG = "losses.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerConfig:
    """How long a run lasts and what it leaves behind.

    Attributes:
        num_steps: Steps of the whole run; the learning rate's course depends on it.
        seed: Of everything random.
        log_every: Steps between lines of the log.
        checkpoint_every: Steps between checkpoints; the last step has one in any case.
    """

    num_steps: int
    seed: int = 0
    log_every: int = 20
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        if min(self.num_steps, self.log_every, self.checkpoint_every) < 1:
            raise UsageError("num_steps, log_every and checkpoint_every are at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is."""

    step: int
    num_steps: int
    losses: Mapping[str, float]
    steps_per_s: float


def train(
    task: Task,
    config: TrainerConfig,
    folder: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    tensorboard: bool = False,
    max_seconds: float = float("inf"),
) -> int:
    """Train a task in a folder, from its checkpoint if there is one.

    Args:
        task: What is trained; its tensors are updated in place.
        config: How.
        folder: Where checkpoint and log go.
        settings: What else tells this run from another; a checkpoint of other settings is refused.
        report: Called with each line of the log.
        tensorboard: Whether to write events for tensorboard, too.
        max_seconds: Stop after the step during which this is over, with a checkpoint.

    Returns:
        The number of steps done, as many as configured unless time ran out.

    Raises:
        UsageError: The folder's checkpoint is of a run with other settings, or processes cannot share the batch.
        ModelError: It does not fit the task.
    """
    begin = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    told = {"trainer": asdict(config), **(settings or {})}
    take_step = GraphedStep(task) if task.is_graphable and _device(task).type == "cuda" else task.step
    step = _resume(task, folder / CHECKPOINT, told)
    log = LossLog(folder / _LOG, num_steps_done=step) if is_first() else None
    writer = _event_writer(folder, step) if tensorboard and is_first() else None
    since, since_step = time.monotonic(), step
    while step < config.num_steps and agree(time.monotonic() - begin < max_seconds, _device(task)):
        for optimiser in task.optimisers.values():
            optimiser.set_progress(step, config.num_steps)
        drawn = share(task.draw(np.random.default_rng([config.seed, step])))
        losses = take_step(*(torch.from_numpy(array).to(_device(task)) for array in drawn))
        step += 1
        if step % config.log_every == 0 or step == config.num_steps:
            values = dict(zip(losses, map(float, average(list(losses.values()))), strict=True))
            if log is not None:
                log.add(step, values)
            if writer is not None:
                for name, value in values.items():
                    writer.add_scalar(name, value, step)
            now = time.monotonic()
            rate = (step - since_step) / max(now - since, 1e-9)
            since, since_step = now, step
            report(Progress(step=step, num_steps=config.num_steps, losses=values, steps_per_s=rate))
        if step % config.checkpoint_every == 0 and step < config.num_steps and is_first():
            write_checkpoint(folder / CHECKPOINT, task_tensors(task), step=step, settings=told)
    if is_first():
        write_checkpoint(folder / CHECKPOINT, task_tensors(task), step=step, settings=told)
    if writer is not None:
        writer.close()
    return step


def _device(task: Task) -> torch.device:
    return next(iter(task.optimisers.values())).parameters[0].device


def _resume(task: Task, path: Path, settings: Mapping[str, Any]) -> int:
    if not path.is_file():
        return 0
    tensors, step, found = read_checkpoint(path)
    if found != _as_read(settings):
        differing = sorted(key for key in {*found, *settings} if found.get(key) != _as_read(settings).get(key))
        raise UsageError(f"the run in {path.parent} has other settings: {', '.join(differing)}; use another folder")
    restore(task_tensors(task), tensors)
    return step


def _as_read(settings: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(settings))


def _event_writer(folder: Path, num_steps_done: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError("tensorboard is missing: pip install 'dred[train]'") from error
    return SummaryWriter(str(folder), purge_step=num_steps_done + 1)
