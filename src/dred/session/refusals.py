"""Datagrams that were not used, counted by reason instead of told one by one: floods stay small."""

from collections import Counter
from collections.abc import Mapping

from dred.session.events import DatagramsRefused, Refusal

__all__ = ["Refusals"]


class Refusals:
    """Counts since the beginning, and since the last event."""

    def __init__(self) -> None:
        self._counts: Counter[Refusal] = Counter()
        self._told: Counter[Refusal] = Counter()

    def count(self, reason: Refusal) -> None:
        """Take note of a datagram."""
        self._counts[reason] += 1

    def totals(self) -> Mapping[Refusal, int]:
        """Return the counts since the beginning."""
        return dict(self._counts)

    def tell(self) -> list[DatagramsRefused]:
        """Return one event per reason for what has come since the last call."""
        news = self._counts - self._told
        if news:
            self._told = self._counts.copy()
        return [DatagramsRefused(reason=reason, num_datagrams=count) for reason, count in news.items()]
