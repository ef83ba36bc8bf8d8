"""A stream's delay while it adapts: what arrives moves the target, what is played follows it.

    receive -> numbers in place? -> measured --> target
    play    -> how late is it? -> wait | decode -> queue -> faster | slower -> samples

`ReceiveStream` decides and decodes; this is all that a fixed delay does without.
"""

from collections.abc import Callable, Collection

import numpy as np
from jaxtyping import Float32

from dred.receiver.adaptive_delay import AdaptiveDelay, TargetDelay
from dred.receiver.buffer import BufferedPacket
from dred.receiver.config import ReceiverConfig
from dred.receiver.continuity import Continuity
from dred.receiver.coverage import Told
from dred.receiver.events import DelayChanged, Event
from dred.receiver.playout import Playout
from dred.receiver.statistics import StatisticsCounter


class LiveDelay:
    """The delay of one stream."""

    def __init__(
        self,
        config: ReceiverConfig,
        adaptive: AdaptiveDelay,
        *,
        counter: StatisticsCounter,
        report: Callable[[Event], None],
    ) -> None:
        """Start without any packet; report takes what is worth telling, counter what there is to count."""
        self.continuity = Continuity()
        self.playout = Playout(config.rate_hz, config.channels, counter=counter, report=report)
        self._longest_ms = adaptive.max_ms
        self._target = TargetDelay(adaptive, start_ms=config.delay_ms)
        self._counter = counter
        self._report = report

    @property
    def target_ms(self) -> float:
        """The delay aimed at."""
        return self._target.target_ms

    def restart(self) -> None:
        """Begin with another stream; what was learnt about the network stays."""
        self._target.restart()
        self.playout.forget_delay()

    def observe(
        self, packet: BufferedPacket, copies: Collection[BufferedPacket], now: float, tell: Callable[[int], Told]
    ) -> None:
        """Learn from a packet, as `Availability.observe` does."""
        before_ms = self.target_ms
        moved_ms = self._target.observe(packet, copies, now, tell)
        if moved_ms:
            self.playout.shift(moved_ms)
        if self.target_ms != before_ms:
            self._counter.target_ms = self.target_ms
            self._report(DelayChanged(target_ms=self.target_ms))

    def is_in_reach(self, timestamp: int, now: float) -> bool:
        """Tell whether playing may be so late as to be at a time now."""
        delay_ms = self._target.delay_ms(timestamp, now)
        return delay_ms is not None and delay_ms <= self._longest_ms

    def measure(self, position: int, now: float) -> None:
        """Note how late what is decoded next could come at this call."""
        delay_ms = self._target.delay_ms(position, now)
        if delay_ms is not None:
            self.playout.measure(delay_ms, now)

    def wait(self, position: int, now: float) -> bool:
        """Play on without going on in time, if what is missing may still come within the target and it sounds well."""
        delay_ms = self._target.delay_ms(position, now)
        return delay_ms is not None and self.playout.wait(delay_ms, self.target_ms)

    def add(self, block: Float32[np.ndarray, "samples channels"], *, is_known: bool) -> None:
        """Queue what was decoded; is_known says whether it is real content."""
        self.playout.add(block, is_known=is_known)
        self.playout.adjust(self.target_ms)
