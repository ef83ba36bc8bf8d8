"""How late content was of late: a histogram that forgets."""

import math
from typing import Final

import numpy as np

BIN_MS: Final = 5.0
"""Source: our choice; WebRTC's NetEq counts in bins of 20 ms, but a pitch period is 2.5 to 15 ms."""

_LARGEST_UNIT: Final = 1e100


class DelayHistogram:
    """Delays in bins of 5 ms, each worth less with everything that comes after it."""

    def __init__(self, *, max_ms: float, memory_ms: float, start_ms: float) -> None:
        """Start with a guess.

        Args:
            max_ms: Longest delay that is counted.
            memory_ms: After so much content a delay is worth 1/e of what it was.
            start_ms: The guess, which weighs as much as 20 ms of content.
        """
        self._weights = np.zeros(int(max_ms / BIN_MS) + 1)
        self._memory_ms = memory_ms
        self._unit = 1.0
        self._carry_ms = 0.0
        self.add(start_ms, 20.0)

    def add(self, delay_ms: float, duration_ms: float) -> None:
        """Count a stretch of content that was late by a delay, at least 0; longer ones than the longest do not count.

        Nobody can wait for those, so that they say nothing about how long to wait.
        """
        place = int(delay_ms / BIN_MS)
        if place < len(self._weights):
            # Instead of what was counted becoming less, what is counted becomes more.
            self._unit *= math.exp(duration_ms / self._memory_ms)
            if self._unit > _LARGEST_UNIT:
                self._weights /= self._unit
                self._unit = 1.0
            self._weights[place] += duration_ms * self._unit

    def shift(self, by_ms: float) -> None:
        """Move everything that was counted, later or earlier: what delays are relative to has moved."""
        self._carry_ms += by_ms
        num_bins = round(self._carry_ms / BIN_MS)
        if not num_bins:
            return
        self._carry_ms -= num_bins * BIN_MS
        size = len(self._weights)
        weights = np.zeros(size)
        np.add.at(weights, np.clip(np.arange(size) + num_bins, 0, size - 1), self._weights)
        self._weights = weights

    def quantile_ms(self, quantile: float) -> float:
        """Return a delay within which a share of the content was there: the upper edge of a bin."""
        reached = np.cumsum(self._weights)
        # The sums are rounded, so that the last one may fall short of the whole by a hair.
        place = min(int(np.searchsorted(reached, quantile * reached[-1])), len(reached) - 1)
        return (place + 1) * BIN_MS
