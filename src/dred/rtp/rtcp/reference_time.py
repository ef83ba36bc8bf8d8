"""Round trips as the receiver sees them: it sends its time, and is told how long ago that was heard.

Source: RFC 3611 sections 4.4 (receiver reference time) and 4.5 (DLRR).
"""

import struct
from dataclasses import dataclass

from dred.errors import RtpFormatError
from dred.rtp.rtcp.fields import Section, require_range, unpack

__all__ = [
    "REFERENCE_DELAYS_TYPE",
    "REFERENCE_TIME_TYPE",
    "DelaySinceReference",
    "ReceiverReferenceTime",
    "ReferenceDelays",
    "parse_reference_delays",
    "parse_reference_time",
    "write_reference_delays",
    "write_reference_time",
]

REFERENCE_TIME_TYPE = 4
REFERENCE_DELAYS_TYPE = 5
_NTP = struct.Struct(">Q")
_DELAY = struct.Struct(">III")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverReferenceTime:
    """64 bits of NTP time, when the report is sent."""

    ntp: int

    def __post_init__(self) -> None:
        require_range("ntp", self.ntp, (1 << 64) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DelaySinceReference:
    """When a receiver was heard.

    Attributes:
        ssrc: The receiver.
        last_reference: Middle 32 bits of the NTP time that it sent, 0 if none was heard.
        delay: Since that was heard, in 1/65536 s.
    """

    ssrc: int
    last_reference: int
    delay: int

    def __post_init__(self) -> None:
        for name in ("ssrc", "last_reference", "delay"):
            require_range(name, getattr(self, name), 0xFFFFFFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceDelays:
    """When receivers were heard."""

    delays: tuple[DelaySinceReference, ...]


def parse_reference_time(section: Section) -> ReceiverReferenceTime:
    """Read the body of a block.

    Raises:
        RtpFormatError: It is too short.
    """
    (ntp,) = unpack(_NTP, section, 0, "a reference time takes 8 bytes")
    return ReceiverReferenceTime(ntp=ntp)


def write_reference_time(block: ReceiverReferenceTime) -> bytes:
    """Write the body of a block."""
    return _NTP.pack(block.ntp)


def parse_reference_delays(section: Section) -> ReferenceDelays:
    """Read the body of a block.

    Raises:
        RtpFormatError: It is no whole number of entries.
    """
    if len(section.body) % _DELAY.size:
        raise RtpFormatError("each delay takes 12 bytes", offset=section.offset, value=len(section.body))
    entries = _DELAY.iter_unpack(section.body)
    return ReferenceDelays(
        delays=tuple(DelaySinceReference(ssrc=ssrc, last_reference=last, delay=delay) for ssrc, last, delay in entries)
    )


def write_reference_delays(block: ReferenceDelays) -> bytes:
    """Write the body of a block."""
    return b"".join(_DELAY.pack(entry.ssrc, entry.last_reference, entry.delay) for entry in block.delays)
