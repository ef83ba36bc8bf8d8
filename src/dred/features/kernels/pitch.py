"""The pitch network on one frame: see `reference.pitch` for its layers.

Convolutions read the three newest frames from rows that are used in turn, so that nothing moves.

Source: facts from libopus 1.6.1 dnn/pitchdnn.c.
"""

from typing import Final, no_type_check

import numpy as np

from dred.compilation import compiled
from dred.features.reference.frame import TINY
from dred.features.reference.pitch import CLASSES_PER_OCTAVE, LEAST_MAXIMUM, MEAN_RADIUS, NUM_CLASSES, NUM_LAGS
from dred.vectors.functions import exp, log10, tanh
from dred.vectors.kind import LANES, larger, smaller, square_root
from dred.vectors.lanes import copies, find, greatest, total
from dred.vectors.memory import load, store, table

NUM_ROWS: Final = 3
"""Frames that a convolution sees, and taps over lags."""
MARGIN: Final = LANES
"""Zeros before and behind the lags of a row."""
ROW: Final = MARGIN + NUM_LAGS + MARGIN
NUM_TAPS: Final = NUM_ROWS * 3

_NUM_SCORES = (NUM_CLASSES + LANES - 1) // LANES * LANES
_IMPOSSIBLE = np.float32(-1e30)
_IN_MEAN = table((np.arange(LANES) <= 2 * MEAN_RADIUS).astype(np.float32))
_STEPS = table((np.arange(LANES) * (np.arange(LANES) <= 2 * MEAN_RADIUS)).astype(np.float32))


@compiled(makes_arrays=False)
@no_type_check
def instantaneous_frequency(power, real, imag, previous_real, previous_imag, out):
    """Write the log power of the low bins, then both parts of their phase advance; 32 lanes each.

    The bins become the previous ones. Lanes beyond the last bin, and the phase of bin 0, mean nothing.
    """
    for n in range(0, 2 * LANES, LANES):
        log_power = (10 * log10(load(power, n) + TINY) - 6) * np.float32(1 / 64)
        store(out, n, larger(smaller(log_power, 1), -1))
        a, b = load(real, n), load(imag, n)
        c, d = load(previous_real, n), load(previous_imag, n)
        turn_real, turn_imag = a * c + b * d, b * c - a * d
        scale = 1 / square_root(turn_real * turn_real + turn_imag * turn_imag + TINY)
        store(out, 2 * LANES + n, turn_real * scale)
        store(out, 4 * LANES + n, turn_imag * scale)
        store(previous_real, n, a)
        store(previous_imag, n, b)


@compiled(makes_arrays=False)
@no_type_check
def convolve_correlations(taps, biases, rows, newest, out):
    """First convolution: rows of correlations to one row of lags per channel, in `out` at the newest of its rows.

    Args:
        taps: Weights, [channel][frame, oldest first][lag].
        biases: One for each channel.
        rows: Three rows of correlations, each with its margins.
        newest: Which of the rows is the newest; it is followed by the oldest.
        out: Three rows for each channel.
    """
    oldest, older = (newest + 1) % NUM_ROWS * ROW + MARGIN, (newest + 2) % NUM_ROWS * ROW + MARGIN
    now = newest * ROW + MARGIN
    for n in range(0, NUM_LAGS, LANES):
        x0, x1, x2 = load(rows, oldest + n - 1), load(rows, oldest + n), load(rows, oldest + n + 1)
        x3, x4, x5 = load(rows, older + n - 1), load(rows, older + n), load(rows, older + n + 1)
        x6, x7, x8 = load(rows, now + n - 1), load(rows, now + n), load(rows, now + n + 1)
        for channel in range(biases.size):
            t = channel * NUM_TAPS
            first = biases[channel] + x0 * taps[t] + x1 * taps[t + 1] + x2 * taps[t + 2]
            second = x3 * taps[t + 3] + x4 * taps[t + 4] + x5 * taps[t + 5]
            third = x6 * taps[t + 6] + x7 * taps[t + 7] + x8 * taps[t + 8]
            store(out, (channel * NUM_ROWS + newest) * NUM_LAGS + n, tanh(first + second + third))


@compiled(makes_arrays=False)
@no_type_check
def convolve_channels(taps, bias, rows, newest, lower, upper, out):
    """Second convolution: the rows of all channels to one.

    `lower` and `upper` are scratch rows with margins of zeros: what each lag gives to the one above and to the one
    below, so that only they are loaded from where no vector begins.
    """
    oldest, older, now = (newest + 1) % NUM_ROWS * NUM_LAGS, (newest + 2) % NUM_ROWS * NUM_LAGS, newest * NUM_LAGS
    for n in range(0, NUM_LAGS, LANES):
        below = above = copies(np.float32(0))
        here = copies(bias)
        for channel in range(taps.size // NUM_TAPS):
            t, start = channel * NUM_TAPS, channel * NUM_ROWS * NUM_LAGS + n
            x = load(rows, start + oldest)
            below += x * taps[t]
            here += x * taps[t + 1]
            above += x * taps[t + 2]
            x = load(rows, start + older)
            below += x * taps[t + 3]
            here += x * taps[t + 4]
            above += x * taps[t + 5]
            x = load(rows, start + now)
            below += x * taps[t + 6]
            here += x * taps[t + 7]
            above += x * taps[t + 8]
        store(lower, MARGIN + n, below)
        store(upper, MARGIN + n, above)
        store(out, n, here)
    for n in range(0, NUM_LAGS, LANES):
        store(out, n, tanh(load(out, n) + load(lower, MARGIN + n - 1) + load(upper, MARGIN + n + 1)))


@compiled(makes_arrays=False)
@no_type_check
def expected_pitch(scores):
    """Average the classes around the best one, weighted by their exponentials; -1.5 to 1.5.

    Scores begin behind a margin, and another is behind them.
    """
    store(scores, 0, copies(_IMPOSSIBLE))
    store(scores, MARGIN + NUM_CLASSES, copies(_IMPOSSIBLE))
    peaks = load(scores, MARGIN)
    for n in range(LANES, _NUM_SCORES, LANES):
        peaks = larger(peaks, load(scores, MARGIN + n))
    peak = greatest(peaks)
    best = 0
    if peak > LEAST_MAXIMUM:
        for n in range(0, _NUM_SCORES, LANES):
            place = find(load(scores, MARGIN + n), peak)
            if place < LANES:
                best = n + place
                break
    weights = exp(load(scores, MARGIN + best - MEAN_RADIUS) - scores[MARGIN + best])
    mean = total(weights * _STEPS(0)) / total(weights * _IN_MEAN(0)) + (best - MEAN_RADIUS)
    return np.float32(mean / CLASSES_PER_OCTAVE - 1.5)
