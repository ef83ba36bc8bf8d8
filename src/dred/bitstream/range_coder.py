"""The range coder of Opus for tests and tools: one call per symbol, arguments checked.

A payload is coded by compiled functions instead (`range_kernels`), which these two classes wrap.
"""

import numpy as np
from jaxtyping import UInt16

from dred.bitstream import range_kernels as kernels
from dred.errors import UsageError

_MAX_TOTAL = 1 << 16  # leaves each unit of a total at least 2^7 of the interval


def _as_icdf(icdf: list[int], total_bits: int) -> UInt16[np.ndarray, " symbols"]:
    table = np.array([1 << total_bits, *icdf])
    if not 1 <= total_bits <= 16 or np.any(np.diff(table) >= 0) or table[-1] != 0:
        raise UsageError("an inverse table falls strictly from below 2^total_bits, with 1..16 bits, to 0")
    return table[1:].astype(np.uint16)


def _check_total(total: int) -> None:
    if not 2 <= total <= _MAX_TOTAL:
        raise UsageError(f"the total of frequencies must be 2..{_MAX_TOTAL}, not {total}")


class RangeEncoder:
    """Symbols in, bytes out. After `finish` the encoder is used up."""

    def __init__(self, max_bytes: int) -> None:
        self._state = kernels.start_encoder()
        self._out = np.zeros(max_bytes, np.uint8)
        self._is_finished = False

    def _check_open(self) -> None:
        if self._is_finished:
            raise UsageError("nothing can be encoded after finish")

    def tell_bits(self) -> int:
        """Count the bits used so far, rounded up; 1 at the start."""
        return int(kernels.tell_bits(self._state))

    def encode(self, low: int, high: int, total: int) -> None:
        """Encode the symbol that owns `low..high` of `total`.

        Raises:
            UsageError: Not 0 <= low < high <= total, or `total` is not 2..65536.
        """
        self._check_open()
        _check_total(total)
        if not 0 <= low < high <= total:
            raise UsageError(f"a symbol owns low < high within 0..{total}, not {low}..{high}")
        self._state = kernels.encode(self._state, self._out, low, high, total)

    def encode_uint(self, value: int, total: int) -> None:
        """Encode one of `total` values of the same probability.

        Up to 256 values this is RFC 6716's uniform integer; beyond, that one uses raw bits.
        """
        self.encode(value, value + 1, total)

    def encode_icdf(self, symbol: int, icdf: list[int], total_bits: int) -> None:
        """Encode a symbol by its inverse table of total 2^total_bits.

        Raises:
            UsageError: The table does not fall strictly to 0, or the symbol lies outside it.
        """
        self._check_open()
        table = _as_icdf(icdf, total_bits)
        if not 0 <= symbol < table.size:
            raise UsageError(f"the symbol must be 0..{table.size - 1}, not {symbol}")
        self._state = kernels.encode_icdf(self._state, self._out, symbol, table, 0, total_bits)

    def finish(self, num_bytes: int | None = None) -> bytes:
        """Return the bytes: as few as hold all symbols, or zero-padded to `num_bytes`.

        Raises:
            UsageError: The symbols need more bytes than that, or than the encoder was made for.
        """
        self._check_open()
        needed = (self.tell_bits() + 7) // 8
        size = needed if num_bytes is None else num_bytes
        if not needed <= size <= self._out.size:
            raise UsageError(f"the symbols need {needed} bytes, there are {min(size, self._out.size)}")
        self._is_finished = True
        kernels.finish(self._state, self._out, size)
        return self._out[:size].tobytes()


class RangeDecoder:
    """Bytes in, symbols out. Any bytes decode; past their end the decoder reads zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._state = kernels.start_decoder(self._data)

    def tell_bits(self) -> int:
        """Count the bits used so far, as the encoder did after the same symbols."""
        return int(kernels.tell_bits(self._state))

    def peek(self, total: int) -> int:
        """Return the point of `0..total - 1` at which the input lies, without moving."""
        _check_total(total)
        return int(kernels.peek(self._state, total))

    def advance(self, low: int, high: int, total: int) -> None:
        """Move past the symbol that owns `low..high` of `total`.

        Raises:
            UsageError: The point from `peek` does not lie in `low..high`.
        """
        if not low <= self.peek(total) < high:
            raise UsageError(f"the input does not lie within {low}..{high} of {total}")
        self._state = kernels.advance(self._state, self._data, low, high, total)

    def decode_uint(self, total: int) -> int:
        """Decode one of `total` values of the same probability."""
        _check_total(total)
        value, self._state = kernels.decode_uint(self._state, self._data, total)
        return int(value)

    def decode_icdf(self, icdf: list[int], total_bits: int) -> int:
        """Decode a symbol by its inverse table of total 2^total_bits."""
        symbol, self._state = kernels.decode_icdf(self._state, self._data, _as_icdf(icdf, total_bits), 0, total_bits)
        return int(symbol)
