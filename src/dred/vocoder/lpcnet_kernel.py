"""LPCNet compiled: one call for any number of frames and of streams.

The same network as `dred.vocoder.lpcnet`; a stream's memory is one row of floats. What an embedded level adds to the
gates of GRU A is a row of a table, made once; what the condition adds is computed once per frame. So a sample costs the
recurrent product of GRU A and little else, and zeros in it are skipped.

Source: Valin and Skoglund, "LPCNet: improving neural speech synthesis through linear prediction", 2019.
"""

from typing import no_type_check

import numpy as np

from dred.compilation import FAST_SUMS, compiled
from dred.features.layout import NUM_FEATURES
from dred.features.reference.bands import LPC_ORDER
from dred.nn.kernels import LINEAR, TANH, conv1d, copy_part, dense, gru, read_float, sigmoid, tanh
from dred.nn.kernels.table import BIASES, NUM_INPUTS, NUM_OUTPUTS, WEIGHTS
from dred.vocoder.layout import CONDITION_PAST, DE_EMPHASIS, FRAME_SAMPLES, START_FEATURE_FRAMES, START_SAMPLES
from dred.vocoder.lpcnet_signal import (
    FILTER_SCRATCH,
    MODULUS,
    NUM_LEVELS,
    ZERO_LEVEL,
    choose,
    from_level,
    hold,
    key_of,
    predict,
    sharpness,
    to_level,
    uniform,
    write_filter,
)

CONV_1, CONV_2, DENSE_1, DENSE_2 = range(4)
SIGNAL_TABLE, PREDICTION_TABLE, EXCITATION_TABLE, A_CONDITION, A_RECURRENT = range(4, 9)
B_INPUT, B_RECURRENT, DUAL_1, DUAL_2, DUAL_WEIGHTS = range(9, 14)

# A row of memory: past samples before de-emphasis, the last one after it, the last excitation's level, key and counter
# of the draws, the two last frames of features, then the past of the layers.
_PAST = 0
LAST_SAMPLE = LPC_ORDER
_EXCITATION = LAST_SAMPLE + 1
_KEY = _EXCITATION + 1
_COUNTER = _KEY + 1
_FEATURES = _COUNTER + 1
_LAYERS = _FEATURES + CONDITION_PAST * NUM_FEATURES

# What a row of conditions begins with: for each half of the frame a filter and a sharpness, then room for a filter.
_HALF_WIDTH = LPC_ORDER + 1
_FILTERS = 2 * _HALF_WIDTH
_NEWEST = _FILTERS + FILTER_SCRATCH
_HALF_SAMPLES = FRAME_SAMPLES // 2


def memory_size(table: np.ndarray) -> int:
    """Return the number of floats that a stream's memory takes."""
    size = _LAYERS + CONDITION_PAST * int(table[CONV_1, NUM_OUTPUTS])
    return size + int(table[A_RECURRENT, NUM_INPUTS]) + int(table[B_RECURRENT, NUM_INPUTS])


def row_widths(table: np.ndarray) -> tuple[int, int, int]:
    """Return the widths of the scratch rows: conditions, sample, taps."""
    outputs = [int(outputs) for outputs in table[:, NUM_OUTPUTS]]
    conditions = _NEWEST + NUM_FEATURES + sum(outputs[CONV_1 : DENSE_2 + 1]) + outputs[A_CONDITION]
    sample = outputs[A_RECURRENT] + int(table[B_INPUT, NUM_INPUTS]) + 2 * NUM_LEVELS
    return conditions, sample, max(int(table[layer, NUM_INPUTS]) for layer in (CONV_1, CONV_2))


