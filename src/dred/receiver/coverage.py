"""The redundancy of one packet: found and parsed when it is asked for, and only as far back as needed.

    packet -> extension -> ParsedRedundancy -> DecodedRedundancy -> the features to speak at a time
              (cheap: tells the covered range)  (a network, 40 ms at a time)

Source: draft-ietf-mlcodec-opus-dred; facts from libopus 1.6.1 src/opus_decoder.c (which feature belongs to which time).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from dred.bitstream import (
    MAX_LATENTS,
    MAX_OFFSET_TICKS,
    OWN_VERSION_NAME,
    ParsedRedundancy,
    find_version,
    parse_payload,
    split_prefix,
)
from dred.errors import DredPayloadError, RemoteDataError
from dred.features import NUM_FEATURES
from dred.opus import find_extension, iter_extensions
from dred.receiver.buffer import BufferedPacket
from dred.receiver.parts import RedundancyReader
from dred.timebase import FEATURE_FRAMES_PER_CHUNK, TICKS_PER_FEATURE_FRAME, ms_to_rtp, ticks_to_rtp

# Redundancy further ahead than it can reach back is of no use: 26 latents and the vocoder's lead.
REACH_RTP = ms_to_rtp(1_100)

_FRAME_RTP = ticks_to_rtp(TICKS_PER_FEATURE_FRAME)
# A vocoder call at a time is fed with the features of a window that lies later by this many frames.
_VOCODER_LEAD_FRAMES = 2
# Whether a time is covered is asked first, and how speech got there second: that far back is parsed at once.
_RUN_UP_FRAMES = 5


class KnownFeatures(NamedTuple):
    """What redundancy tells about frames of 10 ms in a row, oldest first.

    Attributes:
        features: A row per frame, of no meaning where it is unknown.
        unknown: The numbers of the rows that are unknown.
    """

    features: Float32[np.ndarray, "frames 20"]
    unknown: Collection[int]

    def split(self, num_frames: int) -> "tuple[KnownFeatures, KnownFeatures]":
        """Return what is known about the first frames, and about the rest."""
        if not self.unknown:
            return KnownFeatures(self.features[:num_frames], ()), KnownFeatures(self.features[num_frames:], ())
        first = [number for number in self.unknown if number < num_frames]
        rest = [number - num_frames for number in self.unknown if number >= num_frames]
        return KnownFeatures(self.features[:num_frames], first), KnownFeatures(self.features[num_frames:], rest)


class Told(Enum):
    """What one packet's redundancy tells about a time before the packet.

    PAUSE is what it leaves out between the newest that it describes and itself: the sender heard no speech there. What
    comes before the oldest that it describes is NOTHING.
    """

    SPEECH = "speech"
    PAUSE = "pause"
    NOTHING = "nothing"


class DecodedRedundancy:
    """The features of one packet's redundancy, newest first, growing backward as they are asked for."""

    def __init__(
        self,
        payload: bytes,
        reader: RedundancyReader,
        *,
        timestamp: int,
        frame_offset_ticks: int = 0,
        asked_for: int | None = None,
    ) -> None:
        """Parse the header and as many latents as a time needs.

        Args:
            payload: The payload without prefix.
            reader: What its version needs.
            timestamp: That of the packet, in RTP ticks.
            frame_offset_ticks: Start of the Opus frame that carries the payload, after the start of the packet.
            asked_for: The time, in RTP ticks; by default as far back as the payload reaches.

        Raises:
            DredPayloadError: The payload has a length that none may have.
        """
        self._payload = payload
        self._reader = reader
        self._frame_offset_ticks = frame_offset_ticks
        self._newest_rtp = timestamp + ticks_to_rtp(frame_offset_ticks)
        self._num_asked = MAX_LATENTS
        if asked_for is not None:
            row = _row(self._newest_rtp + ticks_to_rtp(MAX_OFFSET_TICKS), asked_for) + _RUN_UP_FRAMES
            self._num_asked = min(max(0, _latents_up_to(row)), MAX_LATENTS)
        self._parsed = self._parse()
        self._anchor_rtp = timestamp + ticks_to_rtp(self._parsed.offset_ticks)
        self._state: Any = None
        self._frames = np.zeros((0, NUM_FEATURES), np.float32)

    def covers(self, timestamp: int) -> bool:
        """Tell whether the 10 ms that start at a time are described."""
        row = _row(self._anchor_rtp, timestamp)
        return row >= 0 and self._reach(row) > row

    def tell(self, timestamp: int) -> Told:
        """Return what is told about the 10 ms that start at a time."""
        if self.covers(timestamp):
            return Told.SPEECH
        return Told.PAUSE if _row(self._anchor_rtp, timestamp) < 0 else Told.NOTHING

    def features_from(self, timestamp: int, num_frames: int) -> KnownFeatures:
        """Return the features that a vocoder needs to speak each 10 ms from a time on."""
        oldest = _row(self._anchor_rtp, timestamp)
        newest = oldest - num_frames + 1
        num_rows = min(self._reach(oldest), oldest + 1) if oldest >= 0 else 0
        if newest < num_rows:
            self._decode(num_rows)
        if newest >= 0 and oldest < num_rows:
            return KnownFeatures(self._frames[newest : oldest + 1][::-1], ())
        features = np.zeros((num_frames, NUM_FEATURES), np.float32)
        first, end = max(newest, 0), max(num_rows, newest, 0)
        features[oldest + 1 - end : oldest + 1 - first] = self._frames[first:end][::-1]
        return KnownFeatures(features, [n for n in range(num_frames) if not first <= oldest - n < end])

    def _reach(self, row: int) -> int:
        """Parse as far back as a row, if that is not done, and return the number of rows that are parsed."""
        num_latents = min(_latents_up_to(row), MAX_LATENTS)
        if num_latents > self._num_asked == self._parsed.num_latents:
            self._num_asked = num_latents
            self._parsed = self._parse()
        return self._parsed.num_latents * FEATURE_FRAMES_PER_CHUNK

    def _parse(self) -> ParsedRedundancy:
        return parse_payload(
            self._payload,
            self._reader.tables,
            max_latents=self._num_asked,
            frame_offset_ticks=self._frame_offset_ticks,
        )

    def _decode(self, num_rows: int) -> None:
        """Decode, in one go, the latents that are missing for so many rows."""
        first = len(self._frames) // FEATURE_FRAMES_PER_CHUNK
        end = _latents_up_to(num_rows - 1)
        if end <= first:
            return
        parsed, decoder = self._parsed, self._reader.decoder
        if self._state is None:
            self._state = decoder.start(parsed.state)
        older = decoder.decode_latents(self._state, parsed.latents[first:end], parsed.levels[first:end])
        self._frames = np.concatenate([self._frames, older]) if first else older


