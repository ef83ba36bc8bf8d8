"""Burg cepstra of any number of frames in one call: see `reference.burg` for what they are.

Double precision, as in the reference: what the model leaves of a tone is a small difference of large sums.

Source: facts from libopus 1.6.1 dnn/freq.c and dnn/burg.c.
"""

from typing import Final, no_type_check

import numpy as np

from dred.compilation import compiled
from dred.features.kernels.cepstrum import band_energies, cepstrum, lift
from dred.features.layout import NUM_CEPSTRA
from dred.features.reference.bands import LPC_ORDER, NUM_BINS, PRE_EMPHASIS, WINDOW_SAMPLES
from dred.features.reference.burg import (
    BANDWIDTH_EXPANSION,
    CONDITIONING,
    HALF_SAMPLES,
    LEAST_CONDITIONING,
    LEAST_INVERSE_GAIN,
    LEAST_POWER,
    NUM_RESIDUALS,
    SCALE,
)
from dred.timebase import FEATURE_FRAME_SAMPLES
from dred.vectors.kind import LANES
from dred.vectors.lanes import copies, lane, narrow, permutation, total
from dred.vectors.memory import load, load_doubles, store, table

_DOUBLES: Final = LANES // 2
_NUM_PAIRS: Final = HALF_SAMPLES - 2
# Bins whose power is computed; those above are mirror images.
_NUM_COMPUTED: Final = 96
_PADDED_TAPS: Final = 5 * _DOUBLES

# Where things lie in the scratch space of floats.
_SAMPLES: Final = 0
_EMPHASISED: Final = _SAMPLES + FEATURE_FRAME_SAMPLES + LANES
_POWER: Final = _EMPHASISED + FEATURE_FRAME_SAMPLES + LANES
_BANDS: Final = _POWER + NUM_BINS - 1 + LANES
_LOGS: Final = _BANDS + 2 * LANES
_FIRST: Final = _LOGS + 2 * LANES
_SECOND: Final = _FIRST + 2 * LANES
NUM_FLOATS: Final = _SECOND + 2 * LANES

# And in that of doubles.
_FORWARD: Final = 0
_BACKWARD: Final = _FORWARD + HALF_SAMPLES
_TAPS: Final = _BACKWARD + HALF_SAMPLES
_PADDED: Final = _TAPS + LPC_ORDER
_LAGS: Final = _PADDED + _PADDED_TAPS
NUM_DOUBLES: Final = _LAGS + 3 * _DOUBLES

# Pair s of order n is one as long as s + n is below their number.
_IS_PAIR = table((np.arange(HALF_SAMPLES + LPC_ORDER + _DOUBLES) < _NUM_PAIRS).astype(np.float64))
_EXPANSION = table(BANDWIDTH_EXPANSION)
# Lags to power, even and odd ones; the transform's 1/320 and the other half of the lags in it.
_WAVES = np.cos(2 * np.pi * np.outer(np.arange(LPC_ORDER + 1), np.arange(_NUM_COMPUTED)) / WINDOW_SAMPLES)
_WAVES[1:] *= 2
_COSINES = table(_WAVES / WINDOW_SAMPLES**2)

_NEXT = permutation(range(1, _DOUBLES + 1))
_BEHIND = permutation(range(_DOUBLES - 1, 2 * _DOUBLES - 1))
_REVERSED = permutation(range(LANES - 1, -1, -1))
_first = lane(0)


@compiled(makes_arrays=False)
@no_type_check
def _pair_up(emphasised, start, forward, backward):
    """Write the errors of order 0, forward ones a sample ahead, and return the sums that the first step needs."""
    cross = energy = copies(np.float64(0))
    for s in range(0, HALF_SAMPLES, _DOUBLES):
        ahead = load_doubles(emphasised, start + s + 1) * _IS_PAIR(s)
        behind = load_doubles(emphasised, start + s) * _IS_PAIR(s)
        store(forward, s, ahead)
        store(backward, s, behind)
        cross += ahead * behind
        energy += ahead * ahead + behind * behind
    return total(cross), total(energy)


