"""The range coder of Opus, integers only: symbols <-> bytes.

Compiled functions from state to state, for the compiled functions of whole payloads; `range_coder` wraps them for
everyone else. A state is a tuple of int64 numbers, which compiled code keeps in registers. Raw bits at the end of the
buffer, which DRED does not use, are left out.

| field   | encoder                                             | decoder                                             |
|---------|-----------------------------------------------------|-----------------------------------------------------|
| value   | low end of the interval                             | distance from the input up to the interval's last   |
|         |                                                     | value: 0 = the input is at the very top             |
| width   | width of the interval, above 2^23 between symbols   | the same number                                     |
| shifted | bytes shifted out                                   | bytes shifted in after the first four; the same     |
| held    | last byte shifted out that is not 255, kept back    |                                                     |
|         | because a carry may still increment it              |                                                     |
| pending | bytes of 255 behind it, which a carry would turn    |                                                     |
|         | to 0                                                |                                                     |

A symbol owns `low..high` of a `total`. An inverse table (icdf) holds `total - high` for each symbol: it falls strictly
and ends in 0; it may be a part of a larger table, from `at` on. Derivation: docs/range-coding.md. Source: RFC 6716
sections 4.1 and 5.1.

Compiled functions carry `no_type_check`: a run-time type checker's wrapper would hide their source from the compiler.
"""

from typing import no_type_check

import numpy as np

from dred.compilation import compiled

# Inlined is what runs once per symbol; what runs once per payload would only take room.
_inlined = compiled(inline="late", makes_arrays=False)
_compiled = compiled(makes_arrays=False)

_TOP = 1 << 31  # width of a fresh interval
_BOTTOM = 1 << 23  # down to this width a byte is shifted out or in
_SHIFT = 23  # of the low end's 31 bits the top 8 leave first, a carry lies above them
_FIRST_BYTES = 4  # of them a fresh decoder has 31 bits, the last one belongs to the next step


@_inlined
@no_type_check
def _width_bits(width):
    bits = 24
    while width >> bits:
        bits += 1
    return bits


@_inlined
@no_type_check
def tell_bits(state):
    """Count the bits used so far, rounded up. A fresh coder has used 1; encoder and decoder always agree."""
    _, width, shifted = state[:3]
    return 33 + 8 * shifted - _width_bits(width)


@_inlined
@no_type_check
def _part_of(width, low, high, total):
    # How far below the top of the interval a symbol's part begins and ends. The first symbol's reaches up to the
    # interval's low end, with what the division by the total left over.
    step = width // total
    return step * (total - low) if low > 0 else width, step * (total - high)


@_inlined
@no_type_check
def start_encoder():
    """Return the state of a fresh encoder."""
    return np.int64(0), np.int64(_TOP), np.int64(0), np.int64(0), np.int64(0)


@_inlined
@no_type_check
def _store(out, at, byte):
    # What does not fit is counted, not stored: the caller learns from `tell_bits` that it went too far.
    if 0 <= at < out.size:
        out[at] = byte


@_inlined
@no_type_check
def _shift_out(out, byte_and_carry, shifted, held, pending):
    if byte_and_carry == 255:
        pending += 1
    else:
        carry = byte_and_carry >> 8
        _store(out, shifted - pending - 1, held + carry)
        while pending > 0:
            _store(out, shifted - pending, (255 + carry) & 255)
            pending -= 1
        held = byte_and_carry & 255
    return shifted + 1, held, pending


@_inlined
@no_type_check
def _narrow_encoder(state, out, above, below):
    value, width, shifted, held, pending = state
    value += width - above
    width = above - below
    while width <= _BOTTOM:
        shifted, held, pending = _shift_out(out, value >> _SHIFT, shifted, held, pending)
        value = (value << 8) & (_TOP - 1)
        width <<= 8
    return value, width, shifted, held, pending


@_compiled
@no_type_check
def encode(state, out, low, high, total):
    """Encode the symbol that owns `low..high` of `total`, which is at most 65536."""
    above, below = _part_of(state[1], low, high, total)
    return _narrow_encoder(state, out, above, below)


@_inlined
@no_type_check
def encode_icdf(state, out, symbol, table, at, total_bits):
    """Encode a symbol by its inverse table of total 2^total_bits."""
    width = state[1]
    step = width >> total_bits
    above = step * np.int64(table[at + symbol - 1]) if symbol > 0 else width
    return _narrow_encoder(state, out, above, step * np.int64(table[at + symbol]))


