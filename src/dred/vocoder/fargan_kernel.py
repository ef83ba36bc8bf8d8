"""FARGAN compiled: one call for any number of frames and of streams.

The same network as `dred.vocoder.fargan`, layer for layer; a stream's memory is one row of floats.
"""

import math
from typing import no_type_check

import numpy as np

from dred.compilation import compiled
from dred.features.layout import MAX_PERIOD_SAMPLES, PITCH
from dred.nn.kernels import LINEAR, SIGMOID, TANH, conv1d, copy_part, dense, glu, gru, read_float
from dred.nn.kernels.table import NUM_INPUTS, NUM_OUTPUTS, WEIGHTS
from dred.vocoder.layout import (
    CONDITION_PAST,
    DE_EMPHASIS,
    FRAME_SAMPLES,
    HISTORY_SAMPLES,
    NUM_SUBFRAMES,
    PREDICTION_MARGIN,
    PREDICTION_SAMPLES,
    SHORTEST_EMBEDDED_PERIOD,
    START_FEATURE_FRAMES,
    START_SAMPLES,
    SUBFRAME_SAMPLES,
)

NUM_GRUS = 3

EMBEDDING, CONDITION_1, CONDITION_CONV, CONDITION_2, GAIN, SIGNAL_CONV, SIGNAL_GLU, PITCH_GATES = range(8)
# For each of the three: input map, recurrent map, gated linear unit.
FIRST_GRU = 8
SKIP, SKIP_GLU, OUTPUT = range(17, 20)

# A row of memory: past output, last sample, the period to speak with, the newest frame's, then the past of the layers.
_HISTORY = 0
LAST_SAMPLE = HISTORY_SAMPLES
PERIOD = LAST_SAMPLE + 1
_NEWEST_PERIOD = PERIOD + 1
_LAYERS = _NEWEST_PERIOD + 1
_NUM_FEATURES = 20


def memory_size(table: np.ndarray) -> int:
    """Return the number of floats that a stream's memory takes."""
    size = _LAYERS + CONDITION_PAST * int(table[CONDITION_1, NUM_OUTPUTS]) + int(table[SIGNAL_CONV, NUM_INPUTS]) // 2
    return size + sum(int(table[FIRST_GRU + 3 * n + 1, NUM_INPUTS]) for n in range(NUM_GRUS))


def row_widths(table: np.ndarray) -> tuple[int, int, int, int]:
    """Return the widths of the scratch rows: conditions, signal, inputs of the recurrent units, taps."""
    outputs = [int(outputs) for outputs in table[:, NUM_OUTPUTS]]
    inputs = [int(inputs) for inputs in table[:, NUM_INPUTS]]
    conditions = inputs[CONDITION_1] + outputs[CONDITION_1] + outputs[CONDITION_CONV] + outputs[CONDITION_2]
    signal = 1 + inputs[SIGNAL_CONV] // 2 + outputs[SIGNAL_CONV] + outputs[PITCH_GATES] + inputs[SKIP]
    signal += outputs[SKIP] + outputs[SKIP_GLU] + outputs[OUTPUT]
    return conditions, signal, max(inputs[FIRST_GRU + 3 * n] for n in range(NUM_GRUS)), max(inputs)


@compiled(makes_arrays=False)
@no_type_check
def _period_samples(pitch):
    # As dred.features.pitch_to_period_samples.
    octaves = min(4.0, max(-1.0, np.float64(pitch) + 1.5)) if math.isfinite(pitch) else 0.0
    return math.floor(0.5 + MAX_PERIOD_SAMPLES * 2.0**-octaves)


@compiled(makes_arrays=False)
@no_type_check
def _condition(network, memory, features, x, taps, work):
    """Write the four conditions of a frame to each row of x, and return their first column."""
    embedding_width, num_periods = network[EMBEDDING, NUM_OUTPUTS], network[EMBEDDING, NUM_INPUTS]
    width = network[CONDITION_1, NUM_OUTPUTS]
    first = network[CONDITION_1, NUM_INPUTS]
    second = first + width
    third = second + network[CONDITION_CONV, NUM_OUTPUTS]
    for row in range(features.shape[0]):
        target = x[row]
        for i in range(_NUM_FEATURES):
            target[i] = features[row, i]
        period = _period_samples(features[row, PITCH])
        memory[row, _NEWEST_PERIOD] = np.float32(period)
        place = min(max(period - SHORTEST_EMBEDDED_PERIOD, 0), num_periods - 1)
        for i in range(embedding_width):
            target[_NUM_FEATURES + i] = read_float(network, network[EMBEDDING, WEIGHTS] + i * num_periods + place)
    dense(network, CONDITION_1, x, 0, x, first, TANH, work)
    conv1d(network, CONDITION_CONV, width, CONDITION_PAST, memory, _LAYERS, x, first, taps, x, second, work)
    dense(network, CONDITION_2, x, second, x, third, TANH, work)
    return third


