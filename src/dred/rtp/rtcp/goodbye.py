"""Goodbye: sources that have ended.

Source: RFC 3550 section 6.6.
"""

import struct
from dataclasses import dataclass

from dred.errors import RtpFormatError, UsageError
from dred.rtp.rtcp.fields import Section, require_range, unpack, write_section

__all__ = ["GOODBYE_TYPE", "Goodbye", "parse_goodbye", "write_goodbye"]

GOODBYE_TYPE = 203
_SSRC = struct.Struct(">I")
_MAX_REASON_BYTES = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye:
    """Up to 31 sources that have ended, and why: up to 255 bytes of UTF-8, empty if it was not told."""

    ssrcs: tuple[int, ...]
    reason: str = ""

    def __post_init__(self) -> None:
        for ssrc in self.ssrcs:
            require_range("ssrc", ssrc, 0xFFFFFFFF)
        if len(self.reason.encode()) > _MAX_REASON_BYTES:
            raise UsageError(f"a reason has up to {_MAX_REASON_BYTES} bytes, got {len(self.reason.encode())}")


def parse_goodbye(section: Section) -> Goodbye:
    """Read a goodbye.

    Raises:
        RtpFormatError: Sources or the reason do not fit, or the reason is not UTF-8.
    """
    ssrcs = tuple(
        unpack(_SSRC, section, number * _SSRC.size, "a goodbye names its sources")[0] for number in range(section.count)
    )
    at = len(ssrcs) * _SSRC.size
    reason = b""
    if at < len(section.body):
        reason = section.body[at + 1 : at + 1 + section.body[at]]
        if len(reason) < section.body[at]:
            raise RtpFormatError("the reason lies within the goodbye", offset=section.offset + at, value=len(reason))
    try:
        return Goodbye(ssrcs=ssrcs, reason=reason.decode())
    except UnicodeDecodeError as error:
        raise RtpFormatError("a reason is UTF-8", offset=section.offset + at + 1, value=reason) from error


def write_goodbye(goodbye: Goodbye) -> bytes:
    """Write a goodbye."""
    body = b"".join(_SSRC.pack(ssrc) for ssrc in goodbye.ssrcs)
    if goodbye.reason:
        text = goodbye.reason.encode()
        body += bytes([len(text)]) + text
        body += bytes(-len(body) % 4)
    return write_section(GOODBYE_TYPE, len(goodbye.ssrcs), body)