@compiled(makes_arrays=False)
@no_type_check
def _filter(forward, backward, reflection, order):
    """Advance the errors by one order, and return the sums that the next step needs and the forward energy."""
    zeros = copies(np.float64(0))
    cross = energy = residual = zeros
    last_forward = last_backward = zeros
    for s in range(0, HALF_SAMPLES, _DOUBLES):
        old_forward, old_backward = load(forward, s), load(backward, s)
        new_forward = old_forward + reflection * old_backward
        new_backward = (old_backward + reflection * old_forward) * _IS_PAIR(s + order + 1)
        residual += new_forward * new_forward
        if s > 0:
            # The next pairs: each backward error with the forward one of the next sample.
            ahead = _NEXT(last_forward, new_forward)
            cross += ahead * last_backward
            energy += ahead * ahead + last_backward * last_backward
            store(forward, s - _DOUBLES, ahead)
        store(backward, s, new_backward)
        last_forward, last_backward = new_forward, new_backward
    ahead = _NEXT(last_forward, zeros)
    store(forward, HALF_SAMPLES - _DOUBLES, ahead)
    cross += ahead * last_backward
    energy += ahead * ahead + last_backward * last_backward
    return total(cross), total(energy), total(residual)


@compiled(makes_arrays=False)
@no_type_check
def _fit(emphasised, start, forward, backward, taps):
    """Fit the model to half a frame: write its taps behind the leading 1 and return the residual energy."""
    cross, energy = _pair_up(emphasised, start, forward, backward)
    squares, early = copies(np.float64(0)), copies(np.float64(0))
    for s in range(0, HALF_SAMPLES - _DOUBLES, _DOUBLES):
        x = load_doubles(emphasised, start + s)
        squares += x * x
        if s == LPC_ORDER - _DOUBLES:
            early = squares
    power = total(squares)
    for s in range(HALF_SAMPLES - _DOUBLES, HALF_SAMPLES - 1):
        power += np.float64(emphasised[start + s]) * np.float64(emphasised[start + s])
    late_power = power - total(early)
    conditioning = CONDITIONING * power + LEAST_CONDITIONING

    # The filter, and its mirror image one step late; the leading 1 of the filter is not stored.
    zeros = copies(np.float64(0))
    low = high = high_mirror = zeros
    low_mirror = _BEHIND(copies(np.float64(1)), zeros)
    inverse_gain = 1.0
    residual = 0.0
    for order in range(LPC_ORDER):
        mirrored = total(low * low_mirror + high * high_mirror)
        norm = 1.0 + total(low * low + high * high)
        reflection = -2.0 * (cross + conditioning * mirrored) / (energy + 2.0 * conditioning * norm)
        remaining = inverse_gain * (1.0 - reflection * reflection)
        is_held = remaining <= LEAST_INVERSE_GAIN
        if is_held:
            size = np.sqrt(1.0 - LEAST_INVERSE_GAIN / inverse_gain)
            reflection = size if reflection > 0 else -size
            remaining = LEAST_INVERSE_GAIN
        inverse_gain = remaining
        to_low, to_high = low_mirror + reflection * low, high_mirror + reflection * high
        low += reflection * low_mirror
        high += reflection * high_mirror
        low_mirror, high_mirror = _BEHIND(copies(reflection), to_low), _BEHIND(to_low, to_high)
        if is_held:
            residual = late_power * inverse_gain
            break
        cross, energy, residual = _filter(forward, backward, reflection, order)
    store(taps, 0, low)
    store(taps, _DOUBLES, high)
    return residual


@compiled(makes_arrays=False)
@no_type_check
def _correlate_taps(taps, padded, lags):
    """Write the lags of a filter, 0 to 16: its taps, whose peaks are widened, and the leading 1 with themselves."""
    zeros = copies(np.float64(0))
    for n in range(0, _PADDED_TAPS, _DOUBLES):
        store(padded, n, zeros)
    padded[0] = 1.0
    store(padded, 1, load(taps, 0) * _EXPANSION(0))
    store(padded, 1 + _DOUBLES, load(taps, _DOUBLES) * _EXPANSION(_DOUBLES))
    first = second = third = zeros
    for i in range(LPC_ORDER + 1):
        first += padded[i] * load(padded, i)
        second += padded[i] * load(padded, i + _DOUBLES)
        third += padded[i] * load(padded, i + 2 * _DOUBLES)
    store(lags, 0, first)
    store(lags, _DOUBLES, second)
    store(lags, 2 * _DOUBLES, third)


