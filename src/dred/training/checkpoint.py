"""A run on disk: checkpoints from which it goes on exactly, and the log of its losses.

    <run>/checkpoint.safetensors   every tensor of the run; step and settings in the metadata
    <run>/losses.csv               one line per logged step

A checkpoint is written under another name and renamed, so that one is whole whenever it is read. Lines of the log
beyond the checkpoint are cut off when a run goes on: they will come again.
"""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from dred.errors import ModelError, UsageError
from dred.whole_file import read_whole_file, write_whole_file

__all__ = ["LossLog", "read_checkpoint", "read_settings", "restore", "write_checkpoint"]

_FORMAT = "dred-checkpoint/1"
_MAX_LOG_BYTES = 1 << 28


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], *, step: int, settings: Mapping[str, object]) -> None:
    """Write a checkpoint: what there is after so many steps, and what the run was started with."""
    metadata = {"format": _FORMAT, "step": str(step), "settings": json.dumps(settings, sort_keys=True)}
    copies = {name: tensor.detach().to("cpu").contiguous().clone() for name, tensor in tensors.items()}
    write_whole_file(path, save(copies, metadata))


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], int, dict[str, object]]:
    """Read a checkpoint: its tensors, the number of steps done, and the settings.

    Raises:
        ModelError: The file is unreadable or no checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise ModelError(f"{path.name}: the format is {metadata.get('format', 'unnamed')}, not {_FORMAT}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path.name}: no readable checkpoint: {error}") from error
    return tensors, int(metadata["step"]), json.loads(metadata["settings"])


def read_settings(path: Path) -> dict[str, object]:
    """Read what the run of a checkpoint was started with."""
    return read_checkpoint(path)[2]


@torch.no_grad()
def restore(targets: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    """Copy values into tensors of the same names, in place.

    Raises:
        ModelError: Names or shapes differ; the text names the first.
    """
    if targets.keys() != tensors.keys():
        name = min(targets.keys() ^ tensors.keys())
        raise ModelError(f"tensor {name!r} is {'missing' if name in targets else 'unknown'}")
    for name, target in targets.items():
        if target.shape != tensors[name].shape:
            raise ModelError(f"tensor {name!r} is {tuple(tensors[name].shape)}, not {tuple(target.shape)}")
        target.copy_(tensors[name])


class LossLog:
    """Losses as comma-separated values, a line per logged step."""

    def __init__(self, path: Path, *, num_steps_done: int) -> None:
        """Open a log, and drop its lines of steps that are yet to be done."""
        self._path = path
        kept = ""
        if path.is_file() and num_steps_done:
            rows = list(csv.reader(io.StringIO(read_whole_file(path, max_bytes=_MAX_LOG_BYTES).decode())))
            kept = _lines(row for row in rows if row and (row[0] == "step" or int(row[0]) <= num_steps_done))
        write_whole_file(path, kept.encode())
        self._is_empty = not kept

    def add(self, step: int, losses: Mapping[str, float]) -> None:
        """Write the losses of a step: 1 is the first.

        Raises:
            UsageError: The disk is full.
        """
        rows: list[list[object]] = [["step", *losses]] if self._is_empty else []
        rows.append([step, *(f"{value:.6g}" for value in losses.values())])
        self._is_empty = False
        try:
            with self._path.open("a", newline="") as file:
                file.write(_lines(rows))
        except OSError as error:
            raise UsageError(f"cannot write {self._path}: {error.strerror}") from error


def _lines(rows: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()
