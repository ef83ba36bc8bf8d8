"""The kernel engine computes what the reference engine computes, and that is what the formulas say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.nn import Activation, Conv2d, Engine, Gru, Linear, ReferenceEngine, default_engine

# The kernels' tanh is off by up to 1.7e-6, a sigmoid by half of that; the rest is the order of float32 sums.
TOLERANCE = 4e-6

SIZES = [(1, 1), (3, 2), (7, 13), (8, 4), (33, 20), (130, 57)]

REFERENCE = ReferenceEngine()
KERNELS = default_engine()


def random_linear(rng: np.random.Generator, num_inputs: int, num_outputs: int) -> Linear:
    weight = rng.standard_normal((num_outputs, num_inputs)) / np.sqrt(num_inputs)
    return Linear(weight=weight.astype(np.float32), bias=rng.standard_normal(num_outputs).astype(np.float32))


def random_vector(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def constant_layer(bias: np.ndarray) -> Linear:
    """A layer whose output before the activation is its bias."""
    return Linear(weight=np.zeros((bias.size, 1), np.float32), bias=bias.astype(np.float32))


def assert_close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("num_inputs", "num_outputs"), SIZES)
@pytest.mark.parametrize("activation", ["linear", "tanh", "sigmoid"])
def test_engines_agree_on_dense_layers(
    rng: np.random.Generator, num_inputs: int, num_outputs: int, activation: Activation
) -> None:
    layer, x = random_linear(rng, num_inputs, num_outputs), random_vector(rng, num_inputs)
    assert_close(KERNELS.dense(layer, x, activation), REFERENCE.dense(layer, x, activation))


@pytest.mark.parametrize(("num_inputs", "num_units"), SIZES)
def test_engines_agree_on_grus(rng: np.random.Generator, num_inputs: int, num_units: int) -> None:
    gru = Gru(
        input=random_linear(rng, num_inputs, 3 * num_units), recurrent=random_linear(rng, num_units, 3 * num_units)
    )
    state = np.zeros(num_units, np.float32)
    for _ in range(5):
        x, other = random_vector(rng, num_inputs), state.copy()
        REFERENCE.gru(gru, state, x)
        KERNELS.gru(gru, other, x)
        assert_close(other, state)


@pytest.mark.parametrize("num_units", [1, 3, 13, 64])
def test_engines_agree_on_gated_units(rng: np.random.Generator, num_units: int) -> None:
    layer, x = random_linear(rng, num_units, num_units), np.tanh(random_vector(rng, num_units))
    assert_close(KERNELS.glu(layer, x), REFERENCE.glu(layer, x))


@pytest.mark.parametrize(
    ("num_taps", "num_past"), [(2, 1), (2, 2), (3, 2)], ids=["2 taps", "2 taps, dilation 2", "3 taps"]
)
@pytest.mark.parametrize("width", [1, 5, 16])
def test_engines_agree_on_convolutions_and_their_memory(
    rng: np.random.Generator, num_taps: int, num_past: int, width: int
) -> None:
    layer = random_linear(rng, num_taps * width, 7)
    memory = np.zeros((num_past, width), np.float32)
    for _ in range(5):
        x, other = random_vector(rng, width), memory.copy()
        expected = REFERENCE.conv1d(layer, memory, x)
        assert_close(KERNELS.conv1d(layer, other, x), expected)
        np.testing.assert_array_equal(other, memory)


@pytest.mark.parametrize(("in_channels", "out_channels", "height"), [(1, 1, 1), (1, 8, 224), (8, 1, 224), (3, 2, 9)])
def test_engines_agree_on_convolutions_over_two_axes(
    rng: np.random.Generator, in_channels: int, out_channels: int, height: int
) -> None:
    layer = Conv2d(
        weight=random_vector(rng, out_channels, in_channels, 3, 3) / 3, bias=random_vector(rng, out_channels)
    )
    memory = np.zeros((2, in_channels, height + 2), np.float32)
    for _ in range(4):
        x, other = random_vector(rng, in_channels, height + 2), memory.copy()
        expected = REFERENCE.conv2d(layer, memory, x)
        assert_close(KERNELS.conv2d(layer, other, x), expected)
        np.testing.assert_array_equal(other, memory)


@pytest.mark.parametrize(("activation", "expected"), [("tanh", np.tanh), ("sigmoid", lambda x: 1 / (1 + np.exp(-x)))])
def test_activations_are_accurate_over_their_range(engine: Engine, activation: Activation, expected: np.ufunc) -> None:
    x = np.linspace(-20, 20, 40_001)
    values = engine.dense(constant_layer(x), np.zeros(1, np.float32), activation)
    np.testing.assert_allclose(values, expected(x.astype(np.float32).astype(np.float64)), rtol=0, atol=2e-6)


def test_activations_saturate_however_large_their_input(engine: Engine) -> None:
    x = np.array([-3e38, -1e9, -4e5, -30, 30, 4e5, 1e9, 3e38])
    values = engine.dense(constant_layer(x), np.zeros(1, np.float32), "tanh")
    # libopus's rational approximations end a little short of their bounds as well.
    np.testing.assert_allclose(values, np.sign(x), rtol=0, atol=2e-6)
    values = engine.dense(constant_layer(x), np.zeros(1, np.float32), "sigmoid")
    np.testing.assert_allclose(values, x > 0, rtol=0, atol=2e-6)


@given(bias=st.floats(width=32, allow_nan=False))
@settings(max_examples=200)
def test_tanh_stays_within_one_and_is_odd(bias: float) -> None:
    values = KERNELS.dense(constant_layer(np.array([bias, -bias])), np.zeros(1, np.float32), "tanh")
    assert abs(values[0]) <= 1
    assert values[0] == -values[1]


def test_a_gru_applies_its_reset_gate_behind_the_recurrent_product(engine: Engine) -> None:
    # One unit; gates z, r, h in this order. The recurrent bias of h lies inside what r gates.
    source = Linear(weight=np.zeros((3, 1), np.float32), bias=np.array([0.3, -0.4, 0.5], np.float32))
    recurrent = Linear(weight=np.array([[0.7], [0.2], [-1.1]], np.float32), bias=np.array([0.1, -0.2, 0.9], np.float32))
    state = np.array([0.6], np.float32)
    engine.gru(Gru(input=source, recurrent=recurrent), state, np.zeros(1, np.float32))
    z = 1 / (1 + np.exp(-(0.3 + 0.7 * 0.6 + 0.1)))
    r = 1 / (1 + np.exp(-(-0.4 + 0.2 * 0.6 - 0.2)))
    h = np.tanh(0.5 + r * (-1.1 * 0.6 + 0.9))
    assert state[0] == pytest.approx(z * 0.6 + (1 - z) * h, abs=TOLERANCE)


def test_a_dilated_convolution_skips_the_step_between(engine: Engine) -> None:
    layer = Linear(weight=np.array([[0.1, 0.0], [0.0, 0.2]], np.float32), bias=np.zeros(2, np.float32))
    memory = np.zeros((2, 1), np.float32)
    outputs = [engine.conv1d(layer, memory, np.array([x], np.float32)) for x in (1, 2, 3, 4)]
    past, present = np.arctanh(np.array(outputs)).T
    np.testing.assert_allclose(past, [0, 0, 0.1, 0.2], atol=TOLERANCE)
    np.testing.assert_allclose(present, [0.2, 0.4, 0.6, 0.8], atol=3e-5)


def test_a_convolution_over_two_axes_sees_the_last_three_rows_of_time(engine: Engine) -> None:
    weight = np.zeros((3, 1, 3, 3), np.float32)
    for back in range(3):
        weight[back, 0, 2 - back, 1] = 0.1  # channel `back` looks so many steps back, at the same height
    layer = Conv2d(weight=weight, bias=np.zeros(3, np.float32))
    memory = np.zeros((2, 1, 4), np.float32)
    rows = [np.array([[0, n, 10 * n, 0]], np.float32) / 20 for n in (1, 2, 3)]
    outputs = [engine.conv2d(layer, memory, row) for row in rows]
    np.testing.assert_allclose(np.arctanh(outputs[-1]), [[0.015, 0.15], [0.01, 0.1], [0.005, 0.05]], atol=TOLERANCE)


def test_layers_leave_their_input_as_it_is(rng: np.random.Generator, engine: Engine) -> None:
    layer, x = random_linear(rng, 8, 8), random_vector(rng, 8)
    before = x.copy()
    engine.dense(layer, x, "tanh")
    engine.glu(layer, x)
    engine.gru(Gru(input=random_linear(rng, 8, 12), recurrent=random_linear(rng, 4, 12)), np.zeros(4, np.float32), x)
    engine.conv1d(random_linear(rng, 16, 3), np.zeros((1, 8), np.float32), x)
    np.testing.assert_array_equal(x, before)


def test_a_map_may_serve_several_units(rng: np.random.Generator, engine: Engine) -> None:
    source, x = random_linear(rng, 8, 12), random_vector(rng, 8)
    for recurrent in (random_linear(rng, 4, 12), random_linear(rng, 4, 12)):
        unit = Gru(input=source, recurrent=recurrent)
        state, expected = np.ones(4, np.float32), np.ones(4, np.float32)
        engine.gru(unit, state, x)
        REFERENCE.gru(unit, expected, x)
        assert_close(state, expected)
