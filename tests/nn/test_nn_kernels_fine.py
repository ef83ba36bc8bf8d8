"""Activations of two bytes: int8 layers that give what they would give with floats."""

import numpy as np
import pytest
from layer_calls import LAYERS, MAKERS, MAX_ROWS, activations, sizes_of

from dred.nn import ReferenceEngine
from dred.nn.kernels import pack, workspace

# Half of a step of 1/254 of 1/127, for each input.
STEP = 0.5 / (127 * 254)
INT8 = [name for name in MAKERS if "int8" in name]


def run_finely(layer, x: np.ndarray, instructions: str) -> np.ndarray:
    network = pack([layer], instructions, activation_bytes=2)
    out = np.empty((len(x), layer.num_outputs), np.float32)
    LAYERS["linear"](network, x, 0, out, 0, workspace(network, len(x)))
    return out


@pytest.mark.parametrize("maker", INT8)
def test_layers_are_their_formulas_with_floats(rng: np.random.Generator, instructions: str, maker: str) -> None:
    for num_inputs, num_outputs in sizes_of("linear"):
        layer, x = MAKERS[maker](rng, num_inputs, num_outputs), np.clip(activations(rng, MAX_ROWS, num_inputs), -1, 1)
        expected = np.array([ReferenceEngine().dense(layer, row, "linear") for row in x])
        bound = STEP * np.abs(layer.weight).sum(axis=1) + 1e-5
        assert (np.abs(run_finely(layer, x, instructions) - expected) <= bound).all()


@pytest.mark.parametrize("maker", INT8)
def test_all_instructions_give_the_same_bits_row_by_row(
    rng: np.random.Generator, instructions: str, maker: str
) -> None:
    for num_inputs, num_outputs in sizes_of("linear"):
        layer, x = MAKERS[maker](rng, num_inputs, num_outputs), activations(rng, MAX_ROWS, num_inputs)
        alone = np.concatenate([run_finely(layer, x[row : row + 1], "portable") for row in range(MAX_ROWS)])
        np.testing.assert_array_equal(run_finely(layer, x, instructions), alone)


def test_ends_of_the_range_are_exact(instructions: str) -> None:
    rng = np.random.default_rng(1)
    layer = MAKERS["int8"](rng, 33, 20)
    for value in (-1, 0, 1):
        x = np.full((1, 33), value, np.float32)
        expected = value * layer.weight.sum(axis=1, dtype=np.float64) + layer.bias
        np.testing.assert_allclose(run_finely(layer, x, instructions)[0], expected, rtol=0, atol=1e-5)
    beyond = [run_finely(layer, np.full((1, 33), value, np.float32), instructions) for value in (1, 5)]
    np.testing.assert_array_equal(*beyond)
