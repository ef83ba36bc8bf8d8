"""Sources that are not heard and might be, if the one that is falls silent. Their number is bounded.

```
 packet --> known? plausible? --> probation passed? --> the packets that passed it, to be played
```
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from dred.rtp import RtpPacket, Standing
from dred.session.heard_source import Continuity, HeardSource, SourceKey

__all__ = ["Candidates"]


@dataclass(slots=True)
class _Candidate:
    source: HeardSource
    # Those of the probation that goes on, with their times of arrival.
    held: list[tuple[RtpPacket, float]] = field(default_factory=list)


class Candidates:
    """Sources on probation, the one heard longest ago first."""

    def __init__(self, *, max_candidates: int, min_sequential: int) -> None:
        """Start without any."""
        self._max_candidates = max_candidates
        self._min_sequential = min_sequential
        self._known: OrderedDict[SourceKey, _Candidate] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def receive(
        self, key: SourceKey, packet: RtpPacket, now: float
    ) -> tuple[HeardSource, list[tuple[RtpPacket, float]]] | None:
        """Take a packet into account.

        Returns:
            The source and its latest packets, with their times of arrival, if it has passed its probation; else None.
        """
        candidate = self._known.get(key)
        continuity = Continuity.FOREIGN
        if candidate is not None:
            continuity = candidate.source.judge(packet.sequence, packet.timestamp, now)
        if candidate is None or continuity is Continuity.FOREIGN:
            candidate = _Candidate(HeardSource(key, min_sequential=self._min_sequential))
            self._remember(key, candidate)
        elif continuity is not Continuity.NEW:
            return None
        was_valid = candidate.source.reception.is_valid
        self._known.move_to_end(key)
        standing = candidate.source.accept(packet.sequence, packet.timestamp, now)
        if was_valid or not self._continues(candidate, packet):
            candidate.held.clear()
        candidate.held.append((packet, now))
        return (candidate.source, candidate.held) if standing is Standing.VALID else None

    def remove(self, key: SourceKey) -> None:
        """Forget a source: it is heard now."""
        self._known.pop(key, None)

    def _remember(self, key: SourceKey, candidate: _Candidate) -> None:
        self._known[key] = candidate
        if len(self._known) > self._max_candidates:
            self._known.popitem(last=False)

    @staticmethod
    def _continues(candidate: _Candidate, packet: RtpPacket) -> bool:
        return bool(candidate.held) and candidate.held[-1][0].sequence == (packet.sequence - 1) & 0xFFFF
