"""Where packets wait: a bottleneck of limited rate that others use, too, and outages in which nothing moves.

```
 send(bytes, now) --> drop-tail queue --> sent at the link's rate --> leaves
                       ^-- others' packets
```

Both are functions of time: they draw for stretches of time, not for packets, so that the same moments are bad whatever
is sent.
"""

from dataclasses import dataclass

import numpy as np

from dred.errors import UsageError

__all__ = ["Bottleneck", "BottleneckConfig", "Outages", "OutagesConfig"]

# Others send packets of this size. Source: our choice, a full Ethernet frame's payload.
_OTHERS_BYTES = 1_400
# Looked at in steps, so that a long silence costs no more than what still fits into the queue.
_STEP_MS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BottleneckConfig:
    """A link of limited rate with a queue in front of it.

    Attributes:
        rate_bps: What it carries, headers included.
        max_queue_ms: A packet that would wait for longer is dropped.
        others_share: Mean share of the rate that others use, from 0; above 1 the queue is always full.
        others_burst_ms: Others send for about so long, then pause, so that their share holds in the mean.
    """

    rate_bps: float
    max_queue_ms: float = 200.0
    others_share: float = 0.0
    others_burst_ms: float = 300.0

    def __post_init__(self) -> None:
        for name in ("rate_bps", "max_queue_ms", "others_burst_ms"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise UsageError(f"{name} must be finite and above 0, got {value}")
        if not 0 <= self.others_share < float("inf"):
            raise UsageError(f"others_share must be finite and at least 0, got {self.others_share}")


class Bottleneck:
    """The link of a config."""

    def __init__(self, config: BottleneckConfig, rng: np.random.Generator) -> None:
        """Start with an empty queue, at any time."""
        self.config = config
        self._rng = rng
        self._now_ms: float | None = None
        self._backlog_ms = 0.0
        self._is_busy = False
        self._turn_ms = 0.0

    @property
    def queue_ms(self) -> float:
        """How long a packet would have waited at the time of the last one, itself included."""
        return self._backlog_ms

    def pass_through(self, num_bytes: int, now_ms: float) -> float | None:
        """Return when a packet has left the link, or None if the queue has no room for it."""
        self._advance(now_ms)
        if self._backlog_ms > self.config.max_queue_ms:
            return None
        self._backlog_ms += 8_000 * num_bytes / self.config.rate_bps
        return now_ms + self._backlog_ms

    def _advance(self, now_ms: float) -> None:
        """Let the others send, and the link carry, until now."""
        if self._now_ms is None:
            self._now_ms = now_ms
        longest_ms = 10 * self.config.others_burst_ms + self.config.max_queue_ms
        if now_ms - self._now_ms > longest_ms:
            self._now_ms = now_ms - longest_ms
            self._backlog_ms = 0.0
        while self._now_ms < now_ms:
            step_ms = min(_STEP_MS, now_ms - self._now_ms)
            self._backlog_ms = max(0.0, self._backlog_ms - step_ms)
            self._add_others(step_ms)
            self._now_ms += step_ms

    def _add_others(self, step_ms: float) -> None:
        share = self.config.others_share
        if share == 0:
            return
        self._turn_ms -= step_ms
        while self._turn_ms <= 0:
            self._is_busy = not self._is_busy
            self._turn_ms += self._rng.exponential(self.config.others_burst_ms)
        if not self._is_busy:
            return
        # They are busy half of the time.
        packet_ms = 8_000 * _OTHERS_BYTES / self.config.rate_bps
        for _ in range(self._rng.poisson(2 * share * step_ms / packet_ms)):
            if self._backlog_ms <= self.config.max_queue_ms:
                self._backlog_ms += packet_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class OutagesConfig:
    """Times in which nothing moves: a radio that waits for a free channel, or moves from cell to cell.

    Attributes:
        every_ms: Mean time from the end of one to the start of the next.
        shortest_ms: Shortest of them.
        longest_ms: Longest; all in between are equally likely.
        loss: Probability that a packet that meets one is lost; the others come together at its end.
    """

    every_ms: float
    shortest_ms: float
    longest_ms: float
    loss: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.every_ms < float("inf"):
            raise UsageError(f"every_ms must be finite and above 0, got {self.every_ms}")
        if not 0 <= self.shortest_ms <= self.longest_ms < float("inf"):
            raise UsageError(f"0 <= shortest_ms <= longest_ms must hold, got {self.shortest_ms} and {self.longest_ms}")
        if not 0 <= self.loss <= 1:
            raise UsageError(f"loss must lie in 0-1, got {self.loss}")


class Outages:
    """The outages of a config."""

    def __init__(self, config: OutagesConfig, rng: np.random.Generator) -> None:
        """Start in between two of them, at any time."""
        self.config = config
        self._times_rng, self._losses_rng = rng.spawn(2)
        self._start_ms: float | None = None
        self._end_ms = 0.0

    def pass_through(self, now_ms: float) -> float | None:
        """Return when a packet moves on, or None if it is lost."""
        if self._start_ms is None:
            self._end_ms = now_ms
            self._draw()
        while now_ms >= self._end_ms:
            self._draw()
        is_lost = self._losses_rng.random() < self.config.loss
        assert self._start_ms is not None, "drawn above"
        if now_ms < self._start_ms:
            return now_ms
        return None if is_lost else self._end_ms

    def _draw(self) -> None:
        self._start_ms = self._end_ms + self._times_rng.exponential(self.config.every_ms)
        self._end_ms = self._start_ms + self._times_rng.uniform(self.config.shortest_ms, self.config.longest_ms)
