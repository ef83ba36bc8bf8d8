"""What has arrived and is not played yet: numbers unwrapped, packets in the order of their time, the useless told.

RTP numbers -> unwrap -> late? broken? known? -> buffer -> the next packet, and what those behind it cover
"""

from collections.abc import Callable, Sequence

from dred.errors import OpusFormatError, RemoteDataError, RtpFormatError
from dred.receiver.buffer import BufferedPacket, PacketBuffer
from dred.receiver.coverage import Coverage, KnownFeatures, Told
from dred.receiver.events import Event, PacketDropped, RedundancyRefused
from dred.receiver.parts import RedundancyReader
from dred.rtp import SequenceUnwrapper, TimestampUnwrapper

_FRAME_RTP = 480
_DISCARDS = ("late", "overflow")


class Arrivals:
    """The packets of one stream between network and decoder."""

    def __init__(self, readers: Sequence[RedundancyReader], report: Callable[[Event], None]) -> None:
        """Start without any packet; readers are for the redundancy of packets, report takes what is worth telling."""
        self._coverage = Coverage(readers, on_refused=self._report_refusal)
        self._report = report
        self._buffer = PacketBuffer()
        self._sequences = SequenceUnwrapper()
        self._timestamps = TimestampUnwrapper()
        self.num_fec = 0
        """How many packets brought something about the past."""
        self.num_discarded = 0
        """How many packets came too late, or too early for the buffer."""

    def __len__(self) -> int:
        return len(self._buffer)

    def unwrap_timestamp(self, timestamp: int) -> int:
        """Return the plain integer that a 32-bit timestamp stands for."""
        return self._timestamps.unwrap(timestamp)

    def unwrap(self, sequence: int, timestamp: int) -> tuple[int, int] | None:
        """Return the plain integers that the numbers of a packet stand for, or None if they are too far off."""
        try:
            return self._sequences.unwrap(sequence), self._timestamps.unwrap(timestamp)
        except RtpFormatError as error:
            self._report(PacketDropped(sequence=sequence, reason=str(error)))
            return None

    def add(
        self,
        payload: bytes,
        sequence: int,
        timestamp: int,
        position: int | None,
        now: float,
        *,
        is_copy: bool,
        has_copies: bool = False,
    ) -> None:
        """Take in a packet, by its unwrapped numbers, unless playing has got past it."""
        if position is not None and timestamp < position:
            self._report_drop(sequence, "late", is_copy=is_copy)
            return
        packet = self.parse(payload, sequence, timestamp, now, is_copy=is_copy, has_copies=has_copies)
        if packet is not None:
            self.put(packet)

    def parse(
        self,
        payload: bytes,
        sequence: int,
        timestamp: int,
        now: float,
        *,
        is_copy: bool,
        has_copies: bool = False,
    ) -> BufferedPacket | None:
        """Take a packet apart; None if it breaks a rule."""
        try:
            packet = BufferedPacket.from_payload(
                payload, sequence=sequence, timestamp=timestamp, arrived_ms=now, is_copy=is_copy
            )
        except OpusFormatError as error:
            self._report(PacketDropped(sequence=sequence, reason=str(error)))
            return None
        if not is_copy and (packet.parsed.padding or has_copies or packet.lbrr_reach_rtp):
            self.num_fec += 1
        return packet

    def put(self, packet: BufferedPacket, position: int | None = None) -> None:
        """Keep a packet, unless playing has got past it, its time is taken, or there is no room."""
        if position is not None and packet.timestamp < position:
            self._report_drop(packet.sequence, "late", is_copy=packet.is_copy)
        elif not self._buffer.add(packet):
            reason = "duplicate" if packet.timestamp in self._buffer else "overflow"
            self._report_drop(packet.sequence, reason, is_copy=packet.is_copy)

    def first(self) -> BufferedPacket | None:
        """Return the packet with the earliest timestamp."""
        return self._buffer.first()

    def first_from(self, position: int) -> BufferedPacket | None:
        """Return the packet with the earliest timestamp, once those before a position are dropped."""
        for late in self._buffer.remove_before(position):
            self._report_drop(late.sequence, "late", is_copy=late.is_copy)
        return self._buffer.first()

    def remove(self, packet: BufferedPacket) -> None:
        """Take a packet out."""
        self._buffer.remove(packet)

    def clear(self) -> None:
        """Forget every packet."""
        self._buffer.clear()

    def cover(self, position: int, duration_rtp: int) -> bool:
        """Tell whether redundancy describes any frame of 10 ms of a stretch."""
        timestamps = range(position, position + duration_rtp, _FRAME_RTP)
        return any(self._coverage.covers(self._buffer, timestamp) for timestamp in timestamps)

    def tell(self, packet: BufferedPacket, timestamp: int) -> Told:
        """Return what a packet's redundancy tells about the 10 ms that start at a time before it."""
        return self._coverage.tell(packet, timestamp)

    def features_from(self, timestamp: int, num_frames: int) -> KnownFeatures:
        """Return the features to speak each 10 ms from a time on, as far as redundancy tells."""
        return self._coverage.features_from(self._buffer, timestamp, num_frames)

    def _report_drop(self, sequence: int, reason: str, *, is_copy: bool) -> None:
        # That a copy is of no use is the rule, not worth an event.
        if not is_copy:
            self.num_discarded += reason in _DISCARDS
            self._report(PacketDropped(sequence=sequence, reason=reason))

    def _report_refusal(self, packet: BufferedPacket, error: RemoteDataError) -> None:
        self._report(RedundancyRefused(sequence=packet.sequence, reason=str(error)))