@compiled(makes_arrays=False)
@no_type_check
def _condition(network, memory, features, x, taps, work):
    """Write what a frame is spoken with to each row of x, and return the column of the condition."""
    first = _NEWEST + NUM_FEATURES
    second = first + network[CONV_1, NUM_OUTPUTS]
    third = second + network[CONV_2, NUM_OUTPUTS]
    fourth = third + network[DENSE_1, NUM_OUTPUTS]
    for row in range(features.shape[0]):
        source, target = memory[row], x[row]
        for half in range(2):
            known = source[_FEATURES + half * NUM_FEATURES : _FEATURES + (half + 1) * NUM_FEATURES]
            write_filter(known, target[half * _HALF_WIDTH :], target[_FILTERS:_NEWEST])
            target[half * _HALF_WIDTH + LPC_ORDER] = sharpness(known)
        for i in range(NUM_FEATURES):
            target[_NEWEST + i] = features[row, i]
    conv1d(network, CONV_1, NUM_FEATURES, CONDITION_PAST, memory, _FEATURES, x, _NEWEST, taps, x, first, work)
    width = network[CONV_1, NUM_OUTPUTS]
    conv1d(network, CONV_2, width, CONDITION_PAST, memory, _LAYERS, x, first, taps, x, second, work)
    dense(network, DENSE_1, x, second, x, third, TANH, work)
    dense(network, DENSE_2, x, third, x, fourth, TANH, work)
    gates = fourth + network[DENSE_2, NUM_OUTPUTS]
    dense(network, A_CONDITION, x, fourth, x, gates, LINEAR, work)
    return fourth


@compiled(makes_arrays=False, fastmath=FAST_SUMS)
@no_type_check
def _update_a(network, levels, from_condition, from_state, state):
    """Advance the state of GRU A by what its inputs and its own past add to the gates."""
    num_units = state.shape[0]
    width = 3 * num_units
    signal = network[SIGNAL_TABLE, WEIGHTS] + levels[0] * width
    prediction = network[PREDICTION_TABLE, WEIGHTS] + levels[1] * width
    excitation = network[EXCITATION_TABLE, WEIGHTS] + levels[2] * width
    for i in range(num_units):
        z_place, r_place, h_place = i, num_units + i, 2 * num_units + i
        z_input = from_condition[z_place] + read_float(network, signal + z_place)
        z_input += read_float(network, prediction + z_place) + read_float(network, excitation + z_place)
        r_input = from_condition[r_place] + read_float(network, signal + r_place)
        r_input += read_float(network, prediction + r_place) + read_float(network, excitation + r_place)
        h_input = from_condition[h_place] + read_float(network, signal + h_place)
        h_input += read_float(network, prediction + h_place) + read_float(network, excitation + h_place)
        z = sigmoid(z_input + from_state[z_place])
        r = sigmoid(r_input + from_state[r_place])
        h = tanh(h_input + r * from_state[h_place])
        state[i] = z * state[i] + (np.float32(1) - z) * h


@compiled(makes_arrays=False, fastmath=FAST_SUMS)
@no_type_check
def _weigh_duals(network, first, second):
    """Write the logits of the levels in place of the first of two layers' outputs."""
    weights, bias = network[DUAL_WEIGHTS, WEIGHTS], network[DUAL_WEIGHTS, BIASES]
    for k in range(NUM_LEVELS):
        # Two inputs, many outputs: a float layer lies input by input.
        of_first, of_second = read_float(network, weights + k), read_float(network, weights + NUM_LEVELS + k)
        first[k] = of_first * first[k] + of_second * second[k] + read_float(network, bias + k)