@compiled(makes_arrays=False)
@no_type_check
def _look_back(memory, gain, prediction, recent):
    """Write the last period, repeated as often as the sub-frame needs, and the last sub-frame, both over the gain."""
    scale = np.float32(1.0) / (np.float32(1e-5) + gain)
    period = int(memory[PERIOD])
    position = HISTORY_SAMPLES - period - PREDICTION_MARGIN
    for n in range(PREDICTION_SAMPLES):
        # A period longer than the history sees its oldest sample.
        prediction[n] = min(np.float32(1), max(np.float32(-1), memory[max(position, 0)] * scale))
        position += 1
        if position == HISTORY_SAMPLES:
            position -= max(period, 1)
    last = memory[HISTORY_SAMPLES - SUBFRAME_SAMPLES : HISTORY_SAMPLES]
    for n in range(SUBFRAME_SAMPLES):
        recent[n] = min(np.float32(1), max(np.float32(-1), last[n] * scale))


@compiled(makes_arrays=False)
@no_type_check
def _append_past(x, inner, recent, gate, target):
    """Write the prediction, times its gate, and the last sub-frame behind what a layer sees."""
    prediction = x[inner : inner + SUBFRAME_SAMPLES]
    for i in range(SUBFRAME_SAMPLES):
        target[i] = gate * prediction[i]
    copy_part(x, recent, SUBFRAME_SAMPLES, target, SUBFRAME_SAMPLES)


@compiled(makes_arrays=False)
@no_type_check
def _subframe(network, memory, conditions, condition, x, inputs, taps, work):
    """Speak 40 samples into the history of each row of memory."""
    num_rows = memory.shape[0]
    condition_width = network[GAIN, NUM_INPUTS]
    signal_width = network[SIGNAL_CONV, NUM_INPUTS] // 2
    first_width = network[SIGNAL_CONV, NUM_OUTPUTS]
    # Columns of x: gain | condition, prediction, recent | convolution | pitch gates | what skips to the end | ...
    signal = 1
    prediction = signal + condition_width
    inner = prediction + PREDICTION_MARGIN
    recent = prediction + PREDICTION_SAMPLES
    convolved = signal + signal_width
    gates = convolved + first_width
    skip = gates + network[PITCH_GATES, NUM_OUTPUTS]
    first = skip
    for unit in range(NUM_GRUS):
        first += network[FIRST_GRU + 3 * unit + 2, NUM_OUTPUTS]
    last = first + first_width
    joined = skip + network[SKIP, NUM_INPUTS]
    gated = joined + network[SKIP, NUM_OUTPUTS]
    spoken = gated + network[SKIP_GLU, NUM_OUTPUTS]

    dense(network, GAIN, conditions, condition, x, 0, LINEAR, work)
    for row in range(num_rows):
        target = x[row]
        target[0] = math.exp(target[0])
        copy_part(conditions[row], condition, condition_width, target, signal)
        _look_back(memory[row], target[0], target[prediction:recent], target[recent:convolved])
    state = _LAYERS + CONDITION_PAST * network[CONDITION_1, NUM_OUTPUTS]
    conv1d(network, SIGNAL_CONV, signal_width, 1, memory, state, x, signal, taps, x, convolved, work)
    state += signal_width
    glu(network, SIGNAL_GLU, x, convolved, x, first, work)
    dense(network, PITCH_GATES, x, first, x, gates, SIGMOID, work)
    before, width, after = first, first_width, skip
    for unit in range(NUM_GRUS):
        layer = FIRST_GRU + 3 * unit
        for row in range(num_rows):
            source, target = x[row], inputs[row]
            copy_part(source, before, width, target, 0)
            _append_past(source, inner, recent, source[gates + unit], target[width:])
        gru(network, layer, layer + 1, inputs[:num_rows], 0, memory, state, work)
        glu(network, layer + 2, memory, state, x, after, work)
        state += network[layer + 1, NUM_INPUTS]
        before, width = after, network[layer + 2, NUM_OUTPUTS]
        after += width
    for row in range(num_rows):
        target = x[row]
        _append_past(target, inner, recent, target[gates + NUM_GRUS], target[last:])
    dense(network, SKIP, x, skip, x, joined, TANH, work)
    glu(network, SKIP_GLU, x, joined, x, gated, work)
    dense(network, OUTPUT, x, gated, x, spoken, TANH, work)
    for row in range(num_rows):
        source, history = x[row][spoken : spoken + SUBFRAME_SAMPLES], memory[row][:HISTORY_SAMPLES]
        for i in range(HISTORY_SAMPLES - SUBFRAME_SAMPLES):
            history[i] = history[i + SUBFRAME_SAMPLES]
        newest = history[HISTORY_SAMPLES - SUBFRAME_SAMPLES :]
        for i in range(SUBFRAME_SAMPLES):
            newest[i] = source[i] * x[row, 0]


