"""A stream's history in compiled code: samples in, steps out to the networks; latents in, a payload out.

All state is in arrays. `counters` are int64, by the names below; `activity` has one bit per tick, the newest in the
lowest bit of the first byte, a byte per step and one more that stays 0.

Source: facts from libopus 1.6.1 dnn/dred_encoder.c (alignment, silence at both ends).
"""

from typing import no_type_check

import numpy as np

from dred.bitstream.payload_kernels import encode_payload
from dred.bitstream.quantiser import quality_level, quantise_vector
from dred.compilation import compiled
from dred.timebase import DOUBLE_FRAME_SAMPLES, TICK_SAMPLES, TICKS_PER_DOUBLE_FRAME

_compiled = compiled(makes_arrays=False)
_inlined = compiled(inline="late", makes_arrays=False)

NUM_COUNTERS = 7
# Of the samples, those that no step has used yet: the first, and the end.
START, END = 0, 1
# The newest step's row in the rings, and how many rows are in use.
NEWEST_ROW, NUM_STEPS = 2, 3
# For the packet at hand: the first step that is old enough for the vocoder, and where it ends.
FIRST_STEP, OFFSET_TICKS = 4, 5
# Steps that the packet before skipped because they were silent.
SKIPPED_STEPS = 6

NOT_FINITE = -1
"""In place of a number of bytes: a latent or a state is not finite."""

# The vocoder looks 15 ms ahead: a newer latent than that is not needed.
_LOOKAHEAD_TICKS = 6


@_compiled
@no_type_check
def make_room(samples, counters, num_samples):
    """Return where the next samples belong."""
    start, end = counters[START], counters[END]
    if end + num_samples > samples.size:
        for n in range(end - start):
            samples[n] = samples[start + n]
        counters[START] = 0
        counters[END] = end - start
    return counters[END]


@_compiled
@no_type_check
def advance_history(counters, activity, num_samples, is_active, lookahead_samples):
    """Take in the samples that stand where there was room for them, a whole number of ticks.

    Returns:
        The first sample of the steps that the networks have to hear, and the number of these steps.
    """
    first = counters[START]
    num_waiting = counters[END] - first
    num_steps = (num_waiting + num_samples) // DOUBLE_FRAME_SAMPLES
    counters[START] += num_steps * DOUBLE_FRAME_SAMPLES
    counters[END] += num_samples
    # Each step takes the newest latent 20 ms on; behind the first one that is new enough, they wait.
    offset_ticks = (lookahead_samples - num_waiting + TICK_SAMPLES // 2) // TICK_SAMPLES
    num_used = 0
    while num_used < num_steps and offset_ticks < _LOOKAHEAD_TICKS:
        offset_ticks += TICKS_PER_DOUBLE_FRAME
        num_used += 1
    counters[FIRST_STEP] = num_steps - num_used
    counters[OFFSET_TICKS] = offset_ticks
    num_ticks = num_samples // TICK_SAMPLES
    num_bytes, num_bits = num_ticks // 8, num_ticks % 8
    for i in range(activity.size - 2, -1, -1):
        at = i - num_bytes
        pair = np.int64(activity[at]) << 8 if at >= 0 else np.int64(0)
        pair |= np.int64(activity[at - 1]) if at >= 1 else np.int64(0)
        activity[i] = pair >> (8 - num_bits) & 255
    for tick in range(num_ticks if is_active else 0):
        activity[tick // 8] |= 1 << (tick % 8)
    return first, num_steps


@_compiled
@no_type_check
def take_in_samples(samples, counters, activity, lookahead_samples, new_samples, is_active):
    """Take in samples at 16 kHz; return what `advance_history` does."""
    at = make_room(samples, counters, new_samples.size)
    for n in range(new_samples.size):
        samples[at + n] = new_samples[n]
    return advance_history(counters, activity, new_samples.size, is_active, lookahead_samples)


@_compiled
@no_type_check
def remember_step(counters, latents, states, latent, state):
    """Put the next step into the rings."""
    row = (counters[NEWEST_ROW] + 1) % len(latents)
    for d in range(latent.size):
        latents[row, d] = latent[d]
    for d in range(state.size):
        states[row, d] = state[d]
    counters[NEWEST_ROW] = row
    counters[NUM_STEPS] = min(counters[NUM_STEPS] + 1, len(latents))


@_inlined
@no_type_check
def _is_active(activity, step):
    # A latent describes the 40 ms up to the end of its step.
    return activity[step] != 0 or activity[step + 1] != 0


@_inlined
@no_type_check
def _quantise_step(ring, counters, step, quantiser, level, symbols):
    row = (counters[NEWEST_ROW] - step + len(ring)) % len(ring)
    return quantise_vector(ring[row], quantiser[level, 0], quantiser[level, 1], symbols)


@_compiled
@no_type_check
def encode_history(out, max_bytes, settings, counters, activity, rings, tables, symbols, commit):
    """Choose the latents of the packet at hand, quantise and code them.

    Args:
        out: Room for the payload, uint8.
        max_bytes: How much of it may be used.
        settings: q0, dq, qmax, and how many latents the packet takes at most.
        counters: See above.
        activity: See above.
        rings: Latents and initial states of all steps, float32 [steps, dims].
        tables: Quantiser of the latents and of the states, `PayloadTables.coding`, and what it works in.
        symbols: Room for the symbols of the latents and of the state, int32.
        commit: Room for a flag per latent.

    Returns:
        The number of bytes, 0 if there is nothing to say or NOT_FINITE; that of latents.
    """
    q0, dq, qmax, max_latents = settings
    latents, states = rings
    latent_quantiser, state_quantiser, coding, scratch = tables
    latent_symbols, state_symbols = symbols
    num_steps = counters[NUM_STEPS]
    # Just out of silence the packet itself carries the onset: the redundancy stays where it was, once.
    is_coming_back = (activity[0] & 1) != 0 and counters[SKIPPED_STEPS] > 0
    skipped = counters[SKIPPED_STEPS] if is_coming_back else 0
    first_step = counters[FIRST_STEP] + skipped
    while first_step < num_steps and not _is_active(activity, first_step):
        first_step += 1
        skipped += 1
    counters[SKIPPED_STEPS] = 0 if is_coming_back else skipped
    num_latents = min(max_latents, (num_steps - first_step) // 2)
    if num_latents < 1:
        return 0, 0
    is_finite = _quantise_step(states, counters, first_step, state_quantiser, q0, state_symbols)
    was_active = False
    for i in range(num_latents):
        step = first_step + 2 * i
        level = quality_level(q0, dq, qmax, i)
        is_finite &= _quantise_step(latents, counters, step, latent_quantiser, level, latent_symbols[i])
        # A latent is worth its bits if it or the next newer one holds speech.
        is_active = _is_active(activity, step)
        commit[i] = is_active or was_active
        was_active = is_active
    if not is_finite:
        return NOT_FINITE, 0
    header = q0, dq, qmax, counters[OFFSET_TICKS] - skipped * TICKS_PER_DOUBLE_FRAME
    num_bytes, num_latents = encode_payload(
        out[:max_bytes], header, state_symbols, latent_symbols, num_latents, commit, coding, scratch
    )
    # A single chunk far back is not worth a packet's extension.
    if num_latents == 1 and skipped > 0:
        return 0, 0
    return num_bytes, num_latents
