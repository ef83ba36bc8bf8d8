"""Each kind of layer as one call from Python, and random layers and inputs for them."""

from collections.abc import Callable

import numpy as np
from numba import njit

from dred.nn import Gru, Linear
from dred.nn.kernels import (
    LINEAR,
    SIGMOID,
    TANH,
    Network,
    Workspace,
    affine,
    dense,
    glu,
    gru,
    gru_steps,
    pack,
    workspace,
)
from rounding_engine import RoundingEngine

REFERENCE = RoundingEngine()

# The kernels' tanh is off by up to 1.7e-6, a sigmoid by half of that; the rest is the order of float32 sums.
TOLERANCE = 4e-6

SIZES = (1, 3, 7, 13, 16, 33, 57, 130)
# Products take six vectors at a time, then four, two and one: up to 13, every mix of these.
MAX_ROWS = 13

LayerCall = Callable[[Network, np.ndarray, int, np.ndarray, int, Workspace], None]


@njit
def _affine(network, x, start, out, out_start, work):
    affine(network, 0, x, start, out, out_start, work)


@njit
def _dense(network, x, start, out, out_start, activation, work):
    dense(network, 0, x, start, out, out_start, activation, work)


@njit
def _glu(network, x, start, out, out_start, work):
    glu(network, 0, x, start, out, out_start, work)


@njit
def call_gru(network, x, start, state, state_start, work):
    """Advance the states in the rows by a step; layers 0 and 1 are the unit's maps."""
    gru(network, 0, 1, x, start, state, state_start, work)


@njit
def call_gru_steps(network, x, start, state, state_start, out, out_start, work):
    """Advance the state in the first row by a step per row of x, likewise."""
    gru_steps(network, 0, 1, x, start, state, state_start, out, out_start, work)


def _call_dense(activation: int) -> LayerCall:
    return lambda network, x, start, out, out_start, work: _dense(network, x, start, out, out_start, activation, work)


LAYERS: dict[str, LayerCall] = {
    "affine": _affine,
    "linear": _call_dense(LINEAR),
    "tanh": _call_dense(TANH),
    "sigmoid": _call_dense(SIGMOID),
    "glu": _glu,
}
"""Layers that write outputs, by name."""


def run(name: str, layer: Linear, x: np.ndarray, instructions: str) -> np.ndarray:
    """Call a layer on the rows of x."""
    network = pack([layer], instructions)
    out = np.full((len(x), layer.num_outputs), np.nan, np.float32)
    LAYERS[name](network, x, 0, out, 0, workspace(network, len(x)))
    return out


def expect(name: str, layer: Linear, x: np.ndarray) -> np.ndarray:
    """What the formulas give for the rows of x."""
    if name == "glu":
        return np.array([REFERENCE.glu(layer, row) for row in x])
    activation = "linear" if name == "affine" else name
    return np.array([REFERENCE.dense(layer, row, activation) for row in x])


def sizes_of(name: str) -> list[tuple[int, int]]:
    """Numbers of inputs and outputs that a kind of layer can have."""
    return [(inputs, outputs) for inputs in SIZES for outputs in SIZES if name != "glu" or inputs == outputs]


def float_layer(rng: np.random.Generator, num_inputs: int, num_outputs: int) -> Linear:
    weight = rng.standard_normal((num_outputs, num_inputs)) / np.sqrt(num_inputs)
    return Linear(weight=weight.astype(np.float32), bias=rng.standard_normal(num_outputs).astype(np.float32))


def int8_layer(rng: np.random.Generator, integers: np.ndarray) -> Linear:
    """A layer of these weights, whose outputs are about as large as its inputs."""
    num_outputs, num_inputs = integers.shape
    scale = (rng.uniform(0.5, 1.5, num_outputs) / (64 * np.sqrt(num_inputs))).astype(np.float32)
    return Linear(
        weight=integers * scale[:, None],
        bias=rng.standard_normal(num_outputs).astype(np.float32),
        integers=integers,
        scale=scale,
    )


def dense_integers(rng: np.random.Generator, num_inputs: int, num_outputs: int) -> np.ndarray:
    """Weights as networks have them: the sum of two neighbours is within 129, as 16 bits for two products need it."""
    return rng.integers(-64, 65, (num_outputs, num_inputs)).astype(np.int8)


def sparse_integers(rng: np.random.Generator, num_inputs: int, num_outputs: int, density: float) -> np.ndarray:
    """Weights of which this share of the 8 x 4 blocks is not zero; the first 8 outputs have none."""
    blocks = (-(-num_outputs // 8), -(-num_inputs // 4))
    is_used = rng.random(blocks) < density
    is_used[0] = False
    mask = is_used.repeat(8, axis=0).repeat(4, axis=1)[:num_outputs, :num_inputs]
    return dense_integers(rng, num_inputs, num_outputs) * mask


MAKERS: dict[str, Callable[[np.random.Generator, int, int], Linear]] = {
    "float": float_layer,
    "int8": lambda rng, inputs, outputs: int8_layer(rng, dense_integers(rng, inputs, outputs)),
    **{
        f"{density:.0%} of int8": lambda rng, inputs, outputs, density=density: int8_layer(
            rng, sparse_integers(rng, inputs, outputs, density)
        )
        for density in (0, 0.1, 0.4)
    },
}
"""Layers by what their weights are."""


def random_gru(rng: np.random.Generator, maker: str, num_inputs: int, num_units: int) -> Gru:
    make = MAKERS[maker]
    return Gru(input=make(rng, num_inputs, 3 * num_units), recurrent=make(rng, num_units, 3 * num_units))


def activations(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Inputs within -1 and 1, none near where rounding to 1/127 is a matter of the last digit."""
    steps = rng.integers(-127, 128, shape) + rng.uniform(-0.49, 0.49, shape)
    return (steps / 127).astype(np.float32)
