"""What all RTCP packets share: a header of one word in front of whole words, and fields of fixed width.

Source: RFC 3550 section 6.4.1 (header) and appendix A.2 (checks).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dred.errors import RtpFormatError, UsageError

__all__ = ["MAX_COUNT", "Section", "iter_sections", "require_range", "unpack", "write_section"]

MAX_COUNT = 31
_HEADER = struct.Struct(">BBH")
_VERSION = 2
_PADDING_FLAG = 0x20
_WORD_BYTES = 4
_MAX_WORDS = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One packet of a compound, not understood yet.

    Attributes:
        packet_type: 0-255.
        count: 5 bits whose meaning depends on the type.
        body: What follows the header, without padding.
        offset: Where the body begins within the datagram.
    """

    packet_type: int
    count: int
    body: bytes
    offset: int


def iter_sections(data: bytes) -> Iterator[Section]:
    """Yield the packets of a compound one by one.

    Raises:
        RtpFormatError: There is none, a header is wrong, or a packet does not fit into the data.
    """
    if not data:
        raise RtpFormatError("RTCP is at least one packet", value=0)
    at = 0
    while at < len(data):
        if at + _HEADER.size > len(data):
            raise RtpFormatError("an RTCP header takes 4 bytes", offset=at, value=len(data) - at)
        first, packet_type, num_words = _HEADER.unpack_from(data, at)
        if first >> 6 != _VERSION:
            raise RtpFormatError("RTCP is of version 2", offset=at, value=first >> 6)
        start, end = at + _HEADER.size, at + _HEADER.size + _WORD_BYTES * num_words
        if end > len(data):
            raise RtpFormatError("RTCP packets lie within the datagram", offset=at + 2, value=num_words)
        padding_bytes = 0
        if first & _PADDING_FLAG:
            padding_bytes = data[end - 1] if end > start else 0
            if end < len(data) or not 1 <= padding_bytes <= end - start or padding_bytes % _WORD_BYTES:
                raise RtpFormatError("padding is whole words at the end of the last packet", offset=end - 1)
        yield Section(
            packet_type=packet_type, count=first & MAX_COUNT, body=data[start : end - padding_bytes], offset=start
        )
        at = end


def write_section(packet_type: int, count: int, body: bytes) -> bytes:
    """Put a header in front of whole words.

    Raises:
        UsageError: The count or the body is too large.
    """
    require_range("count", count, MAX_COUNT)
    assert len(body) % _WORD_BYTES == 0, "RTCP bodies are whole words"
    require_range("words of an RTCP packet", len(body) // _WORD_BYTES, _MAX_WORDS)
    return _HEADER.pack(_VERSION << 6 | count, packet_type, len(body) // _WORD_BYTES) + body


def unpack(layout: struct.Struct, section: Section, at: int, rule: str) -> tuple[Any, ...]:
    """Read fields from a body.

    Raises:
        RtpFormatError: They do not fit; the text is `rule`.
    """
    if at + layout.size > len(section.body):
        raise RtpFormatError(rule, offset=section.offset + at, value=len(section.body) - at)
    return layout.unpack_from(section.body, at)


def require_range(name: str, value: int, highest: int, lowest: int = 0) -> None:
    """Check a field that is about to be written.

    Raises:
        UsageError: It lies outside.
    """
    if not lowest <= value <= highest:
        raise UsageError(f"{name} must lie in {lowest}-{highest}, got {value}")