@_compiled
@no_type_check
def finish(state, out, num_bytes):
    """Write the fewest bits that pin the interval whatever follows, then zeros up to `num_bytes`.

    ceil(tell_bits / 8) bytes always suffice. Nothing can be encoded afterwards.
    """
    value, width, shifted, held, pending = state
    num_bits = 32 - _width_bits(width)
    mask = (_TOP - 1) >> num_bits
    end = (value + mask) & ~mask
    if (end | mask) >= value + width:
        num_bits += 1
        mask >>= 1
        end = (value + mask) & ~mask
    while num_bits > 0:
        shifted, held, pending = _shift_out(out, end >> _SHIFT, shifted, held, pending)
        end = (end << 8) & (_TOP - 1)
        num_bits -= 8
    shifted, held, pending = _shift_out(out, 0, shifted, held, pending)  # pushes out the byte kept back
    out[shifted - 1 : num_bytes] = 0


@_inlined
@no_type_check
def _byte_at(data, position):
    # Past the end all bytes are zeros.
    return np.int64(data[position]) if position < len(data) else np.int64(0)


@_inlined
@no_type_check
def _shift_in(data, value, shifted):
    # 31 bits of interval, so bytes straddle by one bit.
    position = shifted + _FIRST_BYTES
    byte = (_byte_at(data, position - 1) << 7 | _byte_at(data, position) >> 1) & 255
    return ((value << 8) | (255 - byte)) & (_TOP - 1)


@_inlined
@no_type_check
def narrow_decoder(state, data, above, below):
    """Move past the symbol whose part begins `above` and ends `below` under the top of the interval."""
    value, width, shifted = state
    value -= below
    width = above - below
    while width <= _BOTTOM >> 8:
        value = _shift_in(data, value, shifted)
        width <<= 8
        shifted += 1
    # The last byte is taken without a branch: whether it is due is random, and a wrong guess costs more than the byte.
    is_due = width <= _BOTTOM
    shifted_value = _shift_in(data, value, shifted)
    value = shifted_value if is_due else value
    width = width << 8 if is_due else width
    return value, width, shifted + is_due


@_inlined
@no_type_check
def start_decoder(data):
    """Return the state of a decoder at the start of any bytes; past their end it reads zeros."""
    first = 127 - (_byte_at(data, 0) >> 1)  # 7 bits of the first byte, the other one belongs to the next step
    return narrow_decoder((first, np.int64(1 << 7), np.int64(1 - _FIRST_BYTES)), data, np.int64(1 << 7), np.int64(0))


@_inlined
@no_type_check
def peek(state, total):
    """Return the point of `0..total - 1` at which the input lies; `advance` then moves past the symbol that owns it."""
    value, width, _ = state
    return total - min(value // (width // total) + 1, total)


@_compiled
@no_type_check
def advance(state, data, low, high, total):
    """Move past the symbol that owns `low..high` of `total`."""
    above, below = _part_of(state[1], low, high, total)
    return narrow_decoder(state, data, above, below)


@_compiled
@no_type_check
def decode_uint(state, data, total):
    """Decode one of `total` values of the same probability."""
    value = peek(state, total)
    return value, advance(state, data, value, value + 1, total)


@_inlined
@no_type_check
def decode_icdf(state, data, table, at, total_bits):
    """Decode a symbol by its inverse table of total 2^total_bits."""
    value, width, _ = state
    step = width >> total_bits
    symbol = 0
    above, below = width, step * np.int64(table[at])
    while value < below:
        symbol += 1
        above, below = below, step * np.int64(table[at + symbol])
    return symbol, narrow_decoder(state, data, above, below)


@_inlined
@no_type_check
def decode_sign(state, data, table, at, total_bits):
    """Decode a symbol of three by its inverse table, where a guess between the last two would mostly be wrong."""
    value, width, _ = state
    step = width >> total_bits
    first, second = step * np.int64(table[at]), step * np.int64(table[at + 1])
    if value >= first:
        return 0, narrow_decoder(state, data, width, first)
    is_last = value < second
    above = second if is_last else first
    below = np.int64(0) if is_last else second
    return 1 + is_last, narrow_decoder(state, data, above, below)
