"""int8 layers sum whole numbers: exactly, by all instructions alike, up to the largest weights and activations."""

import numpy as np
import pytest
from layer_calls import LAYERS, MAKERS, MAX_ROWS, SIZES, activations, call_gru, int8_layer, random_gru, run, sizes_of

from dred.nn import Linear
from dred.nn.kernels import pack, workspace

LARGE_SIZES = [(1, 1), (3, 7), (4, 16), (130, 57), (33, 130), (515, 49)]


def counting_layer(integers: np.ndarray) -> Linear:
    """A layer whose outputs are the sums of its weights times activations in steps of 1/127."""
    scale = np.full(len(integers), 127, np.float32)
    bias = np.zeros(len(integers), np.float32)
    return Linear(weight=integers * scale[:, None], bias=bias, integers=integers, scale=scale)


def assert_exact(integers: np.ndarray, steps: np.ndarray, instructions: str) -> None:
    """Check the sums for rows of activations in steps of 1/127."""
    sums = run("affine", counting_layer(integers), (steps / 127).astype(np.float32), instructions)
    np.testing.assert_array_equal(sums, steps @ integers.T.astype(np.int64))


@pytest.mark.parametrize("lowest", [-128, -64], ids=["all of int8", "weights whose pairs fit 16 bits"])
@pytest.mark.parametrize("density", [1, 0.5, 0])
def test_sums_are_exact(rng: np.random.Generator, instructions: str, lowest: int, density: float) -> None:
    for num_inputs in SIZES:
        for num_outputs in SIZES:
            integers = rng.integers(lowest, -lowest, (num_outputs, num_inputs)).astype(np.int8)
            kept = rng.random((-(-num_outputs // 8), -(-num_inputs // 4))) < density
            integers *= kept.repeat(8, axis=0).repeat(4, axis=1)[:num_outputs, :num_inputs]
            assert_exact(integers, rng.integers(-127, 128, (MAX_ROWS, num_inputs)), instructions)


# The last three are the largest pairs that 16 bits hold, products of 254 steps above -1: 254 * 129 = 32766.
@pytest.mark.parametrize(
    "pair", [(127, 127), (-128, -128), (127, -128), (-128, 127), (127, 3), (127, 2), (65, 64), (-128, -1)], ids=str
)
def test_nothing_overflows(instructions: str, pair: tuple[int, int]) -> None:
    for num_inputs, num_outputs in LARGE_SIZES:
        integers = np.tile(np.array(pair, np.int8), (num_outputs, -(-num_inputs // 2)))[:, :num_inputs]
        alternating = np.resize([127, -127], num_inputs)
        steps = np.stack([np.full(num_inputs, 127), np.full(num_inputs, -127), alternating, -alternating])
        assert_exact(integers, steps, instructions)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("maker", MAKERS)
def test_all_instructions_give_the_same_bits(
    rng: np.random.Generator, instructions: str, name: str, maker: str
) -> None:
    for num_inputs, num_outputs in sizes_of(name)[::3]:
        layer, x = MAKERS[maker](rng, num_inputs, num_outputs), activations(rng, 5, num_inputs)
        np.testing.assert_array_equal(run(name, layer, x, instructions), run(name, layer, x, "portable"))


@pytest.mark.parametrize("maker", MAKERS)
def test_all_instructions_give_units_the_same_states(rng: np.random.Generator, instructions: str, maker: str) -> None:
    unit = random_gru(rng, maker, 33, 57)
    x, state = activations(rng, 7, 33), activations(rng, 7, 57)
    states = [state.copy(), state.copy()]
    for advanced, chosen in zip(states, (instructions, "portable")):
        network = pack([unit.input, unit.recurrent], chosen)
        call_gru(network, x, 0, advanced, 0, workspace(network, 7))
    np.testing.assert_array_equal(*states)


@pytest.mark.parametrize("beyond", [1.004, 2, 1e9, 3e38, np.inf])
def test_activations_beyond_one_count_as_one(rng: np.random.Generator, instructions: str, beyond: float) -> None:
    layer = int8_layer(rng, rng.integers(-128, 128, (33, 57)).astype(np.int8))
    signs = rng.choice([-1, 1], (3, 57)).astype(np.float32)
    np.testing.assert_array_equal(
        run("affine", layer, np.float32(beyond) * signs, instructions), run("affine", layer, signs, instructions)
    )


def test_an_activation_between_two_steps_becomes_one_of_them(instructions: str) -> None:
    # Which one is a matter of the last digit of float32, and of whether product and sum are fused.
    halves = np.arange(-127, 127) + 0.5
    steps = run(
        "affine", counting_layer(np.ones((1, 1), np.int8)), (halves[:, None] / 127).astype(np.float32), instructions
    )
    assert (np.abs(steps[:, 0] - halves) == 0.5).all()


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("maker", MAKERS)
def test_what_is_not_a_number_stays_in_its_row(
    rng: np.random.Generator, instructions: str, name: str, maker: str
) -> None:
    layer, x = MAKERS[maker](rng, 33, 33), activations(rng, 7, 33)
    broken = x.copy()
    broken[3, 5] = np.nan
    out = run(name, layer, broken, instructions)
    others = np.arange(7) != 3
    np.testing.assert_array_equal(out[others], run(name, layer, x, instructions)[others])
    # An int8 layer makes some step of 1/127 of it.
    if layer.integers is not None and name != "glu":
        assert np.isfinite(out).all()
