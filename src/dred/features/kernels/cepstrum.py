"""Power spectrum to cepstrum, and to the prediction filter that a decoder could compute from the cepstrum.

    power -> band energies -> lift -> log10 -> DCT -> cepstrum
                                '-> gains -> autocorrelation -> LPC

The lift, a maximum, is taken before the logarithm, and the cepstrum's way back to the gains is left out: the DCT is
orthonormal, so that it would give what it came from.

Source: facts from libopus 1.6.1 dnn/freq.c; Le Roux and Gueguen, "A fixed point computation of partial correlation
coefficients", 1977.
"""

from typing import no_type_check

import numpy as np

from dred.compilation import compiled
from dred.features.layout import NUM_CEPSTRA
from dred.features.reference.bands import (
    BAND_SUMS,
    C0_OFFSET,
    COMPENSATION,
    DCT,
    GAINS_TO_LAGS,
    LAG_WINDOW,
    LEAST_ERROR,
    LOG_FALL_PER_BAND,
    LOG_FLOOR,
    LOG_RANGE,
    LPC_ORDER,
    NOISE_FLOOR,
    NOISE_FLOOR_GAIN,
)
from dred.vectors.functions import log10
from dred.vectors.kind import LANES
from dred.vectors.lanes import copies, lane, permutation, total
from dred.vectors.memory import load, store, table

# Bins of the two bands that do not fit one vector.
_FIRST_TAIL_BIN = 112
_NUM_BINS = 160

_SUMS = table(BAND_SUMS[:LANES, :_NUM_BINS].T)
_SUMS_16, _SUMS_17 = (table(BAND_SUMS[band, _FIRST_TAIL_BIN:_NUM_BINS]) for band in (LANES, LANES + 1))
_RANGE = np.float32(10.0**-LOG_RANGE)
_FALL_PER_BAND = np.float32(10.0**-LOG_FALL_PER_BAND)


def _two_vectors_wide(matrix: np.ndarray) -> np.ndarray:
    return np.pad(matrix, ((0, 0), (0, 2 * LANES - matrix.shape[1])))


_COSINES = table(_two_vectors_wide(DCT))
_OFFSET = table(np.eye(1, LANES, dtype=np.float32) * C0_OFFSET)

# Gains to lags 0 to 15 and to lags 1 to 16, the noise floor's share and the lag window in both.
_LAGS = (GAINS_TO_LAGS * COMPENSATION * LAG_WINDOW[:, None]).T.astype(np.float64)
_LAGS[:, 0] *= 1 + NOISE_FLOOR_GAIN
_LOWER_LAGS = table(_LAGS[:, :LANES].astype(np.float32))
_UPPER_LAGS = table(_LAGS[:, 1:].astype(np.float32))
_FLOOR = table(np.eye(1, LANES, dtype=np.float32) * NOISE_FLOOR)

_first = lane(0)
_NEXT = permutation(range(1, LANES + 1))
_BEHIND = permutation(range(LANES - 1, 2 * LANES - 1))


@compiled(makes_arrays=False)
@no_type_check
def band_energies(power, bands):
    """Sum the power of each bin into the two bands it lies between; `bands` has room for 32."""
    low, high = copies(np.float32(0)), copies(np.float32(0))
    for k in range(0, _NUM_BINS, 2):
        low += power[k] * _SUMS(LANES * k)
        high += power[k + 1] * _SUMS(LANES * (k + 1))
    store(bands, 0, low + high)
    penultimate, last = copies(np.float32(0)), copies(np.float32(0))
    for k in range(0, _NUM_BINS - _FIRST_TAIL_BIN, LANES):
        tail = load(power, _FIRST_TAIL_BIN + k)
        penultimate += tail * _SUMS_16(k)
        last += tail * _SUMS_17(k)
    bands[LANES] = total(penultimate)
    bands[LANES + 1] = total(last)


@compiled(makes_arrays=False)
@no_type_check
def lift(bands):
    """Raise the 18 bands that are far below the loudest or their neighbour, above a floor."""
    loudest = follower = np.float32(LOG_FLOOR)
    for band in range(NUM_CEPSTRA):
        follower = max(follower * _FALL_PER_BAND, loudest * _RANGE, bands[band] + LOG_FLOOR)
        loudest = max(loudest, follower)
        bands[band] = follower
    for band in range(NUM_CEPSTRA, 2 * LANES):
        bands[band] = np.float32(1)


@compiled(makes_arrays=False)
@no_type_check
def cepstrum(bands, logs, out):
    """Write the cepstrum of lifted bands; both other arrays have room for 32."""
    store(logs, 0, log10(load(bands, 0)))
    store(logs, LANES, log10(load(bands, LANES)))
    low, high = -_OFFSET(0), copies(np.float32(0))
    for band in range(NUM_CEPSTRA):
        low += logs[band] * _COSINES(2 * LANES * band)
        high += logs[band] * _COSINES(2 * LANES * band + LANES)
    store(out, 0, low)
    store(out, LANES, high)


@compiled(makes_arrays=False)
@no_type_check
def prediction_filter(bands, out):
    """Write the 16 taps of the filter that fits lifted bands."""
    # Both generators of the Schur recursion: what is left of the lags ahead and behind.
    behind, ahead = _FLOOR(0), copies(np.float32(0))
    for band in range(NUM_CEPSTRA):
        behind += bands[band] * _LOWER_LAGS(LANES * band)
        ahead += bands[band] * _UPPER_LAGS(LANES * band)
    zeros = copies(np.float32(0))
    # The filter, and its mirror image one step late; the leading 1 of the filter is not stored.
    taps, mirror = zeros, _BEHIND(copies(np.float32(1)), zeros)
    least_error = LEAST_ERROR * _first(behind)
    for _ in range(LPC_ORDER):
        reflection = -_first(ahead) / _first(behind)
        taps, mirror = taps + reflection * mirror, _BEHIND(copies(reflection), mirror + reflection * taps)
        ahead, behind = _NEXT(ahead + reflection * behind, zeros), behind + reflection * ahead
        # 30 dB of prediction gain are enough.
        if _first(behind) < least_error:
            break
    store(out, 0, taps)
