"""Compiled layers compute what the formulas say, by whatever instructions, whatever the sizes, for any number of rows.

int8 layers see activations rounded to 1/127; the reference here rounds them too, so that what is left is float32.
"""

import numpy as np
import pytest
from layer_calls import (
    LAYERS,
    MAKERS,
    MAX_ROWS,
    REFERENCE,
    SIZES,
    TOLERANCE,
    activations,
    call_gru,
    call_gru_steps,
    expect,
    random_gru,
    run,
    sizes_of,
)

from dred.nn.kernels import conv1d, conv1d_steps, pack, workspace

TAPS = [pytest.param(2, 1, id="2 taps"), pytest.param(2, 2, id="2 taps, dilation 2"), pytest.param(3, 2, id="3 taps")]

pytestmark = pytest.mark.parametrize("maker", MAKERS)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_their_formulas(rng: np.random.Generator, instructions: str, name: str, maker: str) -> None:
    for num_inputs, num_outputs in sizes_of(name):
        layer, x = MAKERS[maker](rng, num_inputs, num_outputs), activations(rng, MAX_ROWS, num_inputs)
        np.testing.assert_allclose(
            run(name, layer, x, instructions),
            expect(name, layer, x),
            rtol=0,
            atol=TOLERANCE,
            err_msg=f"{num_inputs} inputs, {num_outputs} outputs",
        )


def test_a_row_does_not_depend_on_the_others(rng: np.random.Generator, instructions: str, maker: str) -> None:
    for num_inputs, num_outputs in sizes_of("tanh"):
        network = pack([MAKERS[maker](rng, num_inputs, num_outputs)], instructions)
        x, work = activations(rng, MAX_ROWS, num_inputs), workspace(network, MAX_ROWS)
        together = np.empty((MAX_ROWS, num_outputs), np.float32)
        LAYERS["tanh"](network, x, 0, together, 0, work)
        for num_rows in range(1, MAX_ROWS):
            out = np.empty((num_rows, num_outputs), np.float32)
            LAYERS["tanh"](network, x[:num_rows], 0, out, 0, work)
            np.testing.assert_array_equal(out, together[:num_rows])


def test_grus_are_their_formulas(rng: np.random.Generator, instructions: str, maker: str) -> None:
    for num_inputs, num_units in zip((*SIZES, 33), (13, *SIZES), strict=True):
        unit = random_gru(rng, maker, num_inputs, num_units)
        network = pack([unit.input, unit.recurrent], instructions)
        x, state = activations(rng, MAX_ROWS, num_inputs), activations(rng, MAX_ROWS, num_units)
        expected = state.copy()
        for row in range(MAX_ROWS):
            REFERENCE.gru(unit, expected[row], x[row])
        for num_rows in (1, 2, 5, MAX_ROWS):
            advanced = state[:num_rows].copy()
            call_gru(network, x[:num_rows], 0, advanced, 0, workspace(network, num_rows))
            np.testing.assert_allclose(advanced, expected[:num_rows], rtol=0, atol=TOLERANCE)


def test_the_steps_of_a_gru_at_once_are_its_steps_one_by_one(
    rng: np.random.Generator, instructions: str, maker: str
) -> None:
    for num_steps, num_units in zip((1, 2, 3, 4, 5, 7, 9, MAX_ROWS), SIZES, strict=True):
        unit = random_gru(rng, maker, 13, num_units)
        network = pack([unit.input, unit.recurrent], instructions)
        work = workspace(network, num_steps)
        x, state = activations(rng, num_steps, 13), activations(rng, 1, num_units)
        at_once, states = state.copy(), np.full((num_steps, num_units), np.nan, np.float32)
        call_gru_steps(network, x, 0, at_once, 0, states, 0, work)
        for step in range(num_steps):
            call_gru(network, x[step : step + 1], 0, state, 0, work)
            np.testing.assert_array_equal(states[step], state[0])
        np.testing.assert_array_equal(at_once, state)


@pytest.mark.parametrize(("num_taps", "past"), TAPS)
def test_convolutions_are_their_formulas(
    rng: np.random.Generator, instructions: str, maker: str, num_taps: int, past: int
) -> None:
    num_rows, num_outputs = 7, 21
    for width in (1, 5, 16):
        layer = MAKERS[maker](rng, num_taps * width, num_outputs)
        network = pack([layer], instructions)
        work, seen = workspace(network, num_rows), np.empty((num_rows, num_taps * width), np.float32)
        memory = activations(rng, num_rows, past, width)
        remembered = memory.reshape(num_rows, -1).copy()
        for _ in range(past + 2):
            x, out = activations(rng, num_rows, width), np.empty((num_rows, num_outputs), np.float32)
            expected = [REFERENCE.conv1d(layer, memory[row], x[row]) for row in range(num_rows)]
            conv1d(network, 0, width, past, remembered, 0, x, 0, seen, out, 0, work)
            np.testing.assert_allclose(out, expected, rtol=0, atol=TOLERANCE)
            np.testing.assert_array_equal(remembered.reshape(memory.shape), memory)


@pytest.mark.parametrize(("num_taps", "past"), TAPS)
def test_the_steps_of_a_convolution_at_once_are_its_steps_one_by_one(
    rng: np.random.Generator, instructions: str, maker: str, num_taps: int, past: int
) -> None:
    width = 5
    layer = MAKERS[maker](rng, num_taps * width, 21)
    network = pack([layer], instructions)
    work, seen = workspace(network, MAX_ROWS), np.empty((MAX_ROWS, num_taps * width), np.float32)
    for num_steps in (1, 2, 3, 7):
        memory, x = activations(rng, 1, past * width), activations(rng, num_steps, width)
        at_once, outputs = memory.copy(), np.empty((num_steps, 21), np.float32)
        conv1d_steps(network, 0, width, past, at_once, 0, x, 0, seen, outputs, 0, work)
        for step in range(num_steps):
            out = np.empty((1, 21), np.float32)
            conv1d(network, 0, width, past, memory, 0, x[step : step + 1], 0, seen, out, 0, work)
            np.testing.assert_array_equal(outputs[step], out[0])
        np.testing.assert_array_equal(at_once, memory)