def read_redundancy(
    packet: BufferedPacket, readers: Sequence[RedundancyReader], *, asked_for: int | None = None
) -> DecodedRedundancy | None:
    """Find a packet's redundancy and parse it as far back as a time; None if it has none.

    Raises:
        ExtensionFormatError: The packet's padding is broken.
        DredPayloadError: The payload has a length that none may have, or there is only redundancy that no reader reads.
    """
    for reader in readers:
        version = reader.tables.version
        extension = find_extension(packet.parsed, version.extension_id, version.prefix)
        if extension is None:
            continue
        frame_ticks = packet.parsed.toc.frame_duration_rtp // ticks_to_rtp(1)
        return DecodedRedundancy(
            split_prefix(extension.payload, version),
            reader,
            timestamp=packet.timestamp,
            frame_offset_ticks=extension.frame * frame_ticks,
            asked_for=asked_for,
        )
    for extension in iter_extensions(packet.parsed.padding, len(packet.parsed.frames)):
        unread = find_version(extension.id, extension.payload)
        if unread is not None:
            # Networks of dred's own differ by their prefix.
            name = f"{unread.name} ({unread.prefix.hex()})" if unread.name == OWN_VERSION_NAME else unread.name
            raise DredPayloadError("redundancy of a version that has networks here", value=name)
    return None


class Coverage:
    """What buffered packets tell about the past; each is read when it is first asked for."""

    def __init__(
        self, readers: Sequence[RedundancyReader], *, on_refused: Callable[[BufferedPacket, RemoteDataError], None]
    ) -> None:
        """Take the versions that are read; on_refused is told of each packet whose redundancy cannot be."""
        self._readers = readers
        self._on_refused = on_refused

    def covers(self, packets: Iterable[BufferedPacket], timestamp: int) -> bool:
        """Tell whether any packet describes the 10 ms that start at a time; packets come in the order of theirs."""
        return any(redundancy.covers(timestamp) for redundancy in self._reaching(packets, timestamp))

    def tell(self, packet: BufferedPacket, timestamp: int) -> Told:
        """Return what a packet tells about the 10 ms that start at a time before it."""
        told = (redundancy.tell(timestamp) for redundancy in self._reaching((packet,), timestamp))
        return next(told, Told.NOTHING)

    def features_from(self, packets: Iterable[BufferedPacket], timestamp: int, num_frames: int) -> KnownFeatures:
        """Return the features to speak each 10 ms from a time on, each from the nearest packet that has them."""
        known: KnownFeatures | None = None
        for redundancy in self._reaching(packets, timestamp + (num_frames - 1) * _FRAME_RTP):
            found = redundancy.features_from(timestamp, num_frames)
            known = found if known is None else _fill_up(known, found)
            if not known.unknown:
                return known
        return known or KnownFeatures(np.zeros((num_frames, NUM_FEATURES), np.float32), range(num_frames))

    def _reaching(self, packets: Iterable[BufferedPacket], timestamp: int) -> Iterator[DecodedRedundancy]:
        """Read packets, the nearest first: it is the finest there, and mostly the only one that is needed."""
        if self._readers:
            for packet in packets:
                if packet.timestamp - timestamp > REACH_RTP:
                    return
                if packet.redundancy is None:
                    packet.redundancy = self._read(packet, timestamp)
                yield from packet.redundancy

    def _read(self, packet: BufferedPacket, timestamp: int) -> tuple[DecodedRedundancy, ...]:
        try:
            redundancy = read_redundancy(packet, self._readers, asked_for=timestamp)
        except RemoteDataError as error:
            self._on_refused(packet, error)
            return ()
        return () if redundancy is None else (redundancy,)


def _fill_up(known: KnownFeatures, found: KnownFeatures) -> KnownFeatures:
    """Take from what was found only what is not known yet."""
    features = known.features.copy()
    for number in known.unknown:
        features[number] = found.features[number]
    return KnownFeatures(features, [number for number in known.unknown if number in found.unknown])


def _row(anchor_rtp: int, timestamp: int) -> int:
    """Return the place, counted from the newest, of the features to speak the 10 ms from a time on."""
    # Rounded down: the window's overlap makes up for the half frame.
    return (anchor_rtp - timestamp) // _FRAME_RTP - _VOCODER_LEAD_FRAMES


def _latents_up_to(row: int) -> int:
    return row // FEATURE_FRAMES_PER_CHUNK + 1
