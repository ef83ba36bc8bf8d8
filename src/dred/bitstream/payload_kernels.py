"""Whole payloads in one compiled call each: header, initial state and latents, newest first <-> bytes."""

from typing import no_type_check

from dred.bitstream import range_kernels as kernels
from dred.bitstream.coding_rows import decode_vector, encode_vector
from dred.bitstream.header import decode_header, encode_header
from dred.bitstream.laplace import MAX_MAGNITUDE
from dred.bitstream.prior_kernels import NO_LEVEL, decode_expected, encode_expected
from dred.bitstream.quantiser import quality_level
from dred.compilation import compiled

# A parser looks for no further latent where fewer bits are left.
_LEAST_BITS = 8


@compiled(makes_arrays=False)
@no_type_check
def can_be_coded(symbols):
    """Tell whether all symbols are small enough for a payload."""
    num_fitting = 0
    for symbol in symbols:
        num_fitting += -MAX_MAGNITUDE <= symbol <= MAX_MAGNITUDE
    return num_fitting == symbols.size


@compiled(makes_arrays=False)
@no_type_check
def encode_payload(out, header, state_symbols, latent_symbols, num_latents, commit, coding, scratch):
    """Encode as many latents as fit, up to the last one that is to be committed.

    Args:
        out: Room for the payload, uint8.
        header: q0, dq, qmax and offset_ticks.
        state_symbols: Symbols of the initial state.
        latent_symbols: Symbols of the latents, newest first.
        num_latents: How many of them there are.
        commit: Flags the latents after which the payload may end.
        coding: `PayloadTables.coding`.
        scratch: `PayloadTables.make_scratch`.

    Returns:
        The number of bytes, 0 if nothing is committed, and that of latents in them.
    """
    q0, dq, qmax, offset_ticks = header
    state_rows, latent_rows, prior = coding
    newer_level = NO_LEVEL
    coder = encode_header(kernels.start_encoder(), out, q0, dq, qmax, offset_ticks)
    coder = encode_vector(coder, out, state_symbols, state_rows, q0)
    kept = coder
    num_kept = 0
    for i in range(num_latents):
        level = quality_level(q0, dq, qmax, i)
        if scratch.size:
            newer = latent_symbols[max(i - 1, 0)]
            coder = encode_expected(
                coder, out, latent_symbols[i], latent_rows, level, newer, newer_level, prior, scratch
            )
            newer_level = level
        else:
            coder = encode_vector(coder, out, latent_symbols[i], latent_rows, level)
        if kernels.tell_bits(coder) > 8 * out.size:
            break
        if commit[i]:
            # Going back is only this: a carry never reaches bytes that are already in `out`.
            kept = coder
            num_kept = i + 1
    num_bytes = 0
    if num_kept:
        num_bytes = (kernels.tell_bits(kept) + 7) // 8
        kernels.finish(kept, out, num_bytes)
    return num_bytes, num_kept


@compiled(makes_arrays=False)
@no_type_check
def decode_payload(data, symbols, values, levels, state_dim, latent_dim, coding, scratch):
    """Decode as many latents as there are, at most as many as `levels` has room for.

    Args:
        data: The payload, bytes.
        symbols: Gets the symbols of the state, then those of each latent.
        values: Gets what they stand for.
        levels: Gets the level of each latent.
        state_dim: Symbols of the initial state.
        latent_dim: Symbols of one latent.
        coding: `PayloadTables.coding`.
        scratch: `PayloadTables.make_scratch`.

    Returns:
        q0, dq, qmax and offset_ticks; the number of latents.
    """
    state_rows, latent_rows, prior = coding
    newer_level = NO_LEVEL
    q0, dq, qmax, offset_ticks, coder = decode_header(kernels.start_decoder(data), data)
    coder = decode_vector(coder, data, symbols[:state_dim], values[:state_dim], state_rows, q0)
    num_latents = 0
    while num_latents < levels.size and 8 * len(data) - kernels.tell_bits(coder) >= _LEAST_BITS:
        level = quality_level(q0, dq, qmax, num_latents)
        levels[num_latents] = level
        start = state_dim + num_latents * latent_dim
        end = start + latent_dim
        found, stand_for = symbols[start:end], values[start:end]
        if scratch.size:
            newer = symbols[max(start - latent_dim, 0) : start]
            coder = decode_expected(
                coder, data, found, stand_for, latent_rows, level, newer, newer_level, prior, scratch
            )
            newer_level = level
        else:
            coder = decode_vector(coder, data, found, stand_for, latent_rows, level)
        num_latents += 1
    return (q0, dq, qmax, offset_ticks), num_latents
