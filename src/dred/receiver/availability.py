"""When content becomes available, in any form: the packet itself, or a copy, in-band FEC or DRED in a later one.

packet in order ----------------------------> its own time is there
numbers are missing before it --> holes ----> filled by what comes: late packets, copies, LBRR, DRED
                                     |------> a pause, as DRED tells: there is nothing to wait for
                                     '------> too old for all of them: waiting would not have paid
"""

from collections import deque
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from dred.receiver.buffer import BufferedPacket
from dred.receiver.coverage import Told

# Gaps are filled in steps of this length at most; what a step starts with must be there for all of it.
_LONGEST_STEP_RTP: Final = 960


class Stretch(NamedTuple):
    """A stretch of content, in RTP ticks."""

    timestamp: int
    duration_rtp: int


class Availability:
    """Which content has not come yet."""

    def __init__(self, longest_rtp: int) -> None:
        """Start before the first packet; an outage that is longer than a time cannot be bridged and is left out."""
        self._longest_rtp = longest_rtp
        self._holes: deque[Stretch] = deque()
        self._end: int | None = None
        self._sequence = 0

    def observe(
        self, packet: BufferedPacket, copies: Collection[BufferedPacket], tell: Callable[[int], Told]
    ) -> list[Stretch]:
        """Take in a packet and return what has become available with it.

        Args:
            packet: The packet.
            copies: RED copies of earlier packets that came with it.
            tell: What its deep redundancy tells about the 10 ms from a timestamp on.
        """
        start, duration_rtp = packet.timestamp, packet.duration_rtp
        end = start + duration_rtp
        is_newest = self._end is None or start >= self._end
        if is_newest:
            # Numbers in a row over a gap in time are a sender's pause.
            if self._end is not None and packet.sequence != self._sequence + 1:
                self._open(self._end, start, step_rtp=min(duration_rtp, _LONGEST_STEP_RTP))
            self._end, self._sequence = end, packet.sequence
        elif not any(start <= hole.timestamp < end for hole in self._holes):
            # It has been here before, or what it brings has.
            return []
        found = [Stretch(start, duration_rtp)] if is_newest else []
        if not self._holes:
            return found
        spans = [(copy.timestamp, copy.timestamp + copy.duration_rtp) for copy in copies]
        spans.append((start - packet.lbrr_reach_rtp, end))
        still_open: deque[Stretch] = deque()
        for hole in self._holes:
            is_there = any(first <= hole.timestamp < last for first, last in spans)
            told = Told.SPEECH if is_there else tell(hole.timestamp) if hole.timestamp < start else Told.NOTHING
            if told is Told.SPEECH:
                found.append(hole)
            elif told is Told.NOTHING:
                still_open.append(hole)
        self._holes = still_open
        return found

    def _open(self, start: int, end: int, *, step_rtp: int) -> None:
        while self._holes and self._holes[0].timestamp < end - self._longest_rtp:
            self._holes.popleft()
        if end - start <= self._longest_rtp:
            for timestamp in range(start, end, step_rtp):
                self._holes.append(Stretch(timestamp, min(step_rtp, end - timestamp)))
