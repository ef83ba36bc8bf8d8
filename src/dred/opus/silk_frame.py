"""One SILK frame of one channel: its symbols decoded and counted, for what they leave of the range coder's interval.

    type | gains | spectrum | pitch, if voiced | seed | excitation

Nothing is kept but what decides which symbols follow. A state is the range decoder's.

Source: RFC 6716 section 4.2.7; libopus 1.6.1 silk/decode_indices.c, decode_pulses.c, shell_coder.c, code_signs.c.
"""

from typing import no_type_check

import numpy as np

from dred.bitstream.range_kernels import decode_icdf, narrow_decoder
from dred.compilation import compiled
from dred.opus import silk_tables as tables
from dred.opus.silk_tables import ICDFS, LSF_CLASSES

_inlined = compiled(inline="late", makes_arrays=False)
_compiled = compiled(makes_arrays=False)

INDEPENDENT, WITHOUT_SCALE, CONDITIONAL = range(3)
"""How a frame is coded: on its own, so but without the scale of long-term prediction, by the frame before."""

SCRATCH_SHAPE = (3, 20)
"""Room of int64 that the excitation needs: three numbers for each block of 16 samples in 20 ms at 16 kHz."""

_VOICED = 2
_TOTAL_BITS = 8
_BLOCK_SAMPLES = 16
_MAX_PULSES = 16
_NUM_PULSES_SYMBOLS = _MAX_PULSES + 2
_MAX_LOW_BITS = 10
_LOW_BITS_LEVEL = 9  # the row of NUM_PULSES after those of the rate levels


@_inlined
@no_type_check
def _decode(state, data, at):
    return decode_icdf(state, data, ICDFS, at, _TOTAL_BITS)


@_compiled
@no_type_check
def decode_rarely(state, data, at):
    """Decode a symbol by the table that starts at a place; not built into the caller."""
    return _decode(state, data, at)


@_inlined
@no_type_check
def _decode_toss(state, data, at):
    # A symbol of two, without a branch: half of the guesses would be wrong.
    value, width, _ = state
    middle = (width >> _TOTAL_BITS) * np.int64(ICDFS[at])
    is_second = value < middle
    above = middle if is_second else width
    below = np.int64(0) if is_second else middle
    return np.int64(is_second), narrow_decoder(state, data, above, below)


@_compiled
@no_type_check
def _decode_gains(state, data, signal_type, coding, num_subframes):
    if coding == CONDITIONAL:
        _, state = decode_rarely(state, data, tables.GAIN_CHANGE)
    else:
        _, state = decode_rarely(state, data, tables.GAIN_HIGH + 8 * signal_type)
        _, state = decode_rarely(state, data, tables.UNIFORM_8)
    for _ in range(num_subframes - 1):
        _, state = decode_rarely(state, data, tables.GAIN_CHANGE)
    return state


@_compiled
@no_type_check
def _decode_spectrum(state, data, signal_type, khz, num_subframes):
    if khz == 16:
        order, stage_1, stage_2, classes = 16, tables.LSF_STAGE_1_WIDE, tables.LSF_STAGE_2_WIDE, tables.LSF_CLASS_WIDE
    else:
        order, stage_1, stage_2 = 10, tables.LSF_STAGE_1_NARROW, tables.LSF_STAGE_2_NARROW
        classes = tables.LSF_CLASS_NARROW
    index, state = decode_rarely(state, data, stage_1 + 32 * (signal_type >> 1))
    for i in range(order):
        residual, state = _decode(state, data, stage_2 + 9 * LSF_CLASSES[classes + order * index + i])
        if residual in (0, 8):
            _, state = decode_rarely(state, data, tables.LSF_EXTENSION)
    if num_subframes == 4:
        _, state = decode_rarely(state, data, tables.LSF_INTERPOLATION)
    return state


@_compiled
@no_type_check
def _decode_pitch(state, data, coding, was_voiced, khz, num_subframes):
    change = 0
    if coding == CONDITIONAL and was_voiced:
        change, state = decode_rarely(state, data, tables.LAG_CHANGE)
    if change == 0:
        _, state = decode_rarely(state, data, tables.LAG_HIGH)
        low = tables.UNIFORM_8 if khz == 16 else (tables.UNIFORM_6 if khz == 12 else tables.UNIFORM_4)
        _, state = decode_rarely(state, data, low)
    if num_subframes == 4:
        contour = tables.CONTOUR_20_MS_NARROW if khz == 8 else tables.CONTOUR_20_MS
    else:
        contour = tables.CONTOUR_10_MS_NARROW if khz == 8 else tables.CONTOUR_10_MS
    _, state = decode_rarely(state, data, contour)
    periodicity, state = decode_rarely(state, data, tables.PERIODICITY)
    gain = tables.LTP_GAIN_8 if periodicity == 0 else (tables.LTP_GAIN_16 if periodicity == 1 else tables.LTP_GAIN_32)
    for _ in range(num_subframes):
        _, state = decode_rarely(state, data, gain)
    if coding == INDEPENDENT:
        _, state = decode_rarely(state, data, tables.LTP_SCALE)
    return state


