"""RTP packets: the fixed header, contributing sources, header extension and padding.

Bytes enter and an `RtpPacket` leaves, or the other way round. What the payload means is decided elsewhere: RED in
`red`, Opus in `dred.opus`.

Source: RFC 3550 section 5.1 and 5.3.1.
"""

import struct
from dataclasses import dataclass

from dred.errors import RtpFormatError, UsageError

__all__ = ["HeaderExtension", "RtpPacket", "parse_rtp", "write_rtp"]

_FIXED_HEADER = struct.Struct(">BBHII")
_EXTENSION_HEADER = struct.Struct(">HH")
_VERSION = 2
_PADDING_FLAG = 0x20
_EXTENSION_FLAG = 0x10
_MAX_CSRCS = 15
_MAX_PADDING = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderExtension:
    """The one header extension that a packet may carry.

    Attributes:
        profile: 16 bits that the profile defines, such as 0xBEDE of RFC 8285.
        data: A whole number of 4-byte words, up to 65535 of them.
    """

    profile: int
    data: bytes

    def __post_init__(self) -> None:
        _require_range("profile", self.profile, 0xFFFF)
        if len(self.data) % 4:
            raise UsageError(f"a header extension holds a multiple of 4 bytes, got {len(self.data)}")
        _require_range("header extension words", len(self.data) // 4, 0xFFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpPacket:
    """One RTP packet.

    Attributes:
        payload_type: 0-127.
        sequence: 0-65535.
        timestamp: 32 bits; 48 kHz ticks for Opus.
        ssrc: 32 bits.
        payload: May be empty.
        marker: For audio, the first packet after a silence.
        csrcs: Up to 15 contributing sources of 32 bits.
        extension: The header extension, if any.
        padding_bytes: 0-255 bytes of padding behind the payload.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    extension: HeaderExtension | None = None
    padding_bytes: int = 0

    def __post_init__(self) -> None:
        _require_range("payload_type", self.payload_type, 0x7F)
        _require_range("sequence", self.sequence, 0xFFFF)
        _require_range("timestamp", self.timestamp, 0xFFFFFFFF)
        _require_range("ssrc", self.ssrc, 0xFFFFFFFF)
        _require_range("number of csrcs", len(self.csrcs), _MAX_CSRCS)
        for csrc in self.csrcs:
            _require_range("csrc", csrc, 0xFFFFFFFF)
        _require_range("padding_bytes", self.padding_bytes, _MAX_PADDING)


def parse_rtp(data: bytes) -> RtpPacket:
    """Take an RTP packet apart.

    Raises:
        RtpFormatError: The version is not 2, or a part does not fit into the data.
    """
    if len(data) < _FIXED_HEADER.size:
        raise RtpFormatError("an RTP header takes 12 bytes", offset=len(data), value=len(data))
    first, second, sequence, timestamp, ssrc = _FIXED_HEADER.unpack_from(data)
    if first >> 6 != _VERSION:
        raise RtpFormatError("RTP is of version 2", value=first >> 6)
    at = _FIXED_HEADER.size
    num_csrcs = first & _MAX_CSRCS
    if at + 4 * num_csrcs > len(data):
        raise RtpFormatError("the contributing sources lie within the packet", offset=at, value=num_csrcs)
    csrcs = struct.unpack_from(f">{num_csrcs}I", data, at)
    at += 4 * num_csrcs
    extension = None
    if first & _EXTENSION_FLAG:
        extension, at = _parse_extension(data, at)
    padding_bytes = 0
    if first & _PADDING_FLAG:
        padding_bytes = data[-1]
        if not 1 <= padding_bytes <= len(data) - at:
            raise RtpFormatError(
                "padding is at least 1 byte and lies behind the header", offset=len(data) - 1, value=padding_bytes
            )
    return RtpPacket(
        payload_type=second & 0x7F,
        sequence=sequence,
        timestamp=timestamp,
        ssrc=ssrc,
        payload=data[at : len(data) - padding_bytes],
        marker=bool(second & 0x80),
        csrcs=csrcs,
        extension=extension,
        padding_bytes=padding_bytes,
    )


def write_rtp(packet: RtpPacket) -> bytes:
    """Put an RTP packet together; its padding is zeros and a last byte that counts them."""
    first = _VERSION << 6 | len(packet.csrcs)
    parts = [struct.pack(f">{len(packet.csrcs)}I", *packet.csrcs)]
    if packet.extension is not None:
        first |= _EXTENSION_FLAG
        parts += [
            _EXTENSION_HEADER.pack(packet.extension.profile, len(packet.extension.data) // 4),
            packet.extension.data,
        ]
    parts.append(packet.payload)
    if packet.padding_bytes:
        first |= _PADDING_FLAG
        parts.append(bytes(packet.padding_bytes - 1) + bytes([packet.padding_bytes]))
    second = packet.marker << 7 | packet.payload_type
    return _FIXED_HEADER.pack(first, second, packet.sequence, packet.timestamp, packet.ssrc) + b"".join(parts)


def _parse_extension(data: bytes, at: int) -> tuple[HeaderExtension, int]:
    """Read the header extension at `at`; also return where it ends."""
    start = at + _EXTENSION_HEADER.size
    if start > len(data):
        raise RtpFormatError("the header extension lies within the packet", offset=at, value=len(data) - at)
    profile, num_words = _EXTENSION_HEADER.unpack_from(data, at)
    end = start + 4 * num_words
    if end > len(data):
        raise RtpFormatError("the header extension lies within the packet", offset=at + 2, value=num_words)
    return HeaderExtension(profile=profile, data=data[start:end]), end


def _require_range(name: str, value: int, highest: int) -> None:
    if not 0 <= value <= highest:
        raise UsageError(f"{name} must lie in 0-{highest}, got {value}")
