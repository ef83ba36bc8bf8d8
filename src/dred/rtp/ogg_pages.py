"""Ogg pages: bytes enter, checked pages leave; and back. What the pages carry is `ogg_opus`'s business.

Source: RFC 3533 section 6.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from dred.errors import FileFormatError

__all__ = ["MAX_SEGMENTS", "NO_GRANULE", "OGG_MAGIC", "OggPage", "iter_ogg_pages", "write_ogg_page"]

OGG_MAGIC = b"OggS"
MAX_SEGMENTS = 255
# The granule position of a page on which no packet ends.
NO_GRANULE = -1
_HEADER = struct.Struct("<4sBBqIIIB")
_CHECKSUM_AT = 22
_CONTINUED_FLAG = 1
_FIRST_FLAG = 2
_LAST_FLAG = 4
_MIRRORED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class OggPage:
    """One page.

    Attributes:
        serial: The logical stream that the page belongs to, 32 bits.
        number: Counts the pages of a stream, 32 bits.
        granule: For Opus: samples at 48 kHz up to the end of the last packet that ends on this page, or NO_GRANULE.
        is_first: First page of the stream.
        is_last: Last page of the stream.
        is_continued: The page begins within a packet.
        segments: Up to 255 pieces of up to 255 bytes; a piece of less than 255 bytes ends a packet.
        offset: Where the page begins in the file; 0 for a page to write.
    """

    serial: int
    number: int
    granule: int
    is_first: bool
    is_last: bool
    is_continued: bool
    segments: tuple[bytes, ...]
    offset: int = 0


def iter_ogg_pages(data: bytes) -> Iterator[OggPage]:
    """Read all pages.

    Raises:
        FileFormatError: Something that is no page, an unknown version, a wrong checksum, or an end within a page.
    """
    at = 0
    while at < len(data):
        start = at + _HEADER.size
        if start > len(data):
            raise FileFormatError("an Ogg file ends with a whole page", offset=at, value=len(data) - at)
        magic, version, flags, granule, serial, number, checksum, num_segments = _HEADER.unpack_from(data, at)
        if magic != OGG_MAGIC or version != 0:
            raise FileFormatError("an Ogg page begins with OggS and version 0", offset=at, value=data[at : at + 5])
        lengths = data[start : start + num_segments]
        start += num_segments
        end = start + sum(lengths)
        if len(lengths) < num_segments or end > len(data):
            raise FileFormatError("an Ogg file ends with a whole page", offset=at, value=len(data) - at)
        if _checksum(data[at : at + _CHECKSUM_AT] + bytes(4) + data[at + _CHECKSUM_AT + 4 : end]) != checksum:
            raise FileFormatError("the checksum of an Ogg page", offset=at + _CHECKSUM_AT, value=checksum)
        segments: list[bytes] = []
        for length in lengths:
            segments.append(data[start : start + length])
            start += length
        yield OggPage(
            serial=serial,
            number=number,
            granule=granule,
            is_first=bool(flags & _FIRST_FLAG),
            is_last=bool(flags & _LAST_FLAG),
            is_continued=bool(flags & _CONTINUED_FLAG),
            segments=tuple(segments),
            offset=at,
        )
        at = end


def write_ogg_page(page: OggPage) -> bytes:
    """Write a page with its checksum."""
    flags = _CONTINUED_FLAG * page.is_continued | _FIRST_FLAG * page.is_first | _LAST_FLAG * page.is_last
    header = _HEADER.pack(OGG_MAGIC, 0, flags, page.granule, page.serial, page.number, 0, len(page.segments))
    data = b"".join((header, bytes(map(len, page.segments)), *page.segments))
    return data[:_CHECKSUM_AT] + _checksum(data).to_bytes(4, "little") + data[_CHECKSUM_AT + 4 :]


def _checksum(data: bytes) -> int:
    """The CRC of generator 0x04C11DB7, most significant bit first, starting from zero, not inverted.

    zlib's CRC has the same generator, but least significant bit first, starting from ones and inverted at the end.
    """
    mirrored = zlib.crc32(data.translate(_MIRRORED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED_BITS))