@compiled(makes_arrays=False)
@no_type_check
def start(network, memory, features, samples, work, rows):
    """Take up the speech of each row: features [rows, 5, 20] and the last 20 ms, samples [rows, 320]."""
    num_rows = memory.shape[0]
    conditions, x, inputs, taps = rows[0][:num_rows], rows[1][:num_rows], rows[2], rows[3]
    for row in range(num_rows):
        target = memory[row]
        for i in range(memory.shape[1]):
            target[i] = np.float32(0)
    condition = 0
    for frame in range(START_FEATURE_FRAMES):
        for row in range(num_rows):
            memory[row, PERIOD] = memory[row, _NEWEST_PERIOD]
        condition = _condition(network, memory, features[:, frame], conditions, taps, work)
    for row in range(num_rows):
        heard = samples[row]
        target = memory[row]
        target[LAST_SAMPLE] = heard[START_SAMPLES - 1]
        target[HISTORY_SAMPLES - FRAME_SAMPLES] = np.float32(0)
        for i in range(1, FRAME_SAMPLES):
            target[HISTORY_SAMPLES - FRAME_SAMPLES + i] = heard[i] - DE_EMPHASIS * heard[i - 1]
    width = network[GAIN, NUM_INPUTS]
    for subframe in range(NUM_SUBFRAMES):
        _subframe(network, memory, conditions, condition + subframe * width, x, inputs, taps, work)
        # The network's guess at what is known is replaced by what was heard.
        known = FRAME_SAMPLES + subframe * SUBFRAME_SAMPLES
        for row in range(num_rows):
            heard, target = samples[row], memory[row]
            for i in range(SUBFRAME_SAMPLES):
                emphasised = heard[known + i] - DE_EMPHASIS * heard[known + i - 1]
                target[HISTORY_SAMPLES - SUBFRAME_SAMPLES + i] = emphasised


@compiled(makes_arrays=False)
@no_type_check
def synthesise(network, memory, features, num_frames, samples, work, rows):
    """Speak the frames of each row: features [rows, frames, 20] to samples [rows, frames * 160].

    Rows come in falling order of their number of frames, so that those that are not done yet stand in front.
    """
    width = network[GAIN, NUM_INPUTS]
    num_rows = memory.shape[0]
    for frame in range(features.shape[1]):
        while num_rows > 0 and num_frames[num_rows - 1] <= frame:
            num_rows -= 1
        some = memory[:num_rows]
        conditions, x = rows[0][:num_rows], rows[1][:num_rows]
        condition = _condition(network, some, features[:num_rows, frame], conditions, rows[3], work)
        for subframe in range(NUM_SUBFRAMES):
            _subframe(network, some, conditions, condition + subframe * width, x, rows[2], rows[3], work)
            first = frame * FRAME_SAMPLES + subframe * SUBFRAME_SAMPLES
            for row in range(num_rows):
                last = some[row, LAST_SAMPLE]
                emphasised = some[row][HISTORY_SAMPLES - SUBFRAME_SAMPLES : HISTORY_SAMPLES]
                target = samples[row][first : first + SUBFRAME_SAMPLES]
                for i in range(SUBFRAME_SAMPLES):
                    last = emphasised[i] + DE_EMPHASIS * last
                    target[i] = last
                some[row, LAST_SAMPLE] = last
        # The frame was spoken with the period of the one before it.
        for row in range(num_rows):
            some[row, PERIOD] = some[row, _NEWEST_PERIOD]
