"""UDP over IPv4 in the frames of a capture: a frame enters, a datagram leaves; and back.

Source: RFC 768, RFC 791, RFC 1071 (checksum); the LINKTYPE_ registry of draft-ietf-opsawg-pcaplinktype.
"""

import struct
from dataclasses import dataclass

from dred.errors import UsageError

__all__ = ["ETHERNET", "LINK_TYPES", "UdpDatagram", "parse_udp_frame", "write_udp_frame"]

ETHERNET = 1
_IPV4_ETHERTYPE = 0x0800
_VLAN_ETHERTYPES = (0x8100, 0x88A8)
# Name, header bytes, and where within them the ethertype stands (None: there is none, only an IP version).
LINK_TYPES: dict[int, tuple[str, int, int | None]] = {
    0: ("loopback", 4, None),
    ETHERNET: ("Ethernet", 14, 12),
    101: ("raw IP", 0, None),
    113: ("Linux cooked", 16, 14),
    228: ("raw IPv4", 0, None),
    276: ("Linux cooked v2", 20, 0),
}
_IPV4_HEADER = struct.Struct(">BBHHHBBH4s4s")
_UDP_HEADER = struct.Struct(">HHHH")
_UDP_PROTOCOL = 17
_DONT_FRAGMENT = 0x4000
_FRAGMENT_MASK = 0x3FFF
_TIME_TO_LIVE = 64
_MAX_PAYLOAD_BYTES = 65535 - _IPV4_HEADER.size - _UDP_HEADER.size

# Addresses that are nobody's: locally administered, and TEST-NET-1. Source: RFC 5737.
_SOURCE_MAC = bytes.fromhex("020000000001")
_DESTINATION_MAC = bytes.fromhex("020000000002")
_SOURCE_IP = bytes([192, 0, 2, 1])
_DESTINATION_IP = bytes([192, 0, 2, 2])


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpDatagram:
    """One datagram and where it goes.

    Attributes:
        source: IPv4 address and port, 6 bytes.
        destination: Likewise.
        payload: What the datagram carries, or its beginning if the capture cut it.
        is_cut: Whether the capture cut it.
    """

    source: bytes
    destination: bytes
    payload: bytes
    is_cut: bool


def parse_udp_frame(frame: bytes, link_type: int) -> UdpDatagram | None:
    """Find the UDP datagram in a frame; None if there is none, or it is IPv6, a fragment or malformed.

    VLAN tags are skipped. Checksums are not looked at: a capture on the sending machine often precedes them.
    """
    start = _find_ipv4(frame, link_type)
    if start is None or start + _IPV4_HEADER.size > len(frame):
        return None
    version, _, total_bytes, _, fragment, _, protocol, _, source_ip, destination_ip = _IPV4_HEADER.unpack_from(
        frame, start
    )
    if version >> 4 != 4 or protocol != _UDP_PROTOCOL or fragment & _FRAGMENT_MASK:
        return None
    header_bytes = 4 * (version & 0xF)
    udp_start = start + header_bytes
    if header_bytes < _IPV4_HEADER.size or udp_start + _UDP_HEADER.size > len(frame):
        return None
    _, _, udp_bytes, _ = _UDP_HEADER.unpack_from(frame, udp_start)
    if not _UDP_HEADER.size <= udp_bytes <= total_bytes - header_bytes:
        return None
    return UdpDatagram(
        source=source_ip + frame[udp_start : udp_start + 2],
        destination=destination_ip + frame[udp_start + 2 : udp_start + 4],
        payload=frame[udp_start + _UDP_HEADER.size : udp_start + udp_bytes],
        is_cut=udp_start + udp_bytes > len(frame),
    )


def write_udp_frame(payload: bytes, *, source_port: int, destination_port: int) -> bytes:
    """Wrap a payload in UDP, IPv4 and Ethernet, with checksums, between two addresses meant for documentation.

    Raises:
        UsageError: The payload exceeds 65507 bytes.
    """
    if len(payload) > _MAX_PAYLOAD_BYTES:
        raise UsageError(f"a UDP payload holds up to {_MAX_PAYLOAD_BYTES} bytes, got {len(payload)}")
    udp_bytes = _UDP_HEADER.size + len(payload)
    pseudo_header = _SOURCE_IP + _DESTINATION_IP + struct.pack(">HH", _UDP_PROTOCOL, udp_bytes)
    ports = struct.pack(">HHH", source_port, destination_port, udp_bytes)
    # 0 would mean that there is no checksum; 0xFFFF is the same number to the receiver.
    udp_checksum = _checksum(pseudo_header + ports + b"\0\0" + payload) or 0xFFFF
    ip_fields = (0x45, 0, _IPV4_HEADER.size + udp_bytes, 0, _DONT_FRAGMENT, _TIME_TO_LIVE, _UDP_PROTOCOL)
    addresses = (_SOURCE_IP, _DESTINATION_IP)
    ip_checksum = _checksum(_IPV4_HEADER.pack(*ip_fields, 0, *addresses))
    return b"".join(
        (
            _DESTINATION_MAC + _SOURCE_MAC + _IPV4_ETHERTYPE.to_bytes(2),
            _IPV4_HEADER.pack(*ip_fields, ip_checksum, *addresses),
            ports + udp_checksum.to_bytes(2),
            payload,
        )
    )


def _find_ipv4(frame: bytes, link_type: int) -> int | None:
    """Return where the IP header begins, or None if the frame holds no IPv4."""
    if link_type not in LINK_TYPES:
        return None
    _, start, ethertype_at = LINK_TYPES[link_type]
    if ethertype_at is None:
        return start
    ethertype = int.from_bytes(frame[ethertype_at : ethertype_at + 2])
    while ethertype in _VLAN_ETHERTYPES and start + 4 <= len(frame):
        ethertype = int.from_bytes(frame[start + 2 : start + 4])
        start += 4
    return start if ethertype == _IPV4_ETHERTYPE else None


def _checksum(data: bytes) -> int:
    """The internet checksum: the ones' complement of the ones' complement sum of 16-bit words."""
    # 65536 is 1 modulo 65535, so the sum of the words is the whole number modulo 65535. The addresses in `data` are
    # not zero, so a remainder of 0 stands for 0xFFFF.
    total = int.from_bytes(data + b"\0" * (len(data) % 2)) % 0xFFFF or 0xFFFF
    return 0xFFFF - total
