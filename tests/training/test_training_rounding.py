"""int8 layers say what the float ones said, within half a step, in the layout that readers know."""

import numpy as np
import pytest

from dred.nn import Linear
from dred.training.rounding import with_int8_layers


def layer(rng: np.random.Generator, name: str, num_inputs: int, num_outputs: int) -> dict[str, np.ndarray]:
    weight = rng.standard_normal((num_inputs, num_outputs)).astype(np.float32)
    return {
        f"{name}_weights_float": weight.ravel(),
        f"{name}_bias": rng.standard_normal(num_outputs).astype(np.float32),
    }


@pytest.mark.parametrize(("num_inputs", "num_outputs"), [(8, 16), (544, 30), (20, 17)])
def test_weights_move_by_half_a_step_at_most(num_inputs: int, num_outputs: int, rng: np.random.Generator) -> None:
    floats = layer(rng, "enc_zdense", num_inputs, num_outputs)
    before = Linear.from_tensors(floats, "enc_zdense")
    after = Linear.from_tensors(with_int8_layers(floats), "enc_zdense", num_inputs)
    assert after.integers is not None
    assert after.scale is not None
    # Outputs are filled up to a multiple of 8 with what yields 0.
    assert after.num_outputs == -(-num_outputs // 8) * 8
    assert not after.weight[num_outputs:].any()
    assert not after.bias[num_outputs:].any()
    error = np.abs(after.weight[:num_outputs] - before.weight) / after.scale[:num_outputs, None]
    assert error.max() < 0.5001
    np.testing.assert_array_equal(after.bias[:num_outputs], before.bias)


def test_no_two_neighbours_overflow_16_bits(rng: np.random.Generator) -> None:
    floats = layer(rng, "a", 400, 64)
    integers = Linear.from_tensors(with_int8_layers(floats), "a").integers
    assert integers is not None
    pairs = integers[:, ::2].astype(int) + integers[:, 1::2]
    assert 254 * np.abs(pairs).max() <= 32767
    assert np.abs(integers.astype(int)).max() <= 127


@pytest.mark.parametrize(("name", "num_inputs"), [("dec_dense1", 32), ("dec_conv1", 30)])
def test_some_layers_stay_float(name: str, num_inputs: int, rng: np.random.Generator) -> None:
    floats = layer(rng, name, num_inputs, 8)
    stored = with_int8_layers(floats)
    assert stored.keys() == floats.keys()
    assert all(np.array_equal(stored[key], floats[key]) for key in floats)


def test_zeros_stay_zeros() -> None:
    zeros = {"a_weights_float": np.zeros(64, np.float32), "a_bias": np.zeros(8, np.float32)}
    after = Linear.from_tensors(with_int8_layers(zeros), "a")
    assert not after.weight.any()
