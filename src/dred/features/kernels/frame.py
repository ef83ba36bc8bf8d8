"""A feature frame as one compiled call, or any number of frames: see `reference.frame` for the steps.

A stream's memory is one row of floats, which has room for all that a frame needs on the way.
"""

from typing import Final, no_type_check

import numpy as np

from dred.compilation import compiled
from dred.features.kernels.cepstrum import band_energies, cepstrum, lift, prediction_filter
from dred.features.kernels.pitch import (
    MARGIN,
    NUM_ROWS,
    NUM_TAPS,
    ROW,
    convolve_channels,
    convolve_correlations,
    expected_pitch,
    instantaneous_frequency,
)
from dred.features.kernels.residual import correlate, make_room, voicing, whiten
from dred.features.kernels.spectrum import NUM_LOW_LANES, transform
from dred.features.layout import MAX_PERIOD_SAMPLES, NUM_CEPSTRA, PITCH, VOICING
from dred.features.reference.bands import OVERLAP_SAMPLES, PRE_EMPHASIS, WINDOW_SAMPLES
from dred.features.reference.frame import RESIDUAL_DELAY_SAMPLES
from dred.features.reference.pitch import NUM_CLASSES, NUM_LAGS
from dred.nn.kernels import LINEAR, TANH, dense, gru
from dred.nn.kernels.table import NUM_INPUTS, NUM_OUTPUTS
from dred.timebase import FEATURE_FRAME_SAMPLES
from dred.vectors.kind import LANES
from dred.vectors.lanes import permutation
from dred.vectors.memory import load, store

FREQUENCY_1, FREQUENCY_2, DOWNSAMPLER, GRU_INPUT, GRU_RECURRENT, CLASSES = range(6)
"""Numbers of the layers in the network."""

_PERIOD_AND_FRAME: Final = MAX_PERIOD_SAMPLES + FEATURE_FRAME_SAMPLES

# Where things lie in a stream's memory: what is remembered between frames, then what is not.
_SAMPLES: Final = 0
_SIGNAL: Final = _SAMPLES + LANES
_RESIDUAL: Final = _SIGNAL + WINDOW_SAMPLES
_EMPHASISED: Final = _RESIDUAL + LANES
_LOW_PASSED: Final = _EMPHASISED + _PERIOD_AND_FRAME
_PREVIOUS_REAL: Final = _LOW_PASSED + _PERIOD_AND_FRAME
_PREVIOUS_IMAG: Final = _PREVIOUS_REAL + NUM_LOW_LANES
_NEWEST_ROW: Final = _PREVIOUS_IMAG + NUM_LOW_LANES
_CORRELATIONS: Final = _NEWEST_ROW + LANES
_LOW_REAL: Final = _CORRELATIONS + NUM_ROWS * ROW
_LOW_IMAG: Final = _LOW_REAL + NUM_LOW_LANES + LANES
_POWER: Final = _LOW_IMAG + NUM_LOW_LANES + LANES
_BANDS: Final = _POWER + WINDOW_SAMPLES // 2 + LANES
_LOGS: Final = _BANDS + 2 * LANES
_CEPSTRUM: Final = _LOGS + 2 * LANES
_LPC: Final = _CEPSTRUM + 2 * LANES
_RISING: Final = _LPC + LANES
_LOWER: Final = _RISING + FEATURE_FRAME_SAMPLES
_UPPER: Final = _LOWER + ROW
# The pitch network's layers, whose widths its weights tell; its frequencies come first.
_LAYERS: Final = _UPPER + ROW

NUM_FREQUENCY_LANES: Final = 3 * NUM_LOW_LANES
"""Log power, real and imaginary part of the phase advance of the low bins, as the pitch network takes them."""

DESCRIPTION_SIZE: Final = _LAYERS + NUM_FREQUENCY_LANES
"""Floats of memory that a stream takes without a pitch network."""

_BEHIND = permutation(range(LANES - 1, 2 * LANES - 1))


def memory_size(table: np.ndarray, num_channels: int) -> int:
    """Return the number of floats that a stream's memory takes."""
    inputs, outputs = table[:, NUM_INPUTS], table[:, NUM_OUTPUTS]
    size = _LAYERS + int(inputs[FREQUENCY_1] + outputs[FREQUENCY_1] + inputs[DOWNSAMPLER] + outputs[DOWNSAMPLER])
    size += int(inputs[GRU_RECURRENT]) + num_channels * NUM_ROWS * NUM_LAGS
    return size + MARGIN + max(int(outputs[CLASSES]), NUM_CLASSES + MARGIN)


@compiled(makes_arrays=False)
@no_type_check
def _emphasise(samples, start, last, signal):
    """Put the next frame behind the last one, high frequencies raised."""
    before = load(last, 0)
    for n in range(0, FEATURE_FRAME_SAMPLES, LANES):
        store(signal, n, load(signal, OVERLAP_SAMPLES + n))
        now = load(samples, start + n)
        store(signal, OVERLAP_SAMPLES + n, now - PRE_EMPHASIS * _BEHIND(before, now))
        before = now
    store(last, 0, before)


