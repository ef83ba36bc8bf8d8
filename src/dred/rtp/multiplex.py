"""RTP and RTCP on one port, told apart by their second byte.

Source: RFC 5761 section 4: RTCP has packet types 192 to 223, which would be RTP payload types 64 to 95 with the marker
set; those are not used where both share a port.
"""

__all__ = ["MULTIPLEX_FORBIDDEN_TYPES", "is_rtcp"]

MULTIPLEX_FORBIDDEN_TYPES = range(64, 96)
_RTCP_TYPES = range(192, 224)


def is_rtcp(datagram: bytes) -> bool:
    """Tell whether a datagram is meant as RTCP; the parsers check the rest."""
    return len(datagram) >= 2 and datagram[1] in _RTCP_TYPES
