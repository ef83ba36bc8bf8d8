"""Two short clips through three schemes over one network, for the tests of evaluations."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from dred.audio import float_to_int16, read_audio
from dred.data import bundled_clip
from dred.evaluation.clips import Clip
from dred.evaluation.experiment import Experiment
from dred.evaluation.networks import Network
from dred.evaluation.schemes import Scheme
from dred.sender import DredConfig

METRICS = ("gap_snr", "gap_lsd")


def small_experiment(**changes: Any) -> Experiment:
    """No loss, classic concealment and deep redundancy at 40 % loss, and on a quiet network."""
    settings: dict[str, Any] = {
        "name": "small",
        "title": "A small experiment",
        "schemes": (
            Scheme(name="clean", is_lossy=False),
            Scheme(name="plc", plc="classic"),
            Scheme(name="dred", dred=DredConfig(duration_ms=500)),
        ),
        "networks": (Network(name="quiet"), Network(name="lossy", model="uniform", loss_percent=40)),
        "metrics": METRICS,
    }
    return Experiment(**{**settings, **changes})


def small_clips() -> tuple[Clip, ...]:
    """Two different seconds of the bundled clip."""
    pcm = float_to_int16(read_audio(bundled_clip()).samples[:, 0])
    return tuple(
        Clip(name=name, speaker=name, text=None, pcm=pcm[start : start + 16_000])
        for name, start in (("one", 16_000), ("two", 48_000))
    )


class CountingExecutor(Executor):
    """Do everything at once, in this process, and keep what was asked for."""

    def __init__(self, *, fail_after: int | None = None, cancel_after: int | None = None) -> None:
        self.tasks: list[Any] = []
        self._fail_after = fail_after
        self._cancel_after = cancel_after

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        if len(self.tasks) == self._fail_after:
            future.set_exception(KeyboardInterrupt())
        elif len(self.tasks) == self._cancel_after:
            future.cancel()
            future.set_running_or_notify_cancel()
        else:
            self.tasks.append(args[0])
            future.set_result(fn(*args, **kwargs))
        return future
