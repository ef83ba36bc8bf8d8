"""A network as a function of time: packets enter with the time of sending, leave with the time of arrival.

```
 send(packet, now) --> lost? --> bottleneck --> outage? --> copied? --> delay + jitter --> queue, by arrival --> receive
                                  full?          lost?                   held back? --'
```

Nothing here waits or reads a clock. Each effect has its own random stream, so that the same packets are lost whatever
the delay, and two schemes can be compared on the same network.
"""

import heapq
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Generic, Literal, TypeVar

import numpy as np

from dred.channel.link import Bottleneck, BottleneckConfig, Outages, OutagesConfig
from dred.channel.models import LossModel, Uniform
from dred.errors import UsageError

__all__ = ["ChannelConfig", "ChannelEmulator"]

PacketT = TypeVar("PacketT")

JitterShape = Literal["uniform", "normal"]
_NORMAL = NormalDist(mu=0.5, sigma=0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    """What a network does to packets. The default is a perfect one.

    Attributes:
        loss: Which packets vanish.
        delay_ms: Time that every packet needs.
        jitter_ms: Largest extra time. Jitter alone never changes the order of packets.
        jitter_shape: "uniform" over 0 to `jitter_ms`, or "normal" about its half, cut off at two standard deviations,
            which are 0 and `jitter_ms`.
        reorder: Probability that a packet is held back, so that later ones may overtake it.
        reorder_delay_ms: For how long.
        duplicate: Probability that a packet that is not lost arrives twice.
        bottleneck: A link of limited rate that packets have to pass, if any.
        outages: Times in which nothing moves, if any.
        max_queued: Packets under way at most; further ones are dropped.
    """

    loss: LossModel = field(default_factory=lambda: Uniform(loss=0.0))
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    jitter_shape: JitterShape = "uniform"
    reorder: float = 0.0
    reorder_delay_ms: float = 60.0
    duplicate: float = 0.0
    bottleneck: BottleneckConfig | None = None
    outages: OutagesConfig | None = None
    max_queued: int = 10_000

    def __post_init__(self) -> None:
        for name in ("delay_ms", "jitter_ms", "reorder_delay_ms"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise UsageError(f"{name} must be finite and at least 0, got {value}")
        for name in ("reorder", "duplicate"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"{name} must lie in 0-1, got {value}")
        if self.jitter_shape not in ("uniform", "normal"):
            raise UsageError(f'jitter_shape must be "uniform" or "normal", got {self.jitter_shape!r}')
        if self.max_queued < 1:
            raise UsageError(f"max_queued must be at least 1, got {self.max_queued}")


class ChannelEmulator(Generic[PacketT]):
    """Carry packets of any type through the network of a config. Times are milliseconds and never run backwards."""

    def __init__(self, config: ChannelConfig, rng: np.random.Generator) -> None:
        """Start an empty network at any time; `rng` is split into one stream per effect and not drawn from."""
        self.config = config
        loss_rng, self._jitter_rng, self._reorder_rng, self._duplicate_rng, link_rng, outage_rng = rng.spawn(6)
        self._bottleneck = Bottleneck(config.bottleneck, link_rng) if config.bottleneck else None
        self._outages = Outages(config.outages, outage_rng) if config.outages else None
        self._losses = config.loss.stream(loss_rng)
        self._queue: list[tuple[float, int, PacketT]] = []
        self._now_ms = float("-inf")
        self._last_in_order_ms = float("-inf")
        self._num_queued_ever = 0
        self.num_sent = 0
        self.num_lost = 0
        self.num_overflowed = 0

    @property
    def queue_ms(self) -> float:
        """How long the bottleneck's queue was when the last packet had entered it; 0 without a bottleneck."""
        return self._bottleneck.queue_ms if self._bottleneck else 0.0

    def send(self, packet: PacketT, now_ms: float, *, num_bytes: int = 0) -> None:
        """Hand a packet to the network; its size, headers included, matters to a bottleneck only.

        What a full queue drops counts as overflowed, what an outage swallows as lost.

        Raises:
            UsageError: `now_ms` lies before an earlier call's, or is not finite.
        """
        self._advance(now_ms)
        self.num_sent += 1
        # Every effect draws for every packet, so that one effect's outcome never shifts another's.
        is_lost = next(self._losses)
        is_held_back = self._reorder_rng.random() < self.config.reorder
        num_copies = 2 if self._duplicate_rng.random() < self.config.duplicate else 1
        delays_ms = [self.config.delay_ms + self._draw_jitter_ms() for _ in range(2)]
        # What is lost further on has taken its place in the queue all the same.
        carried_ms = self._bottleneck.pass_through(num_bytes, now_ms) if self._bottleneck else now_ms
        if carried_ms is None:
            self.num_overflowed += 1
            return
        leaves_ms = self._outages.pass_through(carried_ms) if self._outages else carried_ms
        if is_lost or leaves_ms is None:
            self.num_lost += 1
            return
        for delay_ms in delays_ms[:num_copies]:
            self._enqueue(packet, leaves_ms + delay_ms, is_held_back=is_held_back)

    def receive(self, now_ms: float) -> list[tuple[float, PacketT]]:
        """Take all packets that have arrived by `now_ms`, with their times of arrival, in that order.

        Raises:
            UsageError: `now_ms` lies before an earlier call's, or is not finite.
        """
        self._advance(now_ms)
        arrived: list[tuple[float, PacketT]] = []
        while self._queue and self._queue[0][0] <= now_ms:
            arrival_ms, _, packet = heapq.heappop(self._queue)
            arrived.append((arrival_ms, packet))
        return arrived

    def next_arrival(self) -> float | None:
        """Tell when the next packet arrives, in milliseconds; None if nothing is under way."""
        return self._queue[0][0] if self._queue else None

    def _advance(self, now_ms: float) -> None:
        if not self._now_ms <= now_ms < float("inf"):
            raise UsageError(f"now_ms must be finite and at least {self._now_ms}, got {now_ms}")
        self._now_ms = now_ms

    def _draw_jitter_ms(self) -> float:
        share = float(self._jitter_rng.random())
        if self.config.jitter_shape == "normal":
            lowest, highest = _NORMAL.cdf(0), _NORMAL.cdf(1)
            share = min(max(_NORMAL.inv_cdf(lowest + share * (highest - lowest)), 0.0), 1.0)
        return share * self.config.jitter_ms

    def _enqueue(self, packet: PacketT, arrival_ms: float, *, is_held_back: bool) -> None:
        if len(self._queue) >= self.config.max_queued:
            self.num_overflowed += 1
            return
        if is_held_back:
            arrival_ms += self.config.reorder_delay_ms
        else:
            # A router's queue: a packet waits for those before it.
            arrival_ms = max(arrival_ms, self._last_in_order_ms)
            self._last_in_order_ms = arrival_ms
        heapq.heappush(self._queue, (arrival_ms, self._num_queued_ever, packet))
        self._num_queued_ever += 1