@compiled(makes_arrays=False)
@no_type_check
def _pitch(network, taps, memory, work):
    """Run the pitch network on the frame's frequencies and on its correlations, which lie in the newest row."""
    row = memory[0]
    # | frequencies | first layer | lags, second layer | downsampler | GRU state | channels of convolution | scores |
    first = _LAYERS + network[FREQUENCY_1, NUM_INPUTS]
    lags = first + network[FREQUENCY_1, NUM_OUTPUTS]
    second = lags + NUM_LAGS
    down = lags + network[DOWNSAMPLER, NUM_INPUTS]
    state = down + network[DOWNSAMPLER, NUM_OUTPUTS]
    channels = state + network[GRU_RECURRENT, NUM_INPUTS]
    num_channels = (taps.size - 1) // (2 * NUM_TAPS + 1)
    scores = channels + num_channels * NUM_ROWS * NUM_LAGS
    second_taps, biases = num_channels * NUM_TAPS, 2 * num_channels * NUM_TAPS
    newest = int(row[_NEWEST_ROW])

    dense(network, FREQUENCY_1, memory, _LAYERS, memory, first, TANH, work)
    dense(network, FREQUENCY_2, memory, first, memory, second, TANH, work)
    convolve_correlations(taps, taps[biases : taps.size - 1], row[_CORRELATIONS:], newest, row[channels:])
    convolve_channels(
        taps[second_taps:biases], taps[taps.size - 1], row[channels:], newest, row[_LOWER:], row[_UPPER:], row[lags:]
    )
    row[_NEWEST_ROW] = np.float32((newest + 1) % NUM_ROWS)
    dense(network, DOWNSAMPLER, memory, lags, memory, down, TANH, work)
    gru(network, GRU_INPUT, GRU_RECURRENT, memory, down, memory, state, work)
    dense(network, CLASSES, memory, state, memory, scores + MARGIN, LINEAR, work)
    return expected_pitch(row[scores:])


@compiled(makes_arrays=False)
@no_type_check
def _describe_frame(row, samples, start, features):
    """Write the cepstrum, and into the memory what the pitch network sees: frequencies, and the newest correlations."""
    signal, residual = row[_SIGNAL:], row[_RESIDUAL:]
    emphasised, low_passed = row[_EMPHASISED:], row[_LOW_PASSED:]
    low_real, low_imag, power = row[_LOW_REAL:], row[_LOW_IMAG:], row[_POWER:]
    bands, cepstra, lpc = row[_BANDS:], row[_CEPSTRUM:], row[_LPC:]
    newest_row = _CORRELATIONS + int(row[_NEWEST_ROW]) * ROW

    _emphasise(samples, start, row[_SAMPLES:], signal)
    transform(signal, power, low_real, low_imag)
    band_energies(power, bands)
    lift(bands)
    cepstrum(bands, row[_LOGS:], cepstra)
    for n in range(NUM_CEPSTRA):
        features[n] = cepstra[n]
    prediction_filter(bands, lpc)
    make_room(emphasised)
    make_room(low_passed)
    whiten(signal, RESIDUAL_DELAY_SAMPLES, lpc, residual, row[_RISING:], emphasised, low_passed)
    correlate(emphasised, row[newest_row + MARGIN :])
    instantaneous_frequency(power, low_real, low_imag, row[_PREVIOUS_REAL:], row[_PREVIOUS_IMAG:], row[_LAYERS:])


@compiled(makes_arrays=False)
@no_type_check
def _extract_frame(network, taps, memory, samples, start, features, work):
    row = memory[0]
    _describe_frame(row, samples, start, features)
    pitch = _pitch(network, taps, memory, work)
    features[PITCH] = pitch
    features[VOICING] = voicing(row[_LOW_PASSED:], _period_samples(pitch))


@compiled(makes_arrays=False)
@no_type_check
def _period_samples(pitch):
    """As `layout.pitch_to_period_samples`, within the history."""
    octaves = np.float64(pitch) + 1.5
    # Written so that it holds for not-a-number too.
    octaves = octaves if octaves > 0 else 0.0
    octaves = octaves if octaves < 3 else 3.0
    return int(np.floor(0.5 + MAX_PERIOD_SAMPLES * 2.0**-octaves))


@compiled(makes_arrays=False)
@no_type_check
def extract(network, taps, memory, samples, features, work):
    """Extract the features of the frames that the rows of `features` are for.

    Args:
        network: The layers of the pitch network, packed in the order of their numbers.
        taps: Its convolutions: weights of the first, [channel][frame][lag]; of the second; biases of both.
        memory: The stream's memory, [1][size].
        samples: 160 for each frame, int16 scale.
        features: [frame][20], to be written.
        work: Scratch space of the network.
    """
    for frame in range(features.shape[0]):
        _extract_frame(network, taps, memory, samples, frame * FEATURE_FRAME_SAMPLES, features[frame], work)


@compiled(makes_arrays=False)
@no_type_check
def describe(memory, samples, frequencies, correlations, features):
    """Write what the pitch network would see of frames, without one.

    Args:
        memory: The stream's memory, [size], at least `DESCRIPTION_SIZE`.
        samples: 160 for each frame, int16 scale.
        frequencies: [frame][`NUM_FREQUENCY_LANES`], to be written.
        correlations: [frame][224], to be written.
        features: 20, scratch.
    """
    newest = _CORRELATIONS + MARGIN
    for frame in range(frequencies.shape[0]):
        _describe_frame(memory, samples, frame * FEATURE_FRAME_SAMPLES, features)
        for n in range(NUM_FREQUENCY_LANES):
            frequencies[frame, n] = memory[_LAYERS + n]
        for n in range(NUM_LAGS):
            correlations[frame, n] = memory[newest + n]
