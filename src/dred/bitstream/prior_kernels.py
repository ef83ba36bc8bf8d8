"""Vectors coded by a prior, compiled: log-odds before a latent, then after each of its symbols.

A prior is the tuple `LatentPrior.integers` with scale_q8 behind it, 0 where nothing is coded. Scratch is int32:
the hidden layer, the log-odds of zeros, of decays and of signs, the inverse tables of the dimension at hand.
"""

from typing import no_type_check

import numpy as np

from dred.bitstream.coding_rows import ROW_SIZE, SCALE
from dred.bitstream.laplace import TOTAL_BITS, decode_laplace, encode_laplace
from dred.bitstream.prior import NUM_ODDS, NUM_QUANTITIES, ODDS_BITS, ODDS_PER_UNIT_BITS, SIZE_BITS, WEIGHT_BITS
from dred.bitstream.version import NUM_LEVELS
from dred.compilation import compiled

_inlined = compiled(inline="late", makes_arrays=False)
_compiled = compiled(makes_arrays=False)

NO_LEVEL = -1
"""In place of the level of a latent that does not exist."""

_INPUTS, _INSIDE, _PROBABILITIES, _SCALES = 2, 5, 6, 7
_Q8 = np.float32(256)
# What sizes 0 to 15, the largest that counts, weigh in Q6: 64 tanh(size / 2) with their sign, 45 ln(1 + size) without.
SIGNED_SIZES = np.array([0, 30, 49, 58, 62, 63, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64], np.int32)
UNSIGNED_SIZES = np.array([0, 31, 49, 62, 72, 81, 88, 94, 99, 104, 108, 112, 115, 119, 122, 125], np.int32)
_LARGEST_SIZE = 15
LARGEST_HIDDEN = (16 << SIZE_BITS) - 1
_ODDS_SHIFT = ODDS_BITS - ODDS_PER_UNIT_BITS


@_inlined
@no_type_check
def _add_sizes(sums, size, is_negative, weights):
    size = min(size, _LARGEST_SIZE)
    signed = -SIGNED_SIZES[size] if is_negative else SIGNED_SIZES[size]
    unsigned = UNSIGNED_SIZES[size]
    for n in range(sums.size):
        sums[n] += np.int32(signed * np.int32(weights[0, n]) + unsigned * np.int32(weights[1, n]))


@_inlined
@no_type_check
def _expect_latent(prior, scratch, rows, level, newer, newer_level):
    """Write the log-odds of a latent's symbols as they are before the first one is known."""
    hidden_bias, first_bias, inputs, outputs, start_odds = prior[:5]
    scales = prior[_SCALES]
    hidden, odds = scratch[: first_bias.size], scratch[first_bias.size : first_bias.size + outputs.shape[1]]
    for n in range(hidden.size):
        hidden[n] = hidden_bias[level, n]
    if newer_level == NO_LEVEL:
        for n in range(hidden.size):
            hidden[n] += first_bias[n]
    else:
        at = newer_level * (rows.size // NUM_LEVELS)
        for _ in range(rows[at]):
            at += ROW_SIZE
            symbol = np.int64(newer[rows[at]])
            if symbol:
                # What it would be at the level at hand, rounded.
                newer_scale = np.int64(rows[at + SCALE])
                size = (2 * abs(symbol) * scales[level, rows[at]] + newer_scale) // (2 * newer_scale)
                _add_sizes(hidden, size, symbol < 0, inputs[rows[at]])
    for n in range(odds.size):
        odds[n] = start_odds[level, n]
    for k in range(hidden.size):
        value = np.int32(min(max(hidden[k] >> WEIGHT_BITS, 0), LARGEST_HIDDEN))
        if value > 0:
            for n in range(odds.size):
                odds[n] += np.int32(value * np.int32(outputs[k, n]))


@_inlined
@no_type_check
def _probability_q15(odds, table):
    return table[min(max((odds >> _ODDS_SHIFT) + NUM_ODDS // 2, 0), NUM_ODDS - 1)]


@_inlined
@no_type_check
def _fill_icdf(probabilities, odds, dimension, icdf):
    """Write the inverse tables of a dimension's sign and magnitude, from its log-odds."""
    num_dims = odds.size // NUM_QUANTITIES
    nonzero = (1 << TOTAL_BITS) - _probability_q15(odds[dimension], probabilities)
    decay = _probability_q15(odds[num_dims + dimension], probabilities)
    positive = (nonzero * _probability_q15(odds[2 * num_dims + dimension], probabilities)) >> TOTAL_BITS
    icdf[0] = nonzero
    icdf[1] = nonzero - min(max(positive, 1), nonzero - 1)
    icdf[2] = 0
    icdf[3] = max(7, decay)
    for floor in range(6, 0, -1):
        icdf[10 - floor] = max(floor, (icdf[9 - floor] * decay) >> TOTAL_BITS)
    icdf[10] = 0


@_compiled
@no_type_check
def encode_expected(state, out, symbols, rows, level, newer, newer_level, prior, scratch):
    """Encode the coded dimensions of a latent; the others are taken as 0.

    Args:
        state: The range coder's.
        out: Where its bytes go.
        symbols: Of the latent.
        rows: Coding rows of latents.
        level: The latent's.
        newer: Symbols of the next newer latent.
        newer_level: Its level; `NO_LEVEL` if there is none.
        prior: See above.
        scratch: See above.
    """
    _expect_latent(prior, scratch, rows, level, newer, newer_level)
    num_hidden, num_odds = prior[_INPUTS].shape[2], prior[_INSIDE].shape[2]
    odds, icdf = scratch[num_hidden : num_hidden + num_odds], scratch[num_hidden + num_odds :]
    at = level * (rows.size // NUM_LEVELS)
    for _ in range(rows[at]):
        at += ROW_SIZE
        symbol = symbols[rows[at]]
        _fill_icdf(prior[_PROBABILITIES], odds, rows[at], icdf)
        state = encode_laplace(state, out, symbol, icdf, 0)
        if symbol:
            _add_sizes(odds, np.int64(abs(symbol)), symbol < 0, prior[_INSIDE][rows[at]])
    return state


@_compiled
@no_type_check
def decode_expected(state, data, symbols, values, rows, level, newer, newer_level, prior, scratch):
    """Decode the symbols of a latent and the values that they stand for; arguments as `encode_expected`."""
    _expect_latent(prior, scratch, rows, level, newer, newer_level)
    num_hidden, num_odds = prior[_INPUTS].shape[2], prior[_INSIDE].shape[2]
    odds, icdf = scratch[num_hidden : num_hidden + num_odds], scratch[num_hidden + num_odds :]
    for d in range(symbols.size):
        symbols[d] = 0
        values[d] = np.float32(0)
    at = level * (rows.size // NUM_LEVELS)
    for _ in range(rows[at]):
        at += ROW_SIZE
        _fill_icdf(prior[_PROBABILITIES], odds, rows[at], icdf)
        symbol, state = decode_laplace(state, data, icdf, 0)
        if symbol:
            symbols[rows[at]] = symbol
            values[rows[at]] = np.float32(symbol) * _Q8 / np.float32(rows[at + SCALE])
            _add_sizes(odds, np.int64(abs(symbol)), symbol < 0, prior[_INSIDE][rows[at]])
    return state
