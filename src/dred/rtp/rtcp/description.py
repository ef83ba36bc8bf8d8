"""Source descriptions: the canonical name behind an SSRC. Other items (e-mail, phone, notes) are passed over.

Source: RFC 3550 section 6.5.
"""

import struct
from dataclasses import dataclass

from dred.errors import RtpFormatError, UsageError
from dred.rtp.rtcp.fields import Section, require_range, unpack, write_section

__all__ = ["SOURCE_DESCRIPTION_TYPE", "Described", "SourceDescription", "parse_description", "write_description"]

SOURCE_DESCRIPTION_TYPE = 202
_SSRC = struct.Struct(">I")
_END, _CNAME = 0, 1
_MAX_TEXT_BYTES = 255
_WORD_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A source and its canonical name, up to 255 bytes of UTF-8; None if the name was not told."""

    ssrc: int
    cname: str | None = None

    def __post_init__(self) -> None:
        require_range("ssrc", self.ssrc, 0xFFFFFFFF)
        if self.cname is not None and len(self.cname.encode()) > _MAX_TEXT_BYTES:
            raise UsageError(f"a cname has up to {_MAX_TEXT_BYTES} bytes, got {len(self.cname.encode())}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDescription:
    """Up to 31 sources by name."""

    sources: tuple[Described, ...]


def parse_description(section: Section) -> SourceDescription:
    """Read a source description.

    Raises:
        RtpFormatError: An item does not fit, or a name is not UTF-8.
    """
    sources: list[Described] = []
    at = 0
    for _ in range(section.count):
        (ssrc,) = unpack(_SSRC, section, at, "a description names its source")
        cname, at = _parse_items(section, at + _SSRC.size)
        sources.append(Described(ssrc=ssrc, cname=cname))
    return SourceDescription(sources=tuple(sources))


def write_description(description: SourceDescription) -> bytes:
    """Write a source description."""
    body = b""
    for source in description.sources:
        items = b""
        if source.cname is not None:
            text = source.cname.encode()
            items = bytes([_CNAME, len(text)]) + text
        # At least one zero ends the items, and more fill the word.
        body += _SSRC.pack(source.ssrc) + items + bytes(_WORD_BYTES - len(items) % _WORD_BYTES)
    return write_section(SOURCE_DESCRIPTION_TYPE, len(description.sources), body)


def _parse_items(section: Section, at: int) -> tuple[str | None, int]:
    """Read a source's items; also return where the next source begins."""
    body, cname = section.body, None
    while True:
        if at >= len(body):
            raise RtpFormatError("a zero ends the items of a source", offset=section.offset + at, value=len(body))
        if body[at] == _END:
            return cname, at + _WORD_BYTES - at % _WORD_BYTES
        if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
            raise RtpFormatError("items lie within the description", offset=section.offset + at, value=body[at])
        text = body[at + 2 : at + 2 + body[at + 1]]
        if body[at] == _CNAME:
            try:
                cname = text.decode()
            except UnicodeDecodeError as error:
                raise RtpFormatError("a cname is UTF-8", offset=section.offset + at + 2, value=text) from error
        at += 2 + len(text)
