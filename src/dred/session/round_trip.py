"""Round trips from times that were sent and came back.

Source: RFC 3550 section 6.4.1 (figure 2), RFC 3611 section 4.5.
"""

from collections import deque

from dred.rtp import rtcp

__all__ = ["RoundTrips"]

_REMEMBERED = 32
_MAX_ROUND_TRIP_MS = 60_000


class RoundTrips:
    """The times that were sent lately. What others claim to have heard counts only if it is one of them."""

    def __init__(self) -> None:
        self._sent: deque[int] = deque(maxlen=_REMEMBERED)

    def remember(self, ntp: int) -> None:
        """Take note of a time that is being sent, 64 bits of NTP."""
        self._sent.append(rtcp.compact_ntp(ntp))

    def measure_ms(self, last: int, delay: int, ntp: int) -> float | None:
        """Return the round trip, or None if it cannot be told.

        Args:
            last: The time that was heard, middle 32 bits of NTP.
            delay: How long ago the other side heard it, in 1/65536 s.
            ntp: Time of arrival, 64 bits of NTP.
        """
        if last not in self._sent:
            return None
        units = (rtcp.compact_ntp(ntp) - last - delay) & 0xFFFFFFFF
        round_trip_ms = rtcp.compact_ntp_to_ms(units)
        return round_trip_ms if round_trip_ms <= _MAX_ROUND_TRIP_MS else None
