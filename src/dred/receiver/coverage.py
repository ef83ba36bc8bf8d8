"""The redundancy of one packet: found and parsed when it is asked for, decoded only as far back as needed.

    packet -> extension -> ParsedRedundancy -> DecodedRedundancy -> the features to speak at a time
              (cheap: tells the covered range)  (a network, 40 ms at a time)

Source: draft-ietf-mlcodec-opus-dred; facts from libopus 1.6.1 src/opus_decoder.c (which feature belongs to which time).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.bitstream import ParsedRedundancy, parse_payload, split_prefix
from dred.errors import RemoteDataError
from dred.opus import find_extension
from dred.receiver.buffer import BufferedPacket
from dred.receiver.parts import LatentDecoder, RedundancyReader
from dred.timebase import FEATURE_FRAMES_PER_CHUNK, TICKS_PER_FEATURE_FRAME, ms_to_rtp, ticks_to_rtp

# Redundancy further ahead than it can reach back is of no use: 26 latents and the vocoder's lead.
REACH_RTP = ms_to_rtp(1_100)

_FRAME_RTP = ticks_to_rtp(TICKS_PER_FEATURE_FRAME)
# A vocoder call at a time is fed with the features of a window that lies later by this many frames.
_VOCODER_LEAD_FRAMES = 2


class DecodedRedundancy:
    """The features of one packet's redundancy, newest first, growing backward as they are asked for."""

    def __init__(self, parsed: ParsedRedundancy, decoder: LatentDecoder, *, timestamp: int) -> None:
        """Prepare to decode; timestamp is that of the packet, in RTP ticks."""
        self.parsed = parsed
        self._decoder = decoder
        self._anchor_rtp = timestamp + ticks_to_rtp(parsed.offset_ticks)
        self._state: Any = None
        self._frames: list[np.ndarray] = []

    def covers(self, timestamp: int) -> bool:
        """Tell whether the 10 ms that start at a time are described."""
        return 0 <= self._row(timestamp) < self._num_rows

    def features_at(self, timestamp: int) -> Float32[np.ndarray, " 20"] | None:
        """Return the features that a vocoder needs to speak the 10 ms from a time on, or None if they are not here."""
        row = self._row(timestamp)
        if not 0 <= row < self._num_rows:
            return None
        while len(self._frames) <= row:
            self._decode_next()
        return self._frames[row]

    @property
    def _num_rows(self) -> int:
        return self.parsed.num_latents * FEATURE_FRAMES_PER_CHUNK

    def _row(self, timestamp: int) -> int:
        # Rounded down: the window's overlap makes up for the half frame.
        return (self._anchor_rtp - timestamp) // _FRAME_RTP - _VOCODER_LEAD_FRAMES

    def _decode_next(self) -> None:
        if self._state is None:
            self._state = self._decoder.start(self.parsed.state)
        index = len(self._frames) // FEATURE_FRAMES_PER_CHUNK
        level = int(self.parsed.levels[index])
        self._frames.extend(self._decoder.decode_latent(self._state, self.parsed.latents[index], level))


def read_redundancy(packet: BufferedPacket, readers: Sequence[RedundancyReader]) -> DecodedRedundancy | None:
    """Find and parse a packet's redundancy; None if it has none of a known version.

    Raises:
        ExtensionFormatError: The packet's padding is broken.
        DredPayloadError: The payload has a length that none may have.
    """
    for reader in readers:
        version = reader.tables.version
        extension = find_extension(packet.parsed, version.extension_id, version.prefix)
        if extension is None:
            continue
        frame_ticks = packet.parsed.toc.frame_duration_rtp // ticks_to_rtp(1)
        parsed = parse_payload(
            split_prefix(extension.payload, version),
            reader.tables,
            frame_offset_ticks=extension.frame * frame_ticks,
        )
        return DecodedRedundancy(parsed, reader.decoder, timestamp=packet.timestamp)
    return None


class RedundancyIndex:
    """The redundancy of the buffered packets; each is read once, when it is first asked for."""

    def __init__(
        self, readers: Sequence[RedundancyReader], *, on_refused: Callable[[BufferedPacket, RemoteDataError], None]
    ) -> None:
        """Start empty; on_refused is told of each packet whose redundancy breaks its format."""
        self._readers = readers
        self._on_refused = on_refused
        self._found: dict[int, DecodedRedundancy | None] = {}

    def covers(self, packets: Iterable[BufferedPacket], timestamp: int) -> bool:
        """Tell whether any packet describes the 10 ms that start at a time; packets come in the order of theirs."""
        return any(redundancy.covers(timestamp) for redundancy in self._reaching(packets, timestamp))

    def features_at(self, packets: Iterable[BufferedPacket], timestamp: int) -> Float32[np.ndarray, " 20"] | None:
        """Return the features to speak the 10 ms from a time on, from the nearest packet that has them, or None."""
        found = (redundancy.features_at(timestamp) for redundancy in self._reaching(packets, timestamp))
        return next((features for features in found if features is not None), None)

    def forget(self, timestamp: int) -> None:
        """Forget what was read from the packet of this timestamp."""
        self._found.pop(timestamp, None)

    def clear(self) -> None:
        """Forget everything."""
        self._found.clear()

    def _reaching(self, packets: Iterable[BufferedPacket], timestamp: int) -> Iterator[DecodedRedundancy]:
        """Read packets, the nearest first: it is the finest there, and mostly the only one that is needed."""
        if self._readers:
            for packet in packets:
                if packet.timestamp - timestamp > REACH_RTP:
                    return
                redundancy = self._read(packet)
                if redundancy is not None:
                    yield redundancy

    def _read(self, packet: BufferedPacket) -> DecodedRedundancy | None:
        if packet.timestamp not in self._found:
            redundancy = None
            try:
                redundancy = read_redundancy(packet, self._readers)
            except RemoteDataError as error:
                self._on_refused(packet, error)
            self._found[packet.timestamp] = redundancy
        return self._found[packet.timestamp]
