"""Scores that add up: of a clip, of a part of it, of a thousand clips."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

__all__ = ["NO_SCORE", "Score", "total_score"]


@dataclass(frozen=True, slots=True)
class Score:
    """A sum of what was measured, and over how much it was summed.

    Attributes:
        total: The sum: an opinion, word errors, decibels over gaps.
        weight: What it is divided by, at least 0: 1 for a whole clip, words, gaps, frames. 0: nothing to measure.
    """

    total: float
    weight: float = 1.0

    @property
    def value(self) -> float | None:
        """The mean, or None where there was nothing to measure."""
        return self.total / self.weight if self.weight else None

    def __add__(self, other: "Score") -> "Score":
        return Score(self.total + other.total, self.weight + other.weight)


NO_SCORE = Score(0.0, 0.0)
"""There was nothing to measure."""


def total_score(scores: Iterable[Score]) -> Score:
    """Add scores up, none to `NO_SCORE`."""
    return reduce(add, scores, NO_SCORE)