@compiled(makes_arrays=False)
@no_type_check
def _inverse_power(lags, scale, power):
    """Write scale over the power of a filter, bins 0 to 159."""
    for k in range(0, _NUM_COMPUTED, LANES):
        even_low = even_high = odd_low = odd_high = copies(np.float64(0))
        for lag in range(0, LPC_ORDER + 1, 2):
            even_low += lags[lag] * _COSINES(lag * _NUM_COMPUTED + k)
            even_high += lags[lag] * _COSINES(lag * _NUM_COMPUTED + k + _DOUBLES)
        for lag in range(1, LPC_ORDER + 1, 2):
            odd_low += lags[lag] * _COSINES(lag * _NUM_COMPUTED + k)
            odd_high += lags[lag] * _COSINES(lag * _NUM_COMPUTED + k + _DOUBLES)
        store(power, k, scale / (narrow(even_low + odd_low, even_high + odd_high) + LEAST_POWER))
        if k + LANES < _NUM_COMPUTED:
            # Half a turn away, odd waves have the other sign.
            mirror = scale / (narrow(even_low - odd_low, even_high - odd_high) + LEAST_POWER)
            store(power, NUM_BINS - LANES - k, _REVERSED(mirror, mirror))


@compiled(makes_arrays=False)
@no_type_check
def _half(floats, doubles, start, out):
    """Write the cepstrum of the half that begins at a sample, to 32 places."""
    taps, lags = doubles[_TAPS:_PADDED], doubles[_LAGS:NUM_DOUBLES]
    power, bands = floats[_POWER:_BANDS], floats[_BANDS:_LOGS]
    emphasised = floats[_EMPHASISED:_POWER]
    residual = _fit(emphasised, start, doubles[_FORWARD:_BACKWARD], doubles[_BACKWARD:_TAPS], taps)
    _correlate_taps(taps, doubles[_PADDED:_LAGS], lags)
    _inverse_power(lags, np.float32(SCALE / NUM_RESIDUALS * residual), power)
    band_energies(power, bands)
    lift(bands)
    cepstrum(bands, floats[_LOGS:_FIRST], out)


@compiled(makes_arrays=False)
@no_type_check
def extract(samples, features, floats, doubles):
    """Write the mean and the difference of the cepstra of both halves of frames.

    Args:
        samples: 160 for each frame, int16 scale.
        features: [frame][36], to be written.
        floats: Scratch space for `NUM_FLOATS`.
        doubles: Scratch space for `NUM_DOUBLES`.
    """
    padded, emphasised = floats[_SAMPLES:_EMPHASISED], floats[_EMPHASISED:_POWER]
    first, second = floats[_FIRST:_SECOND], floats[_SECOND:NUM_FLOATS]
    for frame in range(features.shape[0]):
        for n in range(0, FEATURE_FRAME_SAMPLES, LANES):
            store(padded, n, load(samples, frame * FEATURE_FRAME_SAMPLES + n))
        store(padded, FEATURE_FRAME_SAMPLES, copies(np.float32(0)))
        for n in range(0, FEATURE_FRAME_SAMPLES, LANES):
            store(emphasised, n, load(padded, n + 1) - PRE_EMPHASIS * load(padded, n))
        store(emphasised, FEATURE_FRAME_SAMPLES, copies(np.float32(0)))
        _half(floats, doubles, 0, first)
        _half(floats, doubles, HALF_SAMPLES, second)
        for n in range(NUM_CEPSTRA):
            features[frame, n] = np.float32(0.5) * (first[n] + second[n])
            features[frame, NUM_CEPSTRA + n] = first[n] - second[n]
