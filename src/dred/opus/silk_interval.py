"""How firmly a SILK frame stands on its own bytes: its symbols decoded, and what then is left of the interval.

A frame's last symbols may lean on what follows its bytes, for which RFC 6716 section 4.1.2.1 asks zeros: zero bytes at
the end need not be sent. A decoder that reads on instead, into the padding, gets the same symbols as long as what it
reads stays within the interval of the range coder. To know that takes no signal, only the symbols.

Source: RFC 6716 section 4.2; libopus 1.6.1 silk/dec_API.c, src/opus_decoder.c (the piece of CELT behind SILK).
"""

from typing import no_type_check

import numpy as np

from dred.bitstream.range_kernels import decode_uint, start_decoder, tell_bits
from dred.compilation import compiled
from dred.opus import silk_tables as tables
from dred.opus.packet import OpusPacket
from dred.opus.silk_frame import CONDITIONAL, INDEPENDENT, SCRATCH_SHAPE, WITHOUT_SCALE, decode_frame, decode_rarely

_compiled = compiled(makes_arrays=False)

# With so many bits left behind it, a SILK frame has a piece of CELT behind it, for a change of mode.
_LEAST_SWITCH_BITS = 17
# What a range decoder sees of its input.
_WINDOW_BITS = 31

# Configs of a TOC: narrow, medium and wide band of 10, 20, 40 and 60 ms each. Source: RFC 6716 table 2.
_NUM_DURATIONS = 4
_FIRST_HYBRID = 12
_LEAST_SPEECH_BYTES = 2


@_compiled
@no_type_check
def _decode_lbrr_flags(state, data, num_frames):
    if num_frames == 1:
        return 1, state
    flags, state = decode_rarely(state, data, tables.LBRR_FLAGS_OF_2 if num_frames == 2 else tables.LBRR_FLAGS_OF_3)
    return flags + 1, state


@_compiled
@no_type_check
def _decode_stereo(state, data, has_mid_only_flag):
    """Decode the prediction of side from mid, and tell whether there is no side."""
    _, state = decode_rarely(state, data, tables.STEREO_JOINT)
    for _ in range(2):
        _, state = decode_rarely(state, data, tables.UNIFORM_3)
        _, state = decode_rarely(state, data, tables.UNIFORM_5)
    is_mid_only = 0
    if has_mid_only_flag:
        is_mid_only, state = decode_rarely(state, data, tables.MID_ONLY)
    return is_mid_only, state


@_compiled
@no_type_check
def _decode_all(data, num_channels, num_frames, num_subframes, khz, scratch):
    """Decode all frames of 10 or 20 ms, their flags as bits, and their LBRR before them."""
    state = start_decoder(data)
    active, lbrr = (0, 0), (0, 0)
    for _ in range(num_channels):
        flags = 0
        for i in range(num_frames):
            flag, state = decode_uint(state, data, 2)
            flags |= flag << i
        flag, state = decode_uint(state, data, 2)
        active = (active[1], flags)
        lbrr = (lbrr[1], flag)
    if num_channels == 1:
        active, lbrr = (active[1], 0), (lbrr[1], 0)
    if lbrr[0]:
        flags, state = _decode_lbrr_flags(state, data, num_frames)
        lbrr = (flags, lbrr[1])
    if lbrr[1]:
        flags, state = _decode_lbrr_flags(state, data, num_frames)
        lbrr = (lbrr[0], flags)
    # Numbers, not constants: compiled code would be made anew for each of them.
    mid_voiced = side_voiced = np.int64(0)
    for i in range(num_frames):
        if lbrr[0] >> i & 1:
            if num_channels == 2:
                _, state = _decode_stereo(state, data, not lbrr[1] >> i & 1)
            coding = CONDITIONAL if i > 0 and lbrr[0] >> (i - 1) & 1 else INDEPENDENT
            mid_voiced, state = decode_frame(state, data, np.int64(1), coding, mid_voiced, khz, num_subframes, scratch)
        if lbrr[1] >> i & 1:
            coding = CONDITIONAL if i > 0 and lbrr[1] >> (i - 1) & 1 else INDEPENDENT
            side_voiced, state = decode_frame(
                state, data, np.int64(1), coding, side_voiced, khz, num_subframes, scratch
            )
    had_side = True
    for i in range(num_frames):
        has_side = num_channels == 2
        if has_side:
            is_mid_only, state = _decode_stereo(state, data, not active[1] >> i & 1)
            has_side = not is_mid_only
        coding = CONDITIONAL if i > 0 else INDEPENDENT
        is_active = active[0] >> i & 1
        mid_voiced, state = decode_frame(state, data, is_active, coding, mid_voiced, khz, num_subframes, scratch)
        if has_side:
            if i > 0 and not had_side:
                coding = WITHOUT_SCALE
            is_active = active[1] >> i & 1
            side_voiced, state = decode_frame(state, data, is_active, coding, side_voiced, khz, num_subframes, scratch)
        had_side = has_side
    return state


@_compiled
@no_type_check
def largest_frame_follower(frame, config, num_channels, scratch):
    """Do as `largest_follower` for a frame of a TOC's config; scratch is int64 of `SCRATCH_SHAPE`."""
    # Shorter frames are not speech but DTX.
    if config >= _FIRST_HYBRID or len(frame) < _LEAST_SPEECH_BYTES:
        return 255
    duration = config % _NUM_DURATIONS
    khz = 8 + 4 * (config // _NUM_DURATIONS)
    state = _decode_all(frame, num_channels, max(1, duration), 4 if duration else 2, khz, scratch)
    num_bits = 8 * len(frame)
    if tell_bits(state) + _LEAST_SWITCH_BITS <= num_bits:
        # Where the piece of CELT belongs in time.
        _, state = decode_uint(state, frame, 2)
    value, _, shifted = state
    # Of what follows, the decoder sees this many bits; they may add up to `value` to the zeros that it has seen.
    num_seen = _WINDOW_BITS + 8 * shifted - num_bits
    if num_seen <= 0:
        return 255
    if num_seen > _WINDOW_BITS + 8:
        return -1
    follower = (value + 1) >> (num_seen - 8) if num_seen >= 8 else (value + 1) << (8 - num_seen)
    return min(follower - 1, 255)


def largest_follower(packet: OpusPacket) -> int:
    """Return the largest byte that may follow a packet's last frame, whatever comes behind, and leave its symbols be.

    255 where the frame does not mind: it is not pure SILK, or nothing is left open. -1 where even zero may be too much.
    """
    scratch = np.empty(SCRATCH_SHAPE, np.int64)
    return int(largest_frame_follower(packet.frames[-1], packet.toc.config, 1 + packet.toc.stereo, scratch))
