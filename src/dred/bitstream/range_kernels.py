"""The range coder of Opus, integers only: symbols <-> bytes.

Compiled functions over an explicit state, for the compiled functions of whole payloads; `range_coder` wraps them for
everyone else. Raw bits at the end of the buffer, which DRED does not use, are left out.

The state is six int64 numbers, which mean in either direction:

| field     | encoder                                             | decoder                                         |
|-----------|-----------------------------------------------------|-------------------------------------------------|
| VALUE     | low end of the interval                             | distance from the input up to the interval's    |
|           |                                                     | last value: 0 = the input is at the very top    |
| RANGE     | width of the interval, above 2^23 between symbols   | the same number                                 |
| BITS      | bits shifted out, plus the 33 of a fresh coder      | bits shifted in, counted to equal the encoder's |
| POSITION  | index of the next byte to write                     | index of the next byte to read                  |
| REMAINDER | finished byte, kept back because a carry may still  | last byte read, of which the lowest bit is not  |
|           | increment it; -1 before the first                   | in VALUE yet                                    |
| PENDING   | bytes of 255 behind REMAINDER, which a carry would  | unused                                          |
|           | turn to 0                                           |                                                 |

A symbol owns `low..high` of a `total`. An inverse table (icdf) holds `total - high` for each symbol: it falls strictly
and ends in 0. Derivation: docs/range-coding.md. Source: RFC 6716 sections 4.1 and 5.1.

Compiled functions carry `no_type_check`: a run-time type checker's wrapper would hide their source from the compiler.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Int32, Int64, UInt8
from numba import njit

VALUE, RANGE, BITS, POSITION, REMAINDER, PENDING = range(6)

_TOP = 1 << 31  # width of a fresh interval
_BOTTOM = 1 << 23  # down to this width a byte is shifted out or in
_SHIFT = 23  # of the low end's 31 bits the top 8 leave first, a carry lies above them


@njit(cache=True, nogil=True)
@no_type_check
def _width_bits(state: Int64[np.ndarray, " 6"]) -> int:
    bits = 24
    while state[RANGE] >> bits:
        bits += 1
    return bits


@njit(cache=True, nogil=True)
@no_type_check
def tell_bits(state: Int64[np.ndarray, " 6"]) -> int:
    """Count the bits used so far, rounded up. A fresh coder has used 1; encoder and decoder always agree."""
    return state[BITS] - _width_bits(state)


@njit(cache=True, nogil=True)
@no_type_check
def start_encoder() -> Int64[np.ndarray, " 6"]:
    """Return the state of a fresh encoder."""
    state = np.zeros(6, np.int64)
    state[RANGE] = _TOP
    state[BITS] = 33
    state[REMAINDER] = -1
    return state


@njit(cache=True, nogil=True)
@no_type_check
def _write_byte(state: Int64[np.ndarray, " 6"], out: UInt8[np.ndarray, " bytes"], value: int) -> None:
    # What does not fit is counted, not stored: the caller learns from `tell_bits` that it went too far.
    if state[POSITION] < out.size:
        out[state[POSITION]] = value
    state[POSITION] += 1


@njit(cache=True, nogil=True)
@no_type_check
def _shift_out(state: Int64[np.ndarray, " 6"], out: UInt8[np.ndarray, " bytes"], byte_and_carry: int) -> None:
    if byte_and_carry == 255:
        state[PENDING] += 1
        return
    carry = byte_and_carry >> 8
    if state[REMAINDER] >= 0:
        _write_byte(state, out, state[REMAINDER] + carry)
    while state[PENDING] > 0:
        _write_byte(state, out, (255 + carry) & 255)
        state[PENDING] -= 1
    state[REMAINDER] = byte_and_carry & 255


@njit(cache=True, nogil=True)
@no_type_check
def _narrow_encoder(
    state: Int64[np.ndarray, " 6"], out: UInt8[np.ndarray, " bytes"], step: int, above: int, below: int, is_first: bool
) -> None:
    # The first symbol also owns what the division by the total left over.
    if is_first:
        state[RANGE] -= step * below
    else:
        state[VALUE] += state[RANGE] - step * above
        state[RANGE] = step * (above - below)
    while state[RANGE] <= _BOTTOM:
        _shift_out(state, out, state[VALUE] >> _SHIFT)
        state[VALUE] = (state[VALUE] << 8) & (_TOP - 1)
        state[RANGE] <<= 8
        state[BITS] += 8


@njit(cache=True, nogil=True)
@no_type_check
def encode(state: Int64[np.ndarray, " 6"], out: UInt8[np.ndarray, " bytes"], low: int, high: int, total: int) -> None:
    """Encode the symbol that owns `low..high` of `total`, which is at most 65536."""
    _narrow_encoder(state, out, state[RANGE] // total, total - low, total - high, low == 0)


@njit(cache=True, nogil=True)
@no_type_check
def encode_icdf(
    state: Int64[np.ndarray, " 6"],
    out: UInt8[np.ndarray, " bytes"],
    symbol: int,
    icdf: Int32[np.ndarray, " symbols"],
    total_bits: int,
) -> None:
    """Encode a symbol by its inverse table of total 2^total_bits."""
    above = icdf[symbol - 1] if symbol > 0 else 1 << total_bits
    _narrow_encoder(state, out, state[RANGE] >> total_bits, above, icdf[symbol], symbol == 0)


@njit(cache=True, nogil=True)
@no_type_check
def finish(state: Int64[np.ndarray, " 6"], out: UInt8[np.ndarray, " bytes"], num_bytes: int) -> None:
    """Write the fewest bits that pin the interval whatever follows, then zeros up to `num_bytes`.

    ceil(tell_bits / 8) bytes always suffice. Nothing can be encoded afterwards.
    """
    num_bits = 32 - _width_bits(state)
    mask = (_TOP - 1) >> num_bits
    end = (state[VALUE] + mask) & ~mask
    if (end | mask) >= state[VALUE] + state[RANGE]:
        num_bits += 1
        mask >>= 1
        end = (state[VALUE] + mask) & ~mask
    while num_bits > 0:
        _shift_out(state, out, end >> _SHIFT)
        end = (end << 8) & (_TOP - 1)
        num_bits -= 8
    _shift_out(state, out, 0)  # pushes out the byte kept back
    out[state[POSITION] : num_bytes] = 0


@njit(cache=True, nogil=True)
@no_type_check
def _read_byte(state: Int64[np.ndarray, " 6"], data: UInt8[np.ndarray, " bytes"]) -> int:
    byte = np.int64(0)  # also the value of every byte past the end
    if state[POSITION] < data.size:
        byte = np.int64(data[state[POSITION]])
    state[POSITION] += 1
    return byte


@njit(cache=True, nogil=True)
@no_type_check
def _shift_in(state: Int64[np.ndarray, " 6"], data: UInt8[np.ndarray, " bytes"]) -> None:
    while state[RANGE] <= _BOTTOM:
        pair = state[REMAINDER] << 8
        state[REMAINDER] = _read_byte(state, data)
        byte = ((pair | state[REMAINDER]) >> 1) & 255  # 31 bits of interval, so bytes straddle by one bit
        state[VALUE] = ((state[VALUE] << 8) | (255 - byte)) & (_TOP - 1)
        state[RANGE] <<= 8
        state[BITS] += 8


@njit(cache=True, nogil=True)
@no_type_check
def start_decoder(data: UInt8[np.ndarray, " bytes"]) -> Int64[np.ndarray, " 6"]:
    """Return the state of a decoder at the start of any bytes; past their end it reads zeros."""
    state = np.zeros(6, np.int64)
    state[RANGE] = 1 << 7  # the first byte gives 7 bits, its last one belongs to the next step
    state[BITS] = 9
    state[REMAINDER] = _read_byte(state, data)
    state[VALUE] = 127 - (state[REMAINDER] >> 1)
    _shift_in(state, data)
    return state


@njit(cache=True, nogil=True)
@no_type_check
def _narrow_decoder(
    state: Int64[np.ndarray, " 6"], data: UInt8[np.ndarray, " bytes"], step: int, above: int, below: int, is_first: bool
) -> None:
    state[VALUE] -= step * below
    state[RANGE] = state[RANGE] - step * below if is_first else step * (above - below)
    _shift_in(state, data)


@njit(cache=True, nogil=True)
@no_type_check
def peek(state: Int64[np.ndarray, " 6"], total: int) -> int:
    """Return the point of `0..total - 1` at which the input lies; `advance` then moves past the symbol that owns it."""
    return total - min(state[VALUE] // (state[RANGE] // total) + 1, total)


@njit(cache=True, nogil=True)
@no_type_check
def advance(state: Int64[np.ndarray, " 6"], data: UInt8[np.ndarray, " bytes"], low: int, high: int, total: int) -> None:
    """Move past the symbol that owns `low..high` of `total`."""
    _narrow_decoder(state, data, state[RANGE] // total, total - low, total - high, low == 0)


@njit(cache=True, nogil=True)
@no_type_check
def decode_uint(state: Int64[np.ndarray, " 6"], data: UInt8[np.ndarray, " bytes"], total: int) -> int:
    """Decode one of `total` values of the same probability."""
    value = peek(state, total)
    advance(state, data, value, value + 1, total)
    return value


@njit(cache=True, nogil=True)
@no_type_check
def decode_icdf(
    state: Int64[np.ndarray, " 6"],
    data: UInt8[np.ndarray, " bytes"],
    icdf: Int32[np.ndarray, " symbols"],
    total_bits: int,
) -> int:
    """Decode a symbol by its inverse table of total 2^total_bits."""
    step = state[RANGE] >> total_bits
    symbol = 0
    while state[VALUE] < step * icdf[symbol]:
        symbol += 1
    above = icdf[symbol - 1] if symbol > 0 else 1 << total_bits
    _narrow_decoder(state, data, step, above, icdf[symbol], symbol == 0)
    return symbol
