"""What the commands of `dred trace` read: traces by name, a model, and numbers that are checked before the work."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from dred.channel import HiddenMarkov, bundled_loss_model, find_traces, read_loss_model, read_trace
from dred.cli.files import reading
from dred.errors import UsageError

__all__ = ["check_drawing", "load_model", "load_traces", "parse_bounds"]

_MAX_LOSS_PERCENT = 99
_MAX_PACKETS = 10_000_000


def load_traces(paths: Sequence[Path]) -> dict[str, Bool[np.ndarray, " packets"]]:
    """Read files and folders of traces, by the name of each.

    Raises:
        UsageError: There is none, two share a name, or one cannot be read or used.
    """
    traces: dict[str, Bool[np.ndarray, " packets"]] = {}
    for path in paths:
        with reading(path):
            found = find_traces(path)
        for clip in found:
            if clip.name in traces:
                raise UsageError(f"traces need different names, got {clip.name} twice")
            with reading(clip.trace):
                traces[clip.name] = read_trace(clip.trace)
    return traces


def load_model(path: Path | None) -> HiddenMarkov:
    """Read a model, or take the built-in one.

    Raises:
        UsageError: The file cannot be read or used.
    """
    if path is None:
        return bundled_loss_model()
    with reading(path):
        return read_loss_model(path).model


def check_drawing(*, packets: int = 1, loss: float | None = None, seed: int = 0) -> None:
    """Refuse numbers that nothing can be drawn with.

    Raises:
        UsageError: One is out of range.
    """
    if not 1 <= packets <= _MAX_PACKETS:
        raise UsageError(f"packets must be 1 to {_MAX_PACKETS}, got {packets}")
    if loss is not None and not 0 <= loss <= _MAX_LOSS_PERCENT:
        raise UsageError(f"loss must be 0 to {_MAX_LOSS_PERCENT} percent, got {loss:g}")
    if seed < 0:
        raise UsageError(f"seed must be at least 0, got {seed}")


def parse_bounds(text: str) -> tuple[float, float]:
    """Read LOW,HIGH.

    Raises:
        UsageError: The text is something else.
    """
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"burst-ms must be two numbers such as 120,320, got {text!r}") from None
    return low, high
