"""What delays are relative to: the fastest packet seen lately.

A packet's offset is its time of arrival less its timestamp. The least one of the last seconds is that of a packet that
waited nowhere. Over a window it follows a drifting clock in both directions: 200 ppm are 2 ms in ten seconds.
"""

from collections import deque
from typing import Final

_BUCKET_MS: Final = 1_000.0
_NUM_BUCKETS: Final = 10
# A packet that is ahead of all others by more is a wild timestamp, until so many in a row agree about that. Our choice.
_MAX_LEAD_MS: Final = 30.0
_NUM_IN_AGREEMENT: Final = 5
_MAX_DISAGREEMENT_MS: Final = 50.0


class FastestPacket:
    """The least offset of the last ten seconds."""

    def __init__(self) -> None:
        """Start before the first packet."""
        self._buckets: deque[tuple[int, float]] = deque(maxlen=_NUM_BUCKETS)
        self._num_ahead = 0
        self._ahead_ms = 0.0
        self.offset_ms: float | None = None
        """The least offset in milliseconds; None before the first packet."""

    def observe(self, offset_ms: float, now: float) -> bool:
        """Take in a packet's offset; return whether its time is to be believed."""
        if self.offset_ms is not None and offset_ms < self.offset_ms - _MAX_LEAD_MS:
            agrees = self._num_ahead and abs(offset_ms - self._ahead_ms) <= _MAX_DISAGREEMENT_MS
            self._num_ahead = self._num_ahead + 1 if agrees else 1
            self._ahead_ms = offset_ms
            if self._num_ahead < _NUM_IN_AGREEMENT:
                return False
        self._num_ahead = 0
        number = int(now // _BUCKET_MS)
        if not self._buckets or self._buckets[-1][0] != number:
            while self._buckets and self._buckets[0][0] <= number - _NUM_BUCKETS:
                self._buckets.popleft()
            self._buckets.append((number, offset_ms))
            self.offset_ms = min(least for _, least in self._buckets)
        elif offset_ms < self._buckets[-1][1]:
            self._buckets[-1] = number, offset_ms
            self.offset_ms = min(least for _, least in self._buckets)
        return True
