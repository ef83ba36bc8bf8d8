"""Wall-clock time as RTCP writes it: 64 bits of NTP, or the 32 bits in their middle.

Source: RFC 3550 section 4 (both forms), RFC 5905 (the epoch of 1900).
"""

__all__ = ["compact_ntp", "compact_ntp_to_ms", "ms_to_compact_ntp", "unix_ms_to_ntp"]

_UNIX_EPOCH_S = 2_208_988_800
_MASK_32 = (1 << 32) - 1
_MASK_64 = (1 << 64) - 1


def unix_ms_to_ntp(unix_ms: float) -> int:
    """Convert milliseconds since 1970 to 64 bits: seconds since 1900 and their fraction; era 1 follows in 2036."""
    return (_UNIX_EPOCH_S * (1 << 32) + round(unix_ms * (1 << 32) / 1000)) & _MASK_64


def compact_ntp(ntp: int) -> int:
    """Return the middle 32 bits: 16 of seconds and 16 of their fraction."""
    return ntp >> 16 & _MASK_32


def ms_to_compact_ntp(ms: float) -> int:
    """Convert a span of time to units of 1/65536 s; what 32 bits cannot hold becomes the largest they can."""
    return min(max(round(ms * 65.536), 0), _MASK_32)


def compact_ntp_to_ms(units: int) -> float:
    """Convert units of 1/65536 s to milliseconds."""
    return units / 65.536
