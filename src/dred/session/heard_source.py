"""One source of RTP as it is heard: does a packet continue it, has it come before, what has arrived.

A packet continues a stream if its sequence number and its timestamp agree with each other and with the time that has
passed. Who cannot see the stream has to guess 80 bits to be taken for it.
"""

from enum import Enum
from typing import NamedTuple

from dred.rtp import ReceptionStatistics, Standing, rtcp
from dred.timebase import RTP_TICKS_PER_MS, ms_to_rtp

__all__ = ["Continuity", "HeardSource", "SourceKey"]

_SEQUENCES, _TIMESTAMPS = 1 << 16, 1 << 32
# How far back packets are told apart: more than any delay, 5 s of packets of 10 ms. Our choice.
_WINDOW_PACKETS = 512
# Ahead of time a burst of so many may come, beside one packet per 2.5 ms that have passed.
_MAX_BURST_PACKETS = 200
_MAX_DROPOUT_PACKETS = 3000
# Source: RFC 6716 section 3.2: packets last 2.5 to 120 ms.
_SHORTEST_PACKET_RTP, _LONGEST_PACKET_RTP = 120, 5760
_SHORTEST_PACKET_MS = 2.5
# Clocks of both sides may disagree by so much over a pause.
_SLACK_RTP = ms_to_rtp(1_000)
# The newest packets may still be overtaken by older ones: they are reported on the next time.
_UNSETTLED_PACKETS = 2


class SourceKey(NamedTuple):
    """What tells sources apart: where datagrams come from, and their SSRC."""

    address: object
    ssrc: int


class Continuity(Enum):
    """How a packet relates to what was heard before."""

    NEW = "new"
    REPLAYED = "replayed"
    OUTDATED = "outdated"
    FOREIGN = "foreign"


class HeardSource:
    """One source, on probation at first."""

    def __init__(self, key: SourceKey, *, min_sequential: int) -> None:
        """Start before its first packet."""
        self.key = key
        self.last_heard_ms = float("-inf")
        self.has_said_goodbye = False
        self.cname: str | None = None
        self._statistics = ReceptionStatistics(min_sequential=min_sequential, max_dropout=_MAX_DROPOUT_PACKETS)
        # Unwrapped. Bit n of `_arrived` is the packet n before the highest.
        self._highest: int | None = None
        self._highest_timestamp = 0
        self._highest_ms = 0.0
        self._arrived = 0
        # Where the last two reports about losses ended.
        self._reported_to: list[int] = []
        self._last_report: tuple[int, float] | None = None

    @property
    def reception(self) -> ReceptionStatistics:
        """Loss and jitter."""
        return self._statistics

    def judge(self, sequence: int, timestamp: int, now: float) -> Continuity:
        """Tell how a packet relates to what was heard before; nothing changes."""
        if self._highest is None:
            return Continuity.NEW
        ahead = _signed(sequence - self._highest, _SEQUENCES)
        ahead_rtp = _signed(timestamp - self._highest_timestamp, _TIMESTAMPS)
        elapsed_ms = max(now - self._highest_ms, 0.0)
        if ahead > min(_MAX_DROPOUT_PACKETS - 1, _MAX_BURST_PACKETS + elapsed_ms / _SHORTEST_PACKET_MS):
            return Continuity.FOREIGN
        if not _is_plausible(ahead, ahead_rtp, round(elapsed_ms * RTP_TICKS_PER_MS) + _SLACK_RTP):
            return Continuity.FOREIGN
        if ahead <= -_WINDOW_PACKETS:
            return Continuity.OUTDATED
        if ahead <= 0 and self._arrived >> -ahead & 1:
            return Continuity.REPLAYED
        return Continuity.NEW

    def accept(self, sequence: int, timestamp: int, now: float) -> Standing:
        """Take a new packet into account."""
        if self._highest is None:
            self._highest = sequence
            self._reported_to = [sequence]
            self._advance(0, timestamp, now)
        else:
            ahead = _signed(sequence - self._highest, _SEQUENCES)
            if ahead > 0:
                self._advance(ahead, timestamp, now)
            else:
                self._arrived |= 1 << -ahead
        self.last_heard_ms = now
        return self._statistics.receive(sequence, timestamp, now)

    def hear_report(self, ntp: int, now: float) -> None:
        """Take note of a sender report's time."""
        self._last_report = (rtcp.compact_ntp(ntp), now)

    def report_block(self, now: float) -> rtcp.ReportBlock:
        """Tell about the time since the last report."""
        last_sr, heard_ms = self._last_report or (0, now)
        delay = rtcp.ms_to_compact_ntp(now - heard_ms) if self._last_report else 0
        return self._statistics.report(self.key.ssrc, last_sr=last_sr, delay_since_last_sr=delay)

    def loss_block(self) -> rtcp.LossRle | None:
        """Tell which packets have arrived since the last report but one, so that a report may be lost."""
        if self._highest is None:
            return None
        end = self._highest + 1 - _UNSETTLED_PACKETS
        start = max(self._reported_to[0], self._highest + 1 - _WINDOW_PACKETS)
        self._reported_to = [*self._reported_to[-1:], max(start, end)]
        if end <= start:
            return None
        received = tuple(bool(self._arrived >> (self._highest - number) & 1) for number in range(start, end))
        return rtcp.LossRle(ssrc=self.key.ssrc, first_sequence=start % _SEQUENCES, received=received)

    def _advance(self, ahead: int, timestamp: int, now: float) -> None:
        assert self._highest is not None
        self._highest += ahead
        self._highest_timestamp = timestamp
        self._highest_ms = now
        self._arrived = (self._arrived << ahead | 1) & ((1 << _WINDOW_PACKETS) - 1)


def _is_plausible(ahead: int, ahead_rtp: int, allowance_rtp: int) -> bool:
    """Tell whether timestamps differ by what the packets in between can last, or by a pause."""
    if ahead == 0:
        return ahead_rtp == 0
    distance, distance_rtp = (ahead, ahead_rtp) if ahead > 0 else (-ahead, -ahead_rtp)
    return distance * _SHORTEST_PACKET_RTP <= distance_rtp <= distance * _LONGEST_PACKET_RTP + allowance_rtp


def _signed(difference: int, modulus: int) -> int:
    """Read a difference as the shorter way around."""
    half = modulus // 2
    return (difference + half) % modulus - half