@_inlined
@no_type_check
def _decode_split(state, data, count, at):
    # As `decode_icdf`, but without a loop whose end depends on the symbol: that one cannot be guessed.
    value, width, _ = state
    step = width >> 8
    at += count * (count + 1) // 2 - 1
    symbol = 0
    for i in range(count):
        symbol += value < step * np.int64(ICDFS[at + i])
    above = step * np.int64(ICDFS[at + symbol - 1]) if symbol else width
    return symbol, narrow_decoder(state, data, above, step * np.int64(ICDFS[at + symbol]))


@_inlined
@no_type_check
def _split(state, data, count, at):
    """Decode how many of at least one pulse fall to the first half."""
    if count == 1:
        return _decode_toss(state, data, at)
    return _decode(state, data, at + count * (count + 1) // 2 - 1)


@_compiled
@no_type_check
def _decode_block(state, data, count):
    """Decode where a block's pulses are, half by half, and return a bit for each sample that has any."""
    samples = 0
    half, state = _split(state, data, count, tables.SPLIT_16)
    for i in range(2):
        of_8 = half if i == 0 else count - half
        if of_8:
            quarter, state = _split(state, data, of_8, tables.SPLIT_8)
            for j in range(2):
                of_4 = quarter if j == 0 else of_8 - quarter
                if of_4:
                    eighth, state = _split(state, data, of_4, tables.SPLIT_4)
                    for k in range(2):
                        of_2 = eighth if k == 0 else of_4 - eighth
                        if of_2:
                            first, state = _split(state, data, of_2, tables.SPLIT_2)
                            samples |= ((first > 0) | (of_2 > first) << 1) << (8 * i + 4 * j + 2 * k)
    return samples, state


@_compiled
@no_type_check
def _decode_excitation(state, data, frame_type, num_blocks, scratch):
    counts, low_bits, samples = scratch[0], scratch[1], scratch[2]
    level, state = decode_rarely(state, data, tables.RATE_LEVEL + 9 * (frame_type >> 2))
    for block in range(num_blocks):
        num_bits = 0
        count, state = _decode(state, data, tables.NUM_PULSES + _NUM_PULSES_SYMBOLS * level)
        while count > _MAX_PULSES:
            num_bits += 1
            # Without the last symbol where there can be no more of them.
            row = tables.NUM_PULSES + _NUM_PULSES_SYMBOLS * _LOW_BITS_LEVEL + (num_bits == _MAX_LOW_BITS)
            count, state = decode_rarely(state, data, row)
        counts[block] = count
        low_bits[block] = num_bits
    for block in range(num_blocks):
        samples[block] = 0
        if counts[block]:
            samples[block], state = _decode_block(state, data, counts[block])
    for block in range(num_blocks):
        for n in range(_BLOCK_SAMPLES if low_bits[block] else 0):
            for _ in range(low_bits[block]):
                bit, state = decode_rarely(state, data, tables.LOW_BIT)
                samples[block] |= bit << n
    for block in range(num_blocks):
        sign = tables.SIGN + 2 * (7 * frame_type + min(counts[block], 6))
        left = samples[block]
        while left:
            left &= left - 1
            _, state = _decode_toss(state, data, sign)
    return state


@_compiled
@no_type_check
def decode_frame(state, data, is_active, coding, was_voiced, khz, num_subframes, scratch):
    """Decode one frame of one channel, and tell whether it is voiced."""
    if is_active:
        frame_type, state = decode_rarely(state, data, tables.TYPE_ACTIVE)
        frame_type += 2
    else:
        frame_type, state = decode_rarely(state, data, tables.TYPE_INACTIVE)
    signal_type = frame_type >> 1
    state = _decode_gains(state, data, signal_type, coding, num_subframes)
    state = _decode_spectrum(state, data, signal_type, khz, num_subframes)
    is_voiced = np.int64(signal_type == _VOICED)
    if is_voiced:
        state = _decode_pitch(state, data, coding, was_voiced, khz, num_subframes)
    _, state = decode_rarely(state, data, tables.UNIFORM_4)
    num_blocks = (5 * khz * num_subframes + _BLOCK_SAMPLES - 1) // _BLOCK_SAMPLES
    return is_voiced, _decode_excitation(state, data, frame_type, num_blocks, scratch)
