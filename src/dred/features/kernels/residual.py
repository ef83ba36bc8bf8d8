"""The prediction residual of a frame, how well it matches itself at each lag, and how much at the chosen one.

Source: facts from libopus 1.6.1 dnn/lpcnet_enc.c.
"""

from typing import no_type_check

import numpy as np

from dred.compilation import compiled
from dred.features.layout import MAX_PERIOD_SAMPLES
from dred.features.reference.bands import LPC_ORDER
from dred.features.reference.pitch import NUM_LAGS
from dred.features.reference.residual import LOW_PASS_A, LOW_PASS_B, RESIDUAL_EMPHASIS
from dred.timebase import FEATURE_FRAME_SAMPLES
from dred.vectors.kind import LANES
from dred.vectors.lanes import copies, narrow, permutation, total
from dred.vectors.memory import load, load_doubles, store, table

_FRAME = FEATURE_FRAME_SAMPLES

_BEHIND_1 = permutation(range(LANES - 1, 2 * LANES - 1))
_BEHIND_2 = permutation(range(LANES - 2, 2 * LANES - 2))
_LAST = permutation([LANES - 1] * LANES)
_LAST_DOUBLE = permutation([LANES // 2 - 1] * (LANES // 2))
_UP_1, _UP_2, _UP_4 = (permutation(range(LANES // 2 - up, LANES - up)) for up in (1, 2, 4))
_LAST_BUT_ONE = permutation([LANES - 2] * LANES)


def _responses() -> np.ndarray:
    """Response of the low-pass's recursive half to an impulse, over a vector and two lanes more."""
    response = np.zeros(LANES + 3)
    response[2] = 1
    for n in range(3, response.size):
        response[n] = -LOW_PASS_A[0] * response[n - 1] - LOW_PASS_A[1] * response[n - 2]
    return response[2:]


_RESPONSE = _responses()
# To an input in each lane, as rows; and to the two last outputs.
_TO_INPUT = table(
    np.array([[_RESPONSE[i - j] if i >= j else 0 for i in range(LANES)] for j in range(LANES)], np.float32)
)
_TO_LAST = table(_RESPONSE[1 : LANES + 1].astype(np.float32))
_TO_LAST_BUT_ONE = table((-LOW_PASS_A[1] * _RESPONSE[:LANES]).astype(np.float32))
_LARGEST_VOICING = np.log1p(np.exp(5.0))
_B0, _B1 = (np.float32(value) for value in LOW_PASS_B)


@compiled(makes_arrays=False)
@no_type_check
def make_room(signal):
    """Move a period of history to the front, so that a frame fits behind it."""
    for n in range(0, MAX_PERIOD_SAMPLES, LANES):
        store(signal, n, load(signal, n + _FRAME))


@compiled(makes_arrays=False)
@no_type_check
def whiten(samples, start, lpc, memory, rising, emphasised, low_passed):
    """Filter a frame of samples by the prediction filter and what comes behind it.

    Args:
        samples: The signal; the frame begins at `start`, and the filter looks back from there.
        lpc: The filter's 16 taps.
        memory: The 16 last values of the residual.
        rising: Scratch space for a frame.
        emphasised: History and room for a frame of the residual with its high frequencies raised.
        low_passed: Likewise, of the residual below 1.2 kHz.
    """
    before = load(memory, 0)
    for n in range(0, _FRAME, LANES):
        residual, odd = load(samples, start + n), copies(np.float32(0))
        for k in range(0, LPC_ORDER, 2):
            residual += lpc[k] * load(samples, start + n - 1 - k)
            odd += lpc[k + 1] * load(samples, start + n - 2 - k)
        residual += odd
        last = _BEHIND_1(before, residual)
        store(emphasised, MAX_PERIOD_SAMPLES + n, residual + RESIDUAL_EMPHASIS * last)
        store(rising, n, residual + _B0 * last + _B1 * _BEHIND_2(before, residual))
        before = residual
    store(memory, 0, before)
    # The low-pass, a vector at a time: what its inputs give by themselves, then what came before them.
    before = load(low_passed, MAX_PERIOD_SAMPLES - LANES)
    for n in range(0, _FRAME, LANES):
        even, odd = copies(np.float32(0)), copies(np.float32(0))
        for j in range(0, LANES, 2):
            even += rising[n + j] * _TO_INPUT(LANES * j)
            odd += rising[n + j + 1] * _TO_INPUT(LANES * (j + 1))
        even += odd
        even += _LAST_BUT_ONE(before, before) * _TO_LAST_BUT_ONE(0)
        before = even + _LAST(before, before) * _TO_LAST(0)
        store(low_passed, MAX_PERIOD_SAMPLES + n, before)


@compiled(makes_arrays=False)
@no_type_check
def _multiply(signal, first, out):
    """Multiply the newest frame with half of the lags, whose windows begin from `first` on."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = copies(np.float32(0))
    for offset in range(LANES):
        # Each vector of the history meets one number after the other, so that it is loaded once for all seven sums.
        for n in range(offset, offset + _FRAME, LANES):
            x = copies(signal[MAX_PERIOD_SAMPLES + n])
            s0 += x * load(signal, first + n)
            s1 += x * load(signal, first + n + LANES)
            s2 += x * load(signal, first + n + 2 * LANES)
            s3 += x * load(signal, first + n + 3 * LANES)
            s4 += x * load(signal, first + n + 4 * LANES)
            s5 += x * load(signal, first + n + 5 * LANES)
            s6 += x * load(signal, first + n + 6 * LANES)
    store(out, first, s0)
    store(out, first + LANES, s1)
    store(out, first + 2 * LANES, s2)
    store(out, first + 3 * LANES, s3)
    store(out, first + 4 * LANES, s4)
    store(out, first + 5 * LANES, s5)
    store(out, first + 6 * LANES, s6)


@compiled(makes_arrays=False)
@no_type_check
def _change(signal, n):
    """What the energy of a window gains from each lag to the next, summed over 8 lags."""
    entering, leaving = load_doubles(signal, n + _FRAME), load_doubles(signal, n)
    change = entering * entering - leaving * leaving
    zeros = 0 * change
    change += _UP_1(zeros, change)
    change += _UP_2(zeros, change)
    return change + _UP_4(zeros, change)


@compiled(makes_arrays=False)
@no_type_check
def correlate(signal, out):
    """Correlate the newest frame with lags 256 down to 33, each normalised by both energies."""
    _multiply(signal, 0, out)
    _multiply(signal, NUM_LAGS // 2, out)
    # The energies slide along in double precision: they add and remove large squares.
    energy = copies(np.float64(0))
    for n in range(0, _FRAME, LANES // 2):
        now, then = load_doubles(signal, MAX_PERIOD_SAMPLES + n), load_doubles(signal, n)
        energy += now * now + then * then
    energies = copies(1 + total(energy))
    for n in range(0, NUM_LAGS, LANES):
        low = energies + _change(signal, n)
        high = _LAST_DOUBLE(low, low) + _change(signal, n + LANES // 2)
        store(out, n, 2 * load(out, n) / narrow(_UP_1(energies, low), _UP_1(low, high)))
        energies = _LAST_DOUBLE(high, high)


@compiled(makes_arrays=False)
@no_type_check
def voicing(low_passed, period_samples):
    """Map the correlation one period back to the voicing feature, -0.5 to 0.5."""
    products = energy_now = energy_then = copies(np.float32(0))
    for n in range(0, _FRAME, LANES):
        now = load(low_passed, MAX_PERIOD_SAMPLES + n)
        then = load(low_passed, MAX_PERIOD_SAMPLES - period_samples + n)
        products += now * then
        energy_now += now * now
        energy_then += then * then
    energies = np.float64(total(energy_now)) * np.float64(total(energy_then))
    correlation = total(products) / np.sqrt(1.0 + energies)
    return np.log1p(np.exp(5.0 * correlation)) / _LARGEST_VOICING - 0.5
