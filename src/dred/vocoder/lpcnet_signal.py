"""The arithmetic around LPCNet's network, compiled: mu-law, prediction filters, draws.

Both implementations of LPCNet call these, so that they differ by what the network says alone: a sample is a choice, and
the last digit of a filter decides many.

Source: Valin and Skoglund, "LPCNet: improving neural speech synthesis through linear prediction", 2019; ITU-T G.711 for
the curve, here to 8 bits over the whole range.
"""

import math
from typing import no_type_check

import numpy as np

from dred.compilation import FAST_SUMS, compiled
from dred.features.layout import NUM_CEPSTRA, VOICING
from dred.features.reference.bands import (
    C0_OFFSET,
    COMPENSATION,
    DCT,
    GAINS_TO_LAGS,
    LAG_WINDOW,
    LEAST_ERROR,
    LPC_ORDER,
    NOISE_FLOOR,
    NOISE_FLOOR_GAIN,
)

NUM_LEVELS = 256
ZERO_LEVEL = 128
FILTER_SCRATCH = NUM_CEPSTRA + LPC_ORDER + 1
"""Floats that `write_filter` computes in."""
MODULUS = 1 << 24
"""Keys and counters are below: integers that a float32 holds exactly."""

_CURVE = 255.0
_LOG_RANGE = math.log(1 + _CURVE)
# What no band's logarithm of real speech exceeds; keeps powers of ten finite.
_LARGEST_LOG = 12.0
# Choices less likely than this are never taken.
_LEAST_PROBABILITY = np.float32(0.002)
# exp x = (exp(x / 2^n))^(2^n), and of what is small by its first terms; to 1e-4 where choices are likely.
_SQUARINGS = 8
_LEAST_ROOT = np.float32(-0.25)
_ONE, _HALF, _SIXTH, _TWENTY_FOURTH = (np.float32(1 / math.factorial(n)) for n in range(1, 5))
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@compiled(makes_arrays=False)
@no_type_check
def hold(x):
    """Return a number within -1 to 1; what is no number becomes 0."""
    if abs(x) <= 1:
        return np.float32(x)
    if x > 1:
        return np.float32(1)
    return np.float32(-1) if x < -1 else np.float32(0)


@compiled(makes_arrays=False)
@no_type_check
def to_level(x):
    """Return the mu-law level, 0 to 255, of a sample; what lies beyond -1 to 1 is held."""
    held = np.float64(hold(x))
    curved = math.log1p(_CURVE * abs(held)) / _LOG_RANGE
    return min(NUM_LEVELS - 1, math.floor(0.5 + ZERO_LEVEL + ZERO_LEVEL * math.copysign(curved, held)))


@compiled(makes_arrays=False)
@no_type_check
def from_level(level):
    """Return the sample that a mu-law level stands for."""
    curved = (level - ZERO_LEVEL) / ZERO_LEVEL
    return np.float32(math.copysign(math.expm1(_LOG_RANGE * abs(curved)) / _CURVE, curved))


@compiled(makes_arrays=False)
@no_type_check
def write_filter(features, taps, scratch):
    """Write the 16 taps of the filter that fits a cepstrum: a sample is predicted as minus their sum over the past."""
    gains, lags = scratch[:NUM_CEPSTRA], scratch[NUM_CEPSTRA:FILTER_SCRATCH]
    for band in range(NUM_CEPSTRA):
        log = np.float64(C0_OFFSET) * DCT[band, 0]
        for k in range(NUM_CEPSTRA):
            log += np.float64(DCT[band, k]) * features[k]
        log = min(_LARGEST_LOG, max(-_LARGEST_LOG, log)) if math.isfinite(log) else 0.0
        gains[band] = 10.0**log * COMPENSATION[band]
    for lag in range(LPC_ORDER + 1):
        total = 0.0
        for band in range(NUM_CEPSTRA):
            total += np.float64(GAINS_TO_LAGS[lag, band]) * gains[band]
        if lag == 0:
            total += total * NOISE_FLOOR_GAIN + NOISE_FLOOR
        lags[lag] = total * LAG_WINDOW[lag]
    for i in range(LPC_ORDER):
        taps[i] = 0.0
    error = np.float64(lags[0])
    for i in range(LPC_ORDER):
        left = np.float64(lags[i + 1])
        for j in range(i):
            left += np.float64(taps[j]) * lags[i - j]
        reflection = -left / error
        for j in range((i + 1) // 2):
            low, high = taps[j], taps[i - 1 - j]
            taps[j] = low + reflection * high
            taps[i - 1 - j] = high + reflection * low
        taps[i] = reflection
        error -= reflection * reflection * error
        if error < LEAST_ERROR * lags[0]:
            break


@compiled(makes_arrays=False)
@no_type_check
def predict(past, taps):
    """Return the prediction of a sample from the last 16, oldest first, within -1 to 1."""
    total = np.float32(0)
    for i in range(LPC_ORDER):
        total -= taps[i] * past[LPC_ORDER - 1 - i]
    return hold(total)


@compiled(makes_arrays=False)
@no_type_check
def sharpness(features):
    """Return by how much to sharpen what the network says: voiced speech is less noisy than a model of it."""
    correlation = features[VOICING] + 0.5
    correlation = min(1.0, max(0.0, correlation)) if math.isfinite(correlation) else 0.0
    return np.float32(1.0 + max(0.0, 1.5 * correlation - 0.5))


@compiled(makes_arrays=False)
@no_type_check
def key_of(samples):
    """Return a key for `uniform` that differs from one stretch of heard speech to the next."""
    key = 0
    for n in range(samples.shape[0]):
        key = (31 * key + int(32767.0 * hold(samples[n])) + 32768) % MODULUS
    return key


@compiled(makes_arrays=False)
@no_type_check
def uniform(key, counter):
    """Return the draw of a counter, 0 to below 1. Source: Steele et al., SplitMix, 2014 (the mixing of 64 bits)."""
    mixed = (np.uint64(key) << np.uint64(24)) + np.uint64(counter) + np.uint64(1)
    mixed *= _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    mixed ^= mixed >> np.uint64(31)
    return np.float64(mixed >> np.uint64(11)) / 9007199254740992.0


@compiled(makes_arrays=False, fastmath=FAST_SUMS)
@no_type_check
def choose(logits, sharp, draw):
    """Return the level that a draw, 0 to below 1, picks by the sharpened odds; `logits` is overwritten.

    Choices that are hardly likely are left out: an outlier is heard as a click.
    """
    largest = logits[0]
    for k in range(1, NUM_LEVELS):
        largest = max(largest, logits[k])
    scale = np.float32(sharp / (1 << _SQUARINGS))
    for k in range(NUM_LEVELS):
        # As many odds at once as fit a vector: a call of exp would take them one by one.
        x = max(scale * (logits[k] - largest), _LEAST_ROOT)
        odds = _ONE + x * (_ONE + x * (_HALF + x * (_SIXTH + x * _TWENTY_FOURTH)))
        for _ in range(_SQUARINGS):
            odds *= odds
        logits[k] = odds
    total = np.float32(0)
    for k in range(NUM_LEVELS):
        total += logits[k]
    least = _LEAST_PROBABILITY * total
    kept = np.float32(0)
    for k in range(NUM_LEVELS):
        logits[k] = max(np.float32(0), logits[k] - least)
        kept += logits[k]
    left = draw * kept
    last = ZERO_LEVEL
    for k in range(NUM_LEVELS):
        if logits[k] > 0:
            last = k
            left -= logits[k]
            if left < 0:
                break
    return last
