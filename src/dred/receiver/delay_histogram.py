"""How late content was of late: a histogram over a window that moves on with what is counted."""

from collections import deque
from typing import Final

import numpy as np

BIN_MS: Final = 5.0
"""Source: our choice; WebRTC's NetEq counts in bins of 20 ms, but a pitch period is 2.5 to 15 ms."""

# Windows end at once, where weights that fade would keep a bad minute's delay for another: a quantile of 0.995 asks for
# the last 0.5 % of it to go. So many parts of a window, the oldest of which goes when a new one begins.
_NUM_PARTS: Final = 5


class DelayHistogram:
    """Delays in bins of 5 ms."""

    def __init__(self, *, max_ms: float, memory_ms: float, start_ms: float) -> None:
        """Start with a guess.

        Args:
            max_ms: Longest delay that is counted.
            memory_ms: How much content is looked back at.
            start_ms: The guess, which weighs as much as 20 ms of content.
        """
        self._num_bins = int(max_ms / BIN_MS) + 1
        self._part_ms = memory_ms / _NUM_PARTS
        self._parts = deque([np.zeros(self._num_bins)], maxlen=_NUM_PARTS)
        self._counted_ms = 0.0
        self._carry_ms = 0.0
        self.add(start_ms, 20.0)

    def add(self, delay_ms: float, duration_ms: float) -> None:
        """Count a stretch of content that was late by a delay, at least 0; longer ones than the longest do not count.

        Nobody can wait for those, so that they say nothing about how long to wait.
        """
        place = int(delay_ms / BIN_MS)
        if place >= self._num_bins:
            return
        if self._counted_ms >= self._part_ms:
            self._counted_ms = 0.0
            self._parts.append(np.zeros(self._num_bins))
        self._counted_ms += duration_ms
        self._parts[-1][place] += duration_ms

    def shift(self, by_ms: float) -> None:
        """Move everything that was counted, later or earlier: what delays are relative to has moved."""
        self._carry_ms += by_ms
        num_bins = round(self._carry_ms / BIN_MS)
        if not num_bins:
            return
        self._carry_ms -= num_bins * BIN_MS
        places = np.clip(np.arange(self._num_bins) + num_bins, 0, self._num_bins - 1)
        for part in self._parts:
            moved = np.zeros(self._num_bins)
            np.add.at(moved, places, part)
            part[:] = moved

    def quantile_ms(self, quantile: float) -> float:
        """Return a delay within which a share of the content was there: the upper edge of a bin."""
        reached = np.cumsum(np.sum(self._parts, axis=0))
        # The sums are rounded, so that the last one may fall short of the whole by a hair.
        place = min(int(np.searchsorted(reached, quantile * reached[-1])), self._num_bins - 1)
        return (place + 1) * BIN_MS
