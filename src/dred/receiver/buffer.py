"""Packets that have arrived and are not played yet, in the order of their time.

The buffer is bounded in number and in time. A copy gives way to the packet itself.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dred.opus import OpusPacket, has_lbrr, parse_packet

if TYPE_CHECKING:
    from dred.receiver.coverage import DecodedRedundancy

MAX_PACKETS = 4096
"""What ten seconds of the shortest packets take: the longest delay, and what files hand in ahead, with room."""


@dataclass(slots=True, kw_only=True, eq=False)
class BufferedPacket:
    """A packet that keeps the rules of Opus, with its place in the stream.

    Attributes:
        payload: The Opus packet.
        parsed: The same, taken apart.
        sequence: Unwrapped sequence number; for a copy, that of the packet that carried it.
        timestamp: Unwrapped RTP timestamp.
        arrived_ms: When it came, in milliseconds.
        is_copy: Whether it came as a RED copy.
        redundancy: What it tells about the past, one item or none; None until somebody has looked.
    """

    payload: bytes
    parsed: OpusPacket
    sequence: int
    timestamp: int
    arrived_ms: float = 0.0
    is_copy: bool = False
    redundancy: "tuple[DecodedRedundancy, ...] | None" = None

    @classmethod
    def from_payload(
        cls, payload: bytes, *, sequence: int, timestamp: int, arrived_ms: float = 0.0, is_copy: bool = False
    ) -> "BufferedPacket":
        """Take a packet apart.

        Raises:
            OpusFormatError: It breaks a rule of Opus.
        """
        parsed = parse_packet(payload)
        return cls(
            payload=payload,
            parsed=parsed,
            sequence=sequence,
            timestamp=timestamp,
            arrived_ms=arrived_ms,
            is_copy=is_copy,
        )

    @property
    def duration_rtp(self) -> int:
        """Duration in RTP ticks."""
        return self.parsed.duration_rtp

    @property
    def lbrr_reach_rtp(self) -> int:
        """How long before its start its in-band FEC begins: by one frame, however many it has; 0 if it has none."""
        return self.parsed.toc.frame_duration_rtp if has_lbrr(self.parsed) else 0

    @property
    def is_dtx(self) -> bool:
        """Whether it says that the sender pauses: frames of at most one byte. Source: RFC 7587 section 3.1.3."""
        return max(map(len, self.parsed.frames)) <= 1


class PacketBuffer:
    """Packets by timestamp."""

    def __init__(self) -> None:
        self._packets: dict[int, BufferedPacket] = {}
        self._timestamps: list[int] = []

    def __len__(self) -> int:
        return len(self._timestamps)

    def __iter__(self) -> Iterator[BufferedPacket]:
        return (self._packets[timestamp] for timestamp in self._timestamps)

    def __contains__(self, timestamp: int) -> bool:
        return timestamp in self._packets

    def add(self, packet: BufferedPacket) -> bool:
        """Add a packet; return False if its time is taken already or the buffer is full."""
        present = self._packets.get(packet.timestamp)
        if present is None:
            if len(self._timestamps) >= MAX_PACKETS:
                return False
            insort(self._timestamps, packet.timestamp)
        elif packet.is_copy or not present.is_copy:
            return False
        self._packets[packet.timestamp] = packet
        return True

    def first(self) -> BufferedPacket | None:
        """Return the packet with the earliest timestamp."""
        return self._packets[self._timestamps[0]] if self._timestamps else None

    def remove(self, packet: BufferedPacket) -> None:
        """Take a packet out."""
        del self._packets[packet.timestamp]
        del self._timestamps[bisect_left(self._timestamps, packet.timestamp)]

    def remove_before(self, timestamp: int) -> list[BufferedPacket]:
        """Take out and return the packets that start before a time."""
        if not self._timestamps or self._timestamps[0] >= timestamp:
            return []
        count = bisect_left(self._timestamps, timestamp)
        gone, self._timestamps = self._timestamps[:count], self._timestamps[count:]
        return [self._packets.pop(old) for old in gone]

    def clear(self) -> None:
        """Forget every packet."""
        self._packets.clear()
        self._timestamps.clear()
