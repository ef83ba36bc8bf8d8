"""How a source is heard: is it one, how much is lost, how much does transit time vary.

    sequence, timestamp, time of arrival --receive--> is it valid?          report --> loss and jitter

Source: RFC 3550 appendices A.1 (probation, wrap-around), A.3 (loss) and A.8 (jitter).
"""

from dataclasses import dataclass
from enum import Enum

from dred.errors import UsageError
from dred.rtp.rtcp import ReportBlock
from dred.timebase import RTP_TICKS_PER_MS

__all__ = ["Reception", "ReceptionStatistics", "Standing"]

_SEQUENCES = 1 << 16
_TIMESTAMPS = 1 << 32
_JITTER_SHARE = 16
_LOST_RANGE = 1 << 23


class Standing(Enum):
    """What a packet means for its source."""

    PROBATION = "probation"
    VALID = "valid"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """How a source has been heard from its first valid packet on.

    Attributes:
        num_received: Packets, late ones and duplicates included.
        num_expected: Packets, by their sequence numbers.
        highest_sequence: Highest sequence number plus 65536 for each wrap-around.
        jitter_rtp: Interarrival jitter in RTP ticks.
    """

    num_received: int
    num_expected: int
    highest_sequence: int
    jitter_rtp: float

    @property
    def num_lost(self) -> int:
        """Packets that are missing; duplicates can make it negative."""
        return self.num_expected - self.num_received


class ReceptionStatistics:
    """One source, packet by packet."""

    def __init__(self, *, min_sequential: int = 2, max_dropout: int = 3000, max_misorder: int = 100) -> None:
        """Start on probation.

        Args:
            min_sequential: Packets in a row that make a source valid, at least 1.
            max_dropout: Largest jump ahead, in packets.
            max_misorder: Largest jump back. A larger jump is taken for a restart once two packets in a row make it.
        """
        if min_sequential < 1:
            raise UsageError(f"min_sequential must be at least 1, got {min_sequential}")
        if not 1 <= max_misorder <= max_dropout < _SEQUENCES - max_misorder:
            raise UsageError(f"max_misorder and max_dropout must lie in 1-32767, got {max_misorder} and {max_dropout}")
        self._max_dropout = max_dropout
        self._max_misorder = max_misorder
        self._min_sequential = self._probation = min_sequential
        self._highest: int | None = None
        self._suspicious: int | None = None
        self._transit_rtp: int | None = None
        self._expected_before = self._received_before = 0
        self._restart(0)

    @property
    def is_valid(self) -> bool:
        """Whether the source has passed its probation."""
        return self._probation == 0

    @property
    def reception(self) -> Reception:
        """How the source has been heard so far."""
        is_counted = self.is_valid and self._highest is not None
        return Reception(
            num_received=self._num_received,
            num_expected=self._extended_highest() - self._base + 1 if is_counted else 0,
            highest_sequence=self._extended_highest() if is_counted else 0,
            jitter_rtp=self._jitter_rtp,
        )

    def receive(self, sequence: int, timestamp: int, arrival_ms: float) -> Standing:
        """Take a packet into account.

        Args:
            sequence: 16 bit.
            timestamp: 32 bit.
            arrival_ms: On any clock that never goes back.
        """
        standing = self._judge(sequence)
        if standing is Standing.VALID:
            self._num_received += 1
            self._measure_jitter(timestamp, arrival_ms)
        return standing

    def report(self, ssrc: int, *, last_sr: int = 0, delay_since_last_sr: int = 0) -> ReportBlock:
        """Tell about the time since the last report; the next one begins here."""
        now = self.reception
        expected = now.num_expected - self._expected_before
        lost = expected - (now.num_received - self._received_before)
        self._expected_before, self._received_before = now.num_expected, now.num_received
        fraction_q8 = min(256 * lost // expected, 0xFF) if expected > 0 and lost > 0 else 0
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost_q8=fraction_q8,
            cumulative_lost=min(max(now.num_lost, -_LOST_RANGE), _LOST_RANGE - 1),
            highest_sequence=now.highest_sequence & 0xFFFFFFFF,
            jitter_rtp=int(now.jitter_rtp),
            last_sr=last_sr,
            delay_since_last_sr=delay_since_last_sr,
        )

    def _judge(self, sequence: int) -> Standing:
        if self._highest is None:
            self._highest = (sequence - 1) % _SEQUENCES
        ahead = (sequence - self._highest) % _SEQUENCES
        if not self.is_valid:
            return self._judge_on_probation(sequence, ahead)
        if ahead < self._max_dropout:
            if sequence < self._highest:
                self._cycles += _SEQUENCES
            self._highest = sequence
        elif ahead <= _SEQUENCES - self._max_misorder:
            if sequence != self._suspicious:
                self._suspicious = (sequence + 1) % _SEQUENCES
                return Standing.REFUSED
            # Two in a row: the other side has started anew.
            self._restart(sequence)
        return Standing.VALID

    def _judge_on_probation(self, sequence: int, ahead: int) -> Standing:
        self._probation = self._probation - 1 if ahead == 1 else self._min_sequential - 1
        self._highest = sequence
        if self._probation:
            return Standing.PROBATION
        self._restart(sequence)
        return Standing.VALID

    def _restart(self, sequence: int) -> None:
        if self.is_valid:
            self._highest = sequence
        self._base = sequence
        self._cycles = 0
        self._num_received = 0
        self._expected_before = self._received_before = 0
        self._suspicious = None
        self._jitter_rtp = 0.0
        self._transit_rtp = None

    def _extended_highest(self) -> int:
        assert self._highest is not None
        return self._cycles + self._highest

    def _measure_jitter(self, timestamp: int, arrival_ms: float) -> None:
        transit_rtp = round(arrival_ms * RTP_TICKS_PER_MS) - timestamp
        if self._transit_rtp is not None:
            half = _TIMESTAMPS // 2
            difference = abs((transit_rtp - self._transit_rtp + half) % _TIMESTAMPS - half)
            self._jitter_rtp += (difference - self._jitter_rtp) / _JITTER_SHARE
        self._transit_rtp = transit_rtp