@compiled(makes_arrays=False)
@no_type_check
def _sample(network, memory, conditions, condition, half, heard, n, is_known, x, work):
    """Speak a sample into the past of each row of memory, or take it from what was heard."""
    num_rows = memory.shape[0]
    num_units = network[A_RECURRENT, NUM_INPUTS]
    condition_width = network[DENSE_2, NUM_OUTPUTS]
    gates_from = condition + condition_width
    state_a = _LAYERS + CONDITION_PAST * network[CONV_1, NUM_OUTPUTS]
    state_b = state_a + num_units
    # Columns of x: gates from the state | what GRU B sees | outputs of both layers.
    seen = 3 * num_units
    first = seen + num_units + condition_width
    second = first + NUM_LEVELS
    dense(network, A_RECURRENT, memory, state_a, x, 0, LINEAR, work)
    for row in range(num_rows):
        source, stream, target = conditions[row], memory[row], x[row]
        prediction = predict(stream[_PAST:LAST_SAMPLE], source[half * _HALF_WIDTH :])
        levels = (to_level(stream[LAST_SAMPLE - 1]), to_level(prediction), int(stream[_EXCITATION]))
        _update_a(network, levels, source[gates_from:], target, stream[state_a:state_b])
        copy_part(stream, state_a, num_units, target, seen)
        copy_part(source, condition, condition_width, target, seen + num_units)
    gru(network, B_INPUT, B_RECURRENT, x, seen, memory, state_b, work)
    if not is_known:
        dense(network, DUAL_1, memory, state_b, x, first, TANH, work)
        dense(network, DUAL_2, memory, state_b, x, second, TANH, work)
    for row in range(num_rows):
        source, stream, target = conditions[row], memory[row], x[row]
        prediction = predict(stream[_PAST:LAST_SAMPLE], source[half * _HALF_WIDTH :])
        if is_known:
            sample = heard[row, n] - DE_EMPHASIS * heard[row, n - 1]
            stream[_EXCITATION] = to_level(sample - prediction)
        else:
            _weigh_duals(network, target[first:second], target[second:])
            counter = int(stream[_COUNTER])
            draw = uniform(int(stream[_KEY]), counter)
            level = choose(target[first:second], source[half * _HALF_WIDTH + LPC_ORDER], draw)
            stream[_COUNTER] = (counter + 1) % MODULUS
            stream[_EXCITATION] = level
            sample = hold(prediction + from_level(level))
        for i in range(LPC_ORDER - 1):
            stream[_PAST + i] = stream[_PAST + i + 1]
        stream[LAST_SAMPLE - 1] = sample


@compiled(makes_arrays=False)
@no_type_check
def start(network, memory, features, samples, work, rows):
    """Take up the speech of each row: features [rows, 5, 20] and the last 20 ms, samples [rows, 320]."""
    num_rows = memory.shape[0]
    conditions, x = rows[0][:num_rows], rows[1][:num_rows]
    for row in range(num_rows):
        target = memory[row]
        for i in range(memory.shape[1]):
            target[i] = np.float32(0)
        target[_EXCITATION] = ZERO_LEVEL
        target[_KEY] = key_of(samples[row])
    condition = 0
    for frame in range(START_FEATURE_FRAMES):
        condition = _condition(network, memory, features[:, frame], conditions, rows[2], work)
    known = START_SAMPLES - FRAME_SAMPLES
    for row in range(num_rows):
        heard, target = samples[row], memory[row]
        target[LAST_SAMPLE] = heard[START_SAMPLES - 1]
        for i in range(LPC_ORDER):
            n = known - LPC_ORDER + i
            target[_PAST + i] = heard[n] - DE_EMPHASIS * heard[n - 1]
    for n in range(FRAME_SAMPLES):
        half = n // _HALF_SAMPLES
        _sample(network, memory, conditions, condition, half, samples, known + n, True, x, work)


@compiled(makes_arrays=False)
@no_type_check
def synthesise(network, memory, features, num_frames, samples, work, rows):
    """Speak the frames of each row: features [rows, frames, 20] to samples [rows, frames * 160].

    Rows come in falling order of their number of frames, so that those that are not done yet stand in front.
    """
    num_rows = memory.shape[0]
    for frame in range(features.shape[1]):
        while num_rows > 0 and num_frames[num_rows - 1] <= frame:
            num_rows -= 1
        some = memory[:num_rows]
        conditions, x = rows[0][:num_rows], rows[1][:num_rows]
        condition = _condition(network, some, features[:num_rows, frame], conditions, rows[2], work)
        for n in range(FRAME_SAMPLES):
            _sample(network, some, conditions, condition, n // _HALF_SAMPLES, samples, n, False, x, work)
            for row in range(num_rows):
                last = some[row, LAST_SAMPLE - 1] + DE_EMPHASIS * some[row, LAST_SAMPLE]
                some[row, LAST_SAMPLE] = last
                samples[row, frame * FRAME_SAMPLES + n] = last
