"""Whether a packet goes on with the stream that plays, and the plain integers that its numbers stand for.

Numbers are taken to be near where playing stands, so that no packet shifts those behind it. One far off belongs to
another stream. That begins once several packets have come whose numbers go on from each other, and none of the old
stream's for a while: a sender that has started anew is followed, a wild timestamp is not.

Source: RFC 3550 appendix A.1 for the probation; the numbers are our choice.
"""

from collections import deque
from typing import Final, NamedTuple

from dred.timebase import ms_to_rtp

_MAX_AHEAD_RTP: Final = ms_to_rtp(2_000)
_MAX_BEHIND_RTP: Final = ms_to_rtp(10_000)
_MAX_DROPOUT: Final = 3_000
_NUM_IN_A_ROW: Final = 3
# So many are remembered: a stream is found among ten times as many packets without any order.
_MAX_OTHERS: Final = 64
_SILENT_MS: Final = 100.0


class Numbers(NamedTuple):
    """Unwrapped numbers of a packet, and whether it begins another stream."""

    sequence: int
    timestamp: int
    is_anew: bool = False


class Continuity:
    """The numbers of one stream's packets."""

    def __init__(self) -> None:
        """Start before the first packet."""
        self._near: Numbers | None = None
        self._others: deque[tuple[Numbers, int]] = deque(maxlen=_MAX_OTHERS)
        self._last_ms = 0.0

    def place(self, sequence: int, timestamp: int, position: int | None, now: float) -> Numbers | None:
        """Return the numbers of a packet of this stream, or None for another's.

        Args:
            sequence: 16 bit.
            timestamp: 32 bit.
            position: Where playing stands, as an unwrapped timestamp; None before it does.
            now: Time of arrival in milliseconds.
        """
        if self._near is None:
            return self._accept(Numbers(sequence, timestamp), now)
        near_timestamp = self._near.timestamp if position is None else position
        sequence = _unwrap(sequence, self._near.sequence, 16)
        timestamp = _unwrap(timestamp, near_timestamp, 32)
        numbers = Numbers(sequence, timestamp)
        if -_MAX_BEHIND_RTP <= timestamp - near_timestamp <= _MAX_AHEAD_RTP:
            return self._accept(numbers, now)
        num_in_a_row = 1 + max((count for other, count in self._others if _follows(numbers, other)), default=0)
        self._others.append((numbers, num_in_a_row))
        if num_in_a_row < _NUM_IN_A_ROW or now - self._last_ms < _SILENT_MS:
            return None
        self._near = None
        self._others.clear()
        return self._accept(Numbers(sequence, timestamp, is_anew=True), now)

    def _accept(self, numbers: Numbers, now: float) -> Numbers:
        if self._near is None or abs(numbers.sequence - self._near.sequence) <= _MAX_DROPOUT:
            self._near = numbers
        self._last_ms = now
        return numbers


def _follows(numbers: Numbers, other: Numbers) -> bool:
    sequence_step = numbers.sequence - other.sequence
    timestamp_step = numbers.timestamp - other.timestamp
    return 0 < sequence_step <= _MAX_DROPOUT and 0 < timestamp_step <= _MAX_AHEAD_RTP


def _unwrap(value: int, near: int, num_bits: int) -> int:
    """Return the integer nearest to another that ends in these bits."""
    half = 1 << (num_bits - 1)
    return near + (value - near + half) % (2 * half) - half
