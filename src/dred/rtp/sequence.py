"""Sequence numbers and timestamps that wrap around enter, plain integers that do not leave.

This is the only place that knows about the wrap-around of RTP's 16-bit sequence numbers and 32-bit timestamps. The
integers may be negative: a packet from before the first one that arrived.

Source: RFC 3550 section 5.1 (widths); taking the nearest candidate is our choice.
"""

from dred.errors import RtpFormatError, UsageError

__all__ = ["SequenceUnwrapper", "TimestampUnwrapper"]


class _Unwrapper:
    """Give each number the multiple of the modulus that puts it nearest to the number before."""

    _num_bits: int

    def __init__(self, *, max_jump: int | None = None) -> None:
        """Start before the first number.

        Args:
            max_jump: Largest distance between two successive numbers, 1 to half the modulus less 1, which is the
                default. It keeps a corrupt or hostile packet from shifting everything behind it.
        """
        half = 1 << (self._num_bits - 1)
        self._max_jump = half - 1 if max_jump is None else max_jump
        if not 1 <= self._max_jump < half:
            raise UsageError(f"max_jump must lie in 1-{half - 1}, got {max_jump}")
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """Return the plain integer that `value` stands for; the first number stands for itself.

        Raises:
            RtpFormatError: The jump exceeds `max_jump`. The number is forgotten.
            UsageError: The number has too many bits.
        """
        modulus = 1 << self._num_bits
        if not 0 <= value < modulus:
            raise UsageError(f"the number must lie in 0-{modulus - 1}, got {value}")
        if self._last is None:
            self._last = value
            return value
        half = modulus // 2
        jump = (value - self._last + half) % modulus - half
        if abs(jump) > self._max_jump:
            raise RtpFormatError(f"a number within {self._max_jump} of the one before", value=value)
        self._last += jump
        return self._last


class SequenceUnwrapper(_Unwrapper):
    """Count RTP packets without end: 65535 is followed by 65536."""

    _num_bits = 16


class TimestampUnwrapper(_Unwrapper):
    """Count RTP ticks without end: 4294967295 is followed by 4294967296."""

    _num_bits = 32
