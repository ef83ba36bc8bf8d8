"""Ogg Opus files: packets enter unchanged and leave unchanged, whatever their padding holds.

```
 | OpusHead | OpusTags | about 1 s of packets | ... | the rest, with the end trimmed |   one stream, mapping family 0
```

Source: RFC 7845.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from dred.errors import FileFormatError, UsageError
from dred.opus import packet_duration_rtp
from dred.rtp.ogg_pages import MAX_SEGMENTS, NO_GRANULE, OggPage, iter_ogg_pages, write_ogg_page

__all__ = ["OggOpus", "parse_ogg_opus", "write_ogg_opus"]

_HEAD = struct.Struct("<8sBBHIhB")
_HEAD_MAGIC = b"OpusHead"
_TAGS_MAGIC = b"OpusTags"
_VERSION = 1
_VENDOR = b"dred"
_SERIAL = 0x64726564
_SEGMENT_BYTES = 255
_NUM_HEADER_PAGES = 2
# RFC 7845 section 4 recommends pages of up to one second.
_PAGE_RTP = 48_000
# 11.6 hours of 20 ms packets. Our choice.
_MAX_PACKETS = 1 << 21


@dataclass(frozen=True, slots=True, kw_only=True)
class OggOpus:
    """What an Ogg Opus file holds.

    Attributes:
        packets: Opus packets, at least one.
        channels: 1-2.
        pre_skip: Samples at 48 kHz that a player drops at the start, 0-65535.
        num_samples_48k: Samples at 48 kHz that a player plays after that; None for all.
        input_rate_hz: Rate of the signal before it was coded, for information; 0 if unknown.
        output_gain_q8: Gain for the player, in 1/256 dB, 16 bits signed.
    """

    packets: tuple[bytes, ...]
    channels: int = 1
    pre_skip: int = 0
    num_samples_48k: int | None = None
    input_rate_hz: int = 48_000
    output_gain_q8: int = 0

    def __post_init__(self) -> None:
        if not self.packets:
            raise UsageError("an Ogg Opus file holds at least one packet, got 0")
        for name, lowest, highest in (
            ("channels", 1, 2),
            ("pre_skip", 0, 0xFFFF),
            ("input_rate_hz", 0, 0xFFFFFFFF),
            ("output_gain_q8", -0x8000, 0x7FFF),
        ):
            if not lowest <= getattr(self, name) <= highest:
                raise UsageError(f"{name} must lie in {lowest}-{highest}, got {getattr(self, name)}")


def parse_ogg_opus(data: bytes) -> OggOpus:
    """Read an Ogg Opus file of one stream with one or two channels.

    Tags are passed over. A stream may start at any time, and its last page need not be marked.

    Raises:
        FileFormatError: A damaged, missing or incomplete page, several streams (chained or multiplexed), another codec
            or channel mapping, no packet, or more than 2 million.
        OpusFormatError: A packet whose duration cannot be told.
    """
    pages = _iter_pages_of_one_stream(data)
    first_page = next(pages, None)
    if first_page is None:
        raise FileFormatError("an Ogg file of at least one page", value=0)
    channels, pre_skip, input_rate_hz, output_gain_q8 = _parse_head(first_page)
    packets: list[bytes] = []
    pending: list[bytes] = []
    has_tags = False
    elapsed = 0
    start: int | None = None
    end = NO_GRANULE
    for page in pages:
        if page.is_continued != bool(pending):
            raise FileFormatError(
                "a page continues a packet if the page before it broke one off", offset=page.offset, value=len(pending)
            )
        for segment in page.segments:
            pending.append(segment)
            if len(segment) == _SEGMENT_BYTES:
                continue
            packet = b"".join(pending)
            pending = []
            if has_tags:
                packets.append(packet)
                elapsed += packet_duration_rtp(packet)
            elif packet.startswith(_TAGS_MAGIC):
                has_tags = True
            else:
                raise FileFormatError("the second packet is OpusTags", offset=page.offset, value=packet[:8])
        if len(packets) > _MAX_PACKETS:
            raise FileFormatError(f"at most {_MAX_PACKETS} packets", offset=page.offset, value=len(packets))
        if packets and page.granule >= 0:
            end = page.granule
            if start is None:
                start = end - elapsed
                if start < 0 and not page.is_last:
                    raise FileFormatError("a stream starts at 0 or later", offset=page.offset, value=start)
                start = max(0, start)
    if pending or not packets:
        raise FileFormatError("an Ogg Opus file ends with a whole packet", offset=len(data), value=len(packets))
    if start is not None:
        elapsed = min(elapsed, end - start)
    return OggOpus(
        packets=tuple(packets),
        channels=channels,
        pre_skip=pre_skip,
        num_samples_48k=max(0, elapsed - pre_skip),
        input_rate_hz=input_rate_hz,
        output_gain_q8=output_gain_q8,
    )


def write_ogg_opus(stream: OggOpus) -> bytes:
    """Write an Ogg Opus file.

    Raises:
        UsageError: `num_samples_48k` exceeds what the packets hold, or trims more than the last page.
        OpusFormatError: A packet whose duration cannot be told.
    """
    total = sum(map(packet_duration_rtp, stream.packets))
    end = total if stream.num_samples_48k is None else stream.pre_skip + stream.num_samples_48k
    if not 0 <= end <= total:
        raise UsageError(f"pre_skip and num_samples_48k together must lie in 0-{total}, got {end}")
    head = _HEAD.pack(
        _HEAD_MAGIC, _VERSION, stream.channels, stream.pre_skip, stream.input_rate_hz, stream.output_gain_q8, 0
    )
    tags = _TAGS_MAGIC + len(_VENDOR).to_bytes(4, "little") + _VENDOR + bytes(4)
    writer = _PageWriter()
    for header in (head, tags):
        writer.add(header)
        writer.end_page(0)
    elapsed = page_start = 0
    for packet in stream.packets:
        # Nothing but the last page may be trimmed, so pages end no later than the signal.
        if elapsed - page_start >= _PAGE_RTP and elapsed <= end:
            writer.end_page(elapsed)
            page_start = elapsed
        if elapsed > end and writer.would_overflow(packet):
            raise UsageError(f"num_samples_48k trims more than the last page, got {stream.num_samples_48k}")
        writer.add(packet, granule_before=elapsed)
        elapsed += packet_duration_rtp(packet)
    writer.end_page(end, is_last=True)
    return bytes(writer.data)


def _iter_pages_of_one_stream(data: bytes) -> Iterator[OggPage]:
    """Read all pages, as long as they belong to one stream and none is missing among those with packets."""
    serial = None
    number = -1
    is_ended = False
    for page in iter_ogg_pages(data):
        if serial is None:
            serial = page.serial
        elif page.is_first or page.serial != serial or is_ended:
            raise FileFormatError("one stream, neither chained nor multiplexed", offset=page.offset, value=page.serial)
        # A recording of a broadcast jumps once, from the two headers to where the listener came in.
        elif number >= _NUM_HEADER_PAGES and page.number != (number + 1) % (1 << 32):
            raise FileFormatError("no page is missing", offset=page.offset, value=page.number)
        number = page.number
        is_ended = page.is_last
        yield page


def _parse_head(page: OggPage) -> tuple[int, int, int, int]:
    """Read channels, pre-skip, input rate and output gain from the first page."""
    head = b"".join(page.segments)
    if not page.is_first or not head.startswith(_HEAD_MAGIC) or len(head) < _HEAD.size:
        raise FileFormatError("the first page holds OpusHead and nothing else", offset=page.offset, value=head[:19])
    _, version, channels, pre_skip, input_rate_hz, output_gain_q8, mapping = _HEAD.unpack_from(head)
    if version >> 4:
        raise FileFormatError("OpusHead of version 0-15", offset=page.offset, value=version)
    if mapping != 0 or not 1 <= channels <= 2:
        raise FileFormatError(
            "one or two channels in mapping family 0", offset=page.offset, value=f"{channels} in family {mapping}"
        )
    return channels, pre_skip, input_rate_hz, output_gain_q8


class _PageWriter:
    """Cut packets into segments and segments into pages."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._num_pages = 0
        self._segments: list[bytes] = []
        self._is_continued = False

    def would_overflow(self, packet: bytes) -> bool:
        return len(self._segments) + len(packet) // _SEGMENT_BYTES + 1 > MAX_SEGMENTS

    def add(self, packet: bytes, granule_before: int = 0) -> None:
        """Append a packet; `granule_before` is the end of the packet before it, should the page be full."""
        page_granule = granule_before if self._segments else NO_GRANULE
        for at in range(0, len(packet) + 1, _SEGMENT_BYTES):
            if len(self._segments) == MAX_SEGMENTS:
                self.end_page(page_granule)
                self._is_continued = at > 0
                page_granule = NO_GRANULE
            self._segments.append(packet[at : at + _SEGMENT_BYTES])

    def end_page(self, granule: int, *, is_last: bool = False) -> None:
        page = OggPage(
            serial=_SERIAL,
            number=self._num_pages,
            granule=granule,
            is_first=self._num_pages == 0,
            is_last=is_last,
            is_continued=self._is_continued,
            segments=tuple(self._segments),
        )
        self.data += write_ogg_page(page)
        self._num_pages += 1
        self._segments = []
        self._is_continued = False
