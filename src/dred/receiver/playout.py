"""Between decoder and loudspeaker: what was decoded and is not played yet, faster or slower as the delay asks for.

    decoded -> queue -> (periods left out or repeated) -> exactly the samples asked for
                 '-- what was played last, and 4 ms that wait for the next fade

One period at a time is changed, at the queue's front. Samples in + repeated - left out = samples out + queued.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from dred.receiver.events import Event, Scaling, TimeScaled
from dred.receiver.pace import LeastDelay, choose_change
from dred.receiver.statistics import StatisticsCounter
from dred.receiver.time_scaling import Care, TimeScaler

# So much in a row is repeated while nothing comes; longer, it would buzz. Our choice.
_MAX_WAIT_MS = 60.0
# Waiting is worth it if content may come within more than this.
_LEAST_WAIT_MS = 2.5

Block = Float32[np.ndarray, "samples channels"]


class Playout:
    """One stream's queue. Delays are those of `TargetDelay`, in milliseconds."""

    def __init__(
        self, rate_hz: int, channels: int, *, counter: StatisticsCounter, report: Callable[[Event], None]
    ) -> None:
        """Start empty; report takes what is changed, and counter."""
        self._rate_hz = rate_hz
        self._scaler = TimeScaler(rate_hz, channels)
        self._counter = counter
        self._report = report
        self._start = self._scaler.history_samples
        self._samples: Block = np.zeros((self._start, channels), np.float32)
        self._has_begun = False
        self._least = LeastDelay()
        self._since_last = 0
        self._waited_ms = 0.0

    @property
    def num_queued(self) -> int:
        """How many samples are decoded and not played."""
        return len(self._samples) - self._start

    def lacks(self, num_samples: int) -> bool:
        """Tell whether more must be decoded before so many samples are played."""
        return self.num_queued < num_samples + self._scaler.fade_samples

    def measure(self, delay_ms: float, now: float) -> None:
        """Take in how late what is decoded next could come at this call."""
        self._least.measure(delay_ms, now)

    def shift(self, by_ms: float) -> None:
        """Follow a change of what delays are relative to."""
        self._least.shift(by_ms)

    def forget_delay(self) -> None:
        """Start to measure anew: the delay has jumped."""
        self._least.forget()

    def wait(self, delay_ms: float, target_ms: float) -> bool:
        """Repeat a period while what is missing may still come; return whether that was done."""
        if target_ms - delay_ms < _LEAST_WAIT_MS or self._waited_ms >= _MAX_WAIT_MS:
            return False
        return self._repeat(Care.FIRM)

    def add(self, block: Block, *, is_known: bool) -> None:
        """Append what was decoded; is_known says whether it is real content."""
        if is_known:
            self._waited_ms = 0.0
        if not self._has_begun:
            self._has_begun = True
            self._begin()
        kept = self._samples[max(0, self._start - self._scaler.history_samples) :]
        self._start -= len(self._samples) - len(kept)
        self._samples = np.concatenate([kept, block])

    def adjust(self, target_ms: float) -> None:
        """Bring the delay nearer to the target, by one period at most, if it is time and the signal allows."""
        since_last_ms = self._since_last * 1000 / self._rate_hz
        change = choose_change(self._least.value_ms, target_ms, since_last_ms=since_last_ms)
        if change is None:
            return
        if change.excess_ms < 0:
            self._repeat(change.care)
        else:
            self._remove(change.care, int(change.excess_ms * self._rate_hz / 1000))

    def take(self, num_samples: int) -> Block:
        """Return the next samples, of which there are enough."""
        end = self._start + num_samples
        taken = self._samples[self._start : end].copy()
        self._start = end
        self._since_last += num_samples
        return taken

    def _begin(self) -> None:
        """Put silence as long as a fade in front, so that a first fade always finds its samples."""
        self._replace(np.pad(self._samples, ((0, self._scaler.fade_samples), (0, 0))), Scaling.STRETCHED)

    def _repeat(self, care: Care) -> bool:
        repeated = self._scaler.repeat(self._samples, self._start, care)
        if repeated is None:
            return False
        duration_ms = self._replace(repeated, Scaling.STRETCHED)
        self._waited_ms += duration_ms
        return True

    def _remove(self, care: Care, at_most: int) -> None:
        remaining = self._scaler.remove(self._samples, self._start, care, at_most=at_most)
        if remaining is not None:
            self._replace(remaining, Scaling.ACCELERATED)

    def _replace(self, samples: Block, scaling: Scaling) -> float:
        """Go on with other samples; return by how many milliseconds the delay has changed."""
        num_more = len(samples) - len(self._samples)
        self._samples = samples
        changed_ms = num_more * 1000 / self._rate_hz
        self._least.shift(changed_ms)
        self._since_last = 0
        self._counter.scale(num_more)
        self._report(TimeScaled(scaling=scaling, num_samples=abs(num_more)))
        return changed_ms
