"""Networks as data: which packets of a clip are lost, as a function of the network, the clip and a seed.

| model             | losses                                                                                        |
|-------------------|-----------------------------------------------------------------------------------------------|
| `none`            | no packet                                                                                     |
| `uniform`         | each packet on its own                                                                        |
| `gilbert-elliott` | bursts of geometric length                                                                    |
| `generative`      | like the real traces that the built-in model was trained on, at the wanted loss               |
| `traces`          | those of recorded traces: the clip's own (`<clip>.txt`, `<clip>_is_lost.txt`), else one of all |

Every model may be held to a class of its longest burst, as the PLC Challenge sorts its clips.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool

from dred.channel import (
    GilbertElliott,
    LossModel,
    Trace,
    Uniform,
    bundled_loss_model,
    draw_bounded,
    find_traces,
    read_trace,
)
from dred.errors import UsageError

__all__ = ["Network"]

Model = Literal["none", "uniform", "gilbert-elliott", "generative", "traces"]

_MAX_LOSS_PERCENT = 99
_TRACE_SUFFIX = "_is_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A lossy network.

    Attributes:
        name: Short name, unique among those that are compared.
        family: What it shares with the same network at other losses; by default its name.
        title: What it is, in a phrase.
        model: Where losses come from.
        loss_percent: Share of lost packets, 0 to 99; None for the model's own, where it has one.
        mean_burst: Mean burst of `gilbert-elliott` in packets, at least 1.
        files: Pattern of the names of trace files in the folder of traces, which may be one of the PLC Challenge.
        bursts_ms: If given, the longest burst is longer than the first and at most the second.
    """

    name: str
    family: str = ""
    title: str = ""
    model: Model = "none"
    loss_percent: float | None = None
    mean_burst: float = 5.0
    files: str = "*.txt"
    bursts_ms: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not self.family:
            object.__setattr__(self, "family", self.name)
        if self.model not in get_args(Model):
            raise UsageError(f"model must be one of {', '.join(get_args(Model))}, got {self.model!r}")
        if self.loss_percent is None and self.model in ("uniform", "gilbert-elliott"):
            raise UsageError(f"a {self.model} network needs loss_percent, 0 to {_MAX_LOSS_PERCENT}")
        if self.loss_percent is not None and not 0 <= self.loss_percent <= _MAX_LOSS_PERCENT:
            raise UsageError(f"loss_percent must be 0 to {_MAX_LOSS_PERCENT}, got {self.loss_percent}")
        if self.bursts_ms is not None and not 0 <= self.bursts_ms[0] < self.bursts_ms[1]:
            raise UsageError(f"bursts_ms must be two rising durations, got {self.bursts_ms}")
        if self.model != "traces":
            # What the model refuses, it refuses here.
            self._model()

    def draw(
        self, clip: str, number: int, num_packets: int, *, seed: int, traces: Path | None
    ) -> Bool[np.ndarray, " packets"]:
        """Decide which packets of a clip are lost (True).

        Args:
            clip: The clip's name.
            number: Its place among all clips; recorded traces take turns by it.
            num_packets: How many decisions.
            seed: Of the experiment; every network and every clip has random numbers of its own.
            traces: The folder of recorded traces.

        Raises:
            UsageError: There is no such trace, or no draw has such bursts.
            FileFormatError: A trace breaks its format.
        """
        digest = hashlib.sha256(f"{self.name}/{clip}".encode()).digest()
        rng = np.random.default_rng([seed, *np.frombuffer(digest, np.uint32)])
        model = self._recorded(clip, number, rng, traces) if self.model == "traces" else self._model()
        if self.bursts_ms is None:
            return model.draw(num_packets, rng)
        return draw_bounded(model, num_packets, self.bursts_ms, rng)

    def _model(self) -> LossModel:
        loss = None if self.loss_percent is None else self.loss_percent / 100
        if self.model == "generative":
            return _generative(loss)
        if self.model == "gilbert-elliott":
            assert loss is not None, "checked above"
            return GilbertElliott(loss=loss, mean_burst=self.mean_burst)
        return Uniform(loss=loss or 0.0)

    def _recorded(self, clip: str, number: int, rng: np.random.Generator, traces: Path | None) -> LossModel:
        if traces is None:
            raise UsageError(f"network {self.name} needs a folder of recorded traces")
        paths = [path for path in _traces_in(traces) if fnmatch(path.name, self.files)]
        if not paths:
            raise UsageError(f"there is no trace {self.files} in {traces}")
        own = _of_clip(clip, paths)
        if own is not None:
            return Trace(lost=read_trace(own))
        lost = read_trace(paths[number % len(paths)])
        return Trace(lost=lost, start=int(rng.integers(len(lost))))


@lru_cache(maxsize=64)
def _generative(loss: float | None) -> LossModel:
    model = bundled_loss_model()
    return model if loss is None else model.at_loss(loss)


@lru_cache(maxsize=8)
def _traces_in(folder: Path) -> tuple[Path, ...]:
    return tuple(clip.trace for clip in find_traces(folder))


def _of_clip(clip: str, paths: Sequence[Path]) -> Path | None:
    return next((path for path in paths if path.stem in (clip, clip + _TRACE_SUFFIX)), None)
