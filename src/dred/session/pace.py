"""How often things happen: a bucket of tokens for what arrives, a randomised timer for reports."""

import numpy as np

__all__ = ["ReportTimer", "TokenBucket"]

# Source: RFC 3550 section 6.3.1: intervals vary from half to one and a half, and their mean is made up for.
_SHORTEST_SHARE, _LONGEST_SHARE = 0.5, 1.5
_COMPENSATION = 2.71828 - 1.5


class TokenBucket:
    """Let so many through per second, and after a quiet time twice as many at once."""

    def __init__(self, rate_per_s: int) -> None:
        self._rate_per_ms = rate_per_s / 1000
        self._size = self._tokens = 2.0 * rate_per_s
        self._last_ms: float | None = None

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        if self._last_ms is not None:
            self._tokens = min(self._size, self._tokens + max(now - self._last_ms, 0.0) * self._rate_per_ms)
        self._last_ms = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class ReportTimer:
    """When the next report is due.

    The 5 seconds of RFC 3550 become the interval given: about one second, as WebRTC clients do.
    """

    def __init__(self, interval_ms: float, rng: np.random.Generator) -> None:
        self._interval_ms = interval_ms
        self._rng = rng
        self._due_ms: float | None = None

    def is_due(self, now: float) -> bool:
        """Tell whether a report is due, once for each; the first one comes after half an interval."""
        if self._due_ms is None:
            self._due_ms = now + self._draw_ms() / 2
        if now < self._due_ms:
            return False
        self._due_ms = now + self._draw_ms()
        return True

    def _draw_ms(self) -> float:
        return self._interval_ms * float(self._rng.uniform(_SHORTEST_SHARE, _LONGEST_SHARE)) / _COMPENSATION
