"""Classic pcap files: bytes enter, captured frames leave; and back.

Source: draft-ietf-opsawg-pcap sections 4 and 5.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dred.errors import FileFormatError, UsageError

__all__ = ["PCAP_MAGICS", "CapturedFrame", "iter_pcap_frames", "write_pcap_frames"]

# Byte order and units per second, by the first four bytes.
PCAP_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
}
_FILE_HEADER = "IHHiIII"
_RECORD_HEADER = "IIII"
_FILE_HEADER_BYTES = 24
_RECORD_HEADER_BYTES = 16
_SNAP_BYTES = 262_144
# The upper half of the field tells about frame check sequences.
_LINK_TYPE_MASK = 0xFFFF
_MAX_TIME_US = (1 << 32) * 1_000_000 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedFrame:
    """One frame of a capture.

    Attributes:
        time_us: Microseconds since 1970.
        link_type: What the frame begins with, a LINKTYPE_ number.
        data: The frame, or its beginning if the capture cut it.
        is_cut: Whether the frame was longer on the wire.
        offset: Where the record begins in the file; 0 for a frame to write.
    """

    time_us: int
    link_type: int
    data: bytes
    is_cut: bool = False
    offset: int = 0


def iter_pcap_frames(data: bytes) -> Iterator[CapturedFrame]:
    """Read the frames of a classic pcap file of either byte order, in micro- or nanoseconds.

    Raises:
        FileFormatError: The magic is unknown, or the file ends within a record.
    """
    if data[:4] not in PCAP_MAGICS:
        raise FileFormatError("a pcap file begins with a pcap magic", value=data[:4])
    if len(data) < _FILE_HEADER_BYTES:
        raise FileFormatError("a pcap file header takes 24 bytes", offset=len(data), value=len(data))
    order, units_per_s = PCAP_MAGICS[data[:4]]
    link_type = struct.unpack_from(order + _FILE_HEADER, data)[-1] & _LINK_TYPE_MASK
    record_header = struct.Struct(order + _RECORD_HEADER)
    at = _FILE_HEADER_BYTES
    while at < len(data):
        start = at + _RECORD_HEADER_BYTES
        if start > len(data):
            raise FileFormatError("a pcap file ends with a whole record header", offset=at, value=len(data) - at)
        seconds, units, captured_bytes, original_bytes = record_header.unpack_from(data, at)
        if start + captured_bytes > len(data):
            raise FileFormatError("a pcap file ends with a whole record", offset=at, value=captured_bytes)
        yield CapturedFrame(
            time_us=seconds * 1_000_000 + units * 1_000_000 // units_per_s,
            link_type=link_type,
            data=data[start : start + captured_bytes],
            is_cut=captured_bytes < original_bytes,
            offset=at,
        )
        at = start + captured_bytes


def write_pcap_frames(frames: Iterable[CapturedFrame], link_type: int) -> bytes:
    """Write whole frames of one link type as a little-endian file in microseconds.

    Raises:
        UsageError: A time lies outside the years 1970 to 2106.
    """
    magic = next(iter(PCAP_MAGICS))
    parts = [magic, struct.pack("<" + _FILE_HEADER, 0, 2, 4, 0, 0, _SNAP_BYTES, link_type)[4:]]
    for frame in frames:
        if not 0 <= frame.time_us <= _MAX_TIME_US:
            raise UsageError(f"time_us must lie in 0-{_MAX_TIME_US}, got {frame.time_us}")
        seconds, microseconds = divmod(frame.time_us, 1_000_000)
        parts += [
            struct.pack("<" + _RECORD_HEADER, seconds, microseconds, len(frame.data), len(frame.data)),
            frame.data,
        ]
    return b"".join(parts)
