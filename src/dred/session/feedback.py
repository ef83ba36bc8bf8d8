"""What listeners say about a stream, believed as far as it can be true.

```
 RTCP --> about this stream? about packets that were sent? newer than what is known? --> controller, statistics
```
"""

from collections.abc import Callable
from dataclasses import dataclass

from dred.rtp import rtcp
from dred.session.control import ReceiverReport, RedundancyControl
from dred.session.events import Refusal, ReportHeard, SenderEvent, SourceEnded
from dred.session.round_trip import RoundTrips
from dred.timebase import RTP_TICKS_PER_MS

__all__ = ["Feedback", "Reference"]

_SEQUENCES = 1 << 16
# Reports about packets that were sent longer ago are not believed: our choice, a minute of packets of 20 ms.
_REPORTABLE_PACKETS = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A listener's time, middle 32 bits of NTP, and when it was heard."""

    ssrc: int
    compact_ntp: int
    heard_ms: float


class Feedback:
    """The reports about one stream."""

    def __init__(self, ssrc: int, controller: RedundancyControl | None, report: Callable[[SenderEvent], None]) -> None:
        """Start before any report; `report` takes what is worth telling."""
        self.round_trips = RoundTrips()
        self.last_heard: ReportHeard | None = None
        self.reference: Reference | None = None
        self._ssrc = ssrc
        self._controller = controller
        self._report = report
        self._last_sequence: int | None = None
        self._num_sent = 0
        # Packets are counted from 0: those below have been told about.
        self._reported_to = 0
        self._settled_to = 0

    def sent(self, sequence: int) -> None:
        """Take note of the sequence number of the next packet."""
        self._last_sequence = sequence
        self._num_sent += 1

    def hear(self, packet: rtcp.RtcpPacket, now: float, ntp: int) -> Refusal | None:
        """Take in a packet of the other side, which arrives at a time of 64 bits of NTP."""
        match packet:
            case rtcp.ReceiverReport() | rtcp.SenderReport():
                for block in packet.blocks:
                    if block.ssrc == self._ssrc and not self._hear_block(block, now, ntp):
                        return Refusal.OUTDATED
            case rtcp.ExtendedReport():
                for told in packet.blocks:
                    if isinstance(told, rtcp.LossRle) and told.ssrc == self._ssrc:
                        self._hear_losses(told, now)
                    elif isinstance(told, rtcp.ReceiverReferenceTime):
                        time = rtcp.compact_ntp(told.ntp)
                        self.reference = Reference(ssrc=packet.ssrc, compact_ntp=time, heard_ms=now)
            case rtcp.Goodbye():
                for ssrc in packet.ssrcs:
                    self._report(SourceEnded(ssrc=ssrc, reason=packet.reason))
        return None

    def _hear_block(self, block: rtcp.ReportBlock, now: float, ntp: int) -> bool:
        highest = self._index_of(block.highest_sequence % _SEQUENCES)
        if highest is None or highest < self._reported_to:
            return False
        self._reported_to = highest
        round_trip_ms = self.round_trips.measure_ms(block.last_sr, block.delay_since_last_sr, ntp)
        if round_trip_ms is None and self.last_heard is not None:
            round_trip_ms = self.last_heard.round_trip_ms
        heard = ReportHeard(
            fraction_lost=block.fraction_lost_q8 / 256,
            num_lost=block.cumulative_lost,
            jitter_ms=block.jitter_rtp / RTP_TICKS_PER_MS,
            round_trip_ms=round_trip_ms,
        )
        self.last_heard = heard
        self._report(heard)
        if self._controller is not None:
            report = ReceiverReport(
                fraction_lost=heard.fraction_lost, jitter_ms=heard.jitter_ms, round_trip_ms=round_trip_ms
            )
            self._controller.observe_report(report, now)
        return True

    def _hear_losses(self, block: rtcp.LossRle, now: float) -> None:
        """Pass on which packets were lost, each one once: blocks overlap, in case one is lost itself."""
        first = self._index_of(block.first_sequence)
        if first is None or first + len(block.received) > self._num_sent:
            return
        lost = [not is_in for is_in in block.received[max(self._settled_to - first, 0) :]]
        if lost:
            self._settled_to = first + len(block.received)
            if self._controller is not None:
                self._controller.observe_losses(lost, now)

    def _index_of(self, sequence: int) -> int | None:
        """Return which packet has a sequence number; None if none of the last ones has."""
        if self._last_sequence is None:
            return None
        back = (self._last_sequence - sequence) % _SEQUENCES
        index = self._num_sent - 1 - back
        return index if back < _REPORTABLE_PACKETS and index >= 0 else None
