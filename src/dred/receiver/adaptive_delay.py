"""How long content is to wait: a quantile of how late it has become available of late.

packet -> fastest packet lately -> availability -> histogram -> quantile -> target
          (what delays are relative to)  (in any form)  (forgets)
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from dred.errors import UsageError
from dred.receiver.availability import Availability
from dred.receiver.buffer import BufferedPacket
from dred.receiver.coverage import Told
from dred.receiver.delay_histogram import DelayHistogram
from dred.receiver.fastest_packet import FastestPacket
from dred.timebase import ms_to_rtp, rtp_to_ms

_MAX_MS: Final = 2_000.0
# The target is looked up so often, and at once when something comes later than it.
_INTERVAL_RTP: Final = ms_to_rtp(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveDelay:
    """How a receiver adapts its delay to the network.

    Attributes:
        min_ms: Shortest delay, at least 0.
        max_ms: Longest delay, up to 2000; what comes later than that is not waited for.
        quantile: Share of the content that can be had at all for which the delay is to suffice, 0.5 to 1.
        memory_ms: How much content is looked back at; at least 100.
    """

    min_ms: float = 10.0
    max_ms: float = 400.0
    quantile: float = 0.995
    memory_ms: float = 10_000.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_ms <= self.max_ms <= _MAX_MS:
            raise UsageError(
                f"0 <= min_ms <= max_ms <= {_MAX_MS:g} must hold, got min_ms {self.min_ms} and max_ms {self.max_ms}"
            )
        if not 0.5 <= self.quantile < 1:
            raise UsageError(f"quantile must be at least 0.5 and below 1, got {self.quantile}")
        if not 100 <= self.memory_ms < float("inf"):
            raise UsageError(f"memory_ms must be finite and at least 100, got {self.memory_ms}")


class TargetDelay:
    """The target, and the delays that it follows from. All are relative to the fastest packet seen lately."""

    def __init__(self, config: AdaptiveDelay, *, start_ms: float) -> None:
        """Start with a target, from which a second's packets move away only if they are late."""
        self._config = config
        self._histogram = DelayHistogram(max_ms=config.max_ms, memory_ms=config.memory_ms, start_ms=start_ms)
        self._uncounted_rtp = 0
        self.target_ms = start_ms
        """The delay aimed at, in milliseconds."""
        self.restart()

    def restart(self) -> None:
        """Forget what packets were relative to: another clock has taken over. The target stays."""
        self._fastest = FastestPacket()
        self._availability = Availability(ms_to_rtp(self._config.max_ms))

    def observe(
        self,
        packet: BufferedPacket,
        copies: Collection[BufferedPacket],
        now: float,
        tell: Callable[[int], Told],
    ) -> float:
        """Take in a packet, as `Availability.observe` does.

        Returns:
            How much later, in milliseconds, every delay that was measured before counts from now on: a faster packet
            than all before has come, or the fastest one is long ago.
        """
        before_ms = self._fastest.offset_ms
        if not self._fastest.observe(now - rtp_to_ms(packet.timestamp), now):
            return 0.0
        offset_ms = self._fastest.offset_ms
        assert offset_ms is not None, "a packet was taken in"
        moved_ms = 0.0 if before_ms is None else before_ms - offset_ms
        if moved_ms:
            self._histogram.shift(moved_ms)
        is_longer = bool(moved_ms)
        found = self._availability.observe(packet, copies, tell)
        for timestamp, duration_rtp in found:
            delay_ms = now - rtp_to_ms(timestamp) - offset_ms
            self._histogram.add(delay_ms, rtp_to_ms(duration_rtp))
            self._uncounted_rtp += duration_rtp
            is_longer = is_longer or delay_ms > self.target_ms
        if is_longer or self._uncounted_rtp >= _INTERVAL_RTP:
            self._uncounted_rtp = 0
            quantile_ms = self._histogram.quantile_ms(self._config.quantile)
            self.target_ms = min(max(quantile_ms, self._config.min_ms), self._config.max_ms)
        return moved_ms

    def delay_ms(self, timestamp: int, now: float) -> float | None:
        """Return how late a time is now, below 0 if no packet could be there yet; None before any has come."""
        offset_ms = self._fastest.offset_ms
        return None if offset_ms is None else now - rtp_to_ms(timestamp) - offset_ms
