"""When to play faster or slower: the delay that is left for late content, against the target.

Only the least delay of the last second or two counts: a sound card that asks in bursts asks early at times, and that is
when content must be there.

    least delay     < target - 2 ms     2 ms below to 10 ms above     more: the further, the sooner and the bolder
                    repeat periods      leave alone                   leave out periods, never below the target

Source: our choice.
"""

from typing import Final, NamedTuple

from dred.receiver.time_scaling import Care

_WINDOW_MS: Final = 1_000.0
_SLACK_BELOW_MS: Final = 2.0
_SLACK_ABOVE_MS: Final = 10.0
_FAR_MS: Final = 60.0
_VERY_FAR_MS: Final = 200.0
# Between two changes so much is played as it is: one period of 8 ms in 40 ms is a fifth faster or slower.
_SELDOM_MS: Final = 40.0
_OFTEN_MS: Final = 20.0


class LeastDelay:
    """The least of the delays measured in this second and the one before."""

    def __init__(self) -> None:
        """Start without a measurement."""
        self._number = 0
        self._before: float | None = None
        self._current: float | None = None

    @property
    def value_ms(self) -> float | None:
        """The least delay; None if nothing was measured."""
        if self._before is None or self._current is None:
            return self._before if self._current is None else self._current
        return min(self._before, self._current)

    def measure(self, delay_ms: float, now: float) -> None:
        """Take in a delay."""
        number = int(now // _WINDOW_MS)
        if number != self._number:
            self._before = self._current if number == self._number + 1 else None
            self._current = None
            self._number = number
        self._current = delay_ms if self._current is None else min(self._current, delay_ms)

    def shift(self, by_ms: float) -> None:
        """Follow a change of all delays."""
        self._before = None if self._before is None else self._before + by_ms
        self._current = None if self._current is None else self._current + by_ms

    def forget(self) -> None:
        """Start anew."""
        self._before = self._current = None


class Change(NamedTuple):
    """What to do to the delay.

    Attributes:
        excess_ms: How much longer than the target it is; if negative, shorter.
        care: How alike the signal must be at a join.
    """

    excess_ms: float
    care: Care


def choose_change(least_ms: float | None, target_ms: float, *, since_last_ms: float) -> Change | None:
    """Return what to do to the delay now, or None to leave it.

    Args:
        least_ms: The least delay measured lately.
        target_ms: The target.
        since_last_ms: How much was played since the last change.
    """
    if least_ms is None:
        return None
    excess_ms = least_ms - target_ms
    if -_SLACK_BELOW_MS <= excess_ms <= _SLACK_ABOVE_MS:
        return None
    if since_last_ms < (_OFTEN_MS if abs(excess_ms) > _FAR_MS else _SELDOM_MS):
        return None
    care = Care.GENTLE
    if excess_ms > _VERY_FAR_MS:
        care = Care.FORCED
    elif abs(excess_ms) > _FAR_MS:
        care = Care.FIRM
    return Change(excess_ms, care)
