"""Pcapng files, which Wireshark writes unless told otherwise: bytes enter, captured frames leave.

Source: draft-ietf-opsawg-pcapng section 4.
"""

import struct
from collections.abc import Iterator

from dred.errors import FileFormatError
from dred.rtp.pcap_records import CapturedFrame

__all__ = ["PCAPNG_MAGIC", "iter_pcapng_frames"]

PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
_BYTE_ORDER_MAGICS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_INTERFACE = 1
_SIMPLE_PACKET = 3
_ENHANCED_PACKET = 6
_OPTION_END = 0
_OPTION_RESOLUTION = 9
_OPTION_OFFSET_S = 14
_MIN_BLOCK_BYTES = 12
# Our choice, against files made to fill the memory.
_MAX_INTERFACES = 4096
_DEFAULT_UNITS_PER_S = 1_000_000


def iter_pcapng_frames(data: bytes) -> Iterator[CapturedFrame]:
    """Read the frames of a pcapng file; blocks that hold none are skipped.

    Raises:
        FileFormatError: The file ends within a block, or a block contradicts itself.
    """
    order = ""
    # Link type, snap length, units per second and offset in seconds, by interface number.
    interfaces: list[tuple[int, int, int, int]] = []
    at = 0
    while at < len(data):
        if at + _MIN_BLOCK_BYTES > len(data):
            raise FileFormatError("a pcapng block takes at least 12 bytes", offset=at, value=len(data) - at)
        if data[at : at + 4] == PCAPNG_MAGIC:
            order = _BYTE_ORDER_MAGICS.get(data[at + 8 : at + 12], "")
            interfaces = []
        if not order:
            raise FileFormatError(
                "a pcapng section begins with a byte order magic", offset=at, value=data[at : at + 12]
            )
        kind, block_bytes = struct.unpack_from(order + "II", data, at)
        if block_bytes < _MIN_BLOCK_BYTES or block_bytes % 4 or at + block_bytes > len(data):
            raise FileFormatError("a pcapng file ends with a whole block", offset=at, value=block_bytes)
        body = data[at + 8 : at + block_bytes - 4]
        if kind == _INTERFACE:
            if len(interfaces) >= _MAX_INTERFACES:
                raise FileFormatError(f"at most {_MAX_INTERFACES} interfaces", offset=at, value=len(interfaces))
            interfaces.append(_parse_interface(body, order, at))
        elif kind in (_ENHANCED_PACKET, _SIMPLE_PACKET):
            yield _parse_packet(body, order, at, interfaces, is_simple=kind == _SIMPLE_PACKET)
        at += block_bytes


def _parse_interface(body: bytes, order: str, offset: int) -> tuple[int, int, int, int]:
    """Read link type, snap length, units per second and time offset in seconds."""
    if len(body) < 8:
        raise FileFormatError("an interface block holds at least 8 bytes", offset=offset, value=len(body))
    link_type, _, snap_bytes = struct.unpack_from(order + "HHI", body)
    units_per_s, offset_s = _DEFAULT_UNITS_PER_S, 0
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == _OPTION_END:
            break
        if code == _OPTION_RESOLUTION and len(value) == 1:
            exponent = value[0] & 0x7F
            units_per_s = 1 << exponent if value[0] & 0x80 else 10**exponent
        elif code == _OPTION_OFFSET_S and len(value) == 8:
            (offset_s,) = struct.unpack(order + "q", value)
        at += 4 + (length + 3) // 4 * 4
    return link_type, snap_bytes, units_per_s, offset_s


def _parse_packet(
    body: bytes, order: str, offset: int, interfaces: list[tuple[int, int, int, int]], *, is_simple: bool
) -> CapturedFrame:
    """Read an enhanced packet block, or a simple one, which has neither time nor interface number."""
    header = struct.Struct(order + ("I" if is_simple else "IIIII"))
    if len(body) < header.size:
        raise FileFormatError(f"a packet block holds at least {header.size} bytes", offset=offset, value=len(body))
    fields = header.unpack_from(body)
    interface = 0 if is_simple else fields[0]
    if interface >= len(interfaces):
        raise FileFormatError("a packet's interface was described before it", offset=offset, value=interface)
    link_type, snap_bytes, units_per_s, offset_s = interfaces[interface]
    if is_simple:
        original_bytes = fields[0]
        captured_bytes = min(original_bytes, snap_bytes or original_bytes)
        time_us = 0
    else:
        _, high, low, captured_bytes, original_bytes = fields
        time_us = (high << 32 | low) * 1_000_000 // units_per_s + offset_s * 1_000_000
    if header.size + captured_bytes > len(body):
        raise FileFormatError("a packet lies within its block", offset=offset, value=captured_bytes)
    return CapturedFrame(
        time_us=time_us,
        link_type=link_type,
        data=body[header.size : header.size + captured_bytes],
        is_cut=captured_bytes < original_bytes,
        offset=offset,
    )
