"""int8 layers say what the float ones said, within half a step, in the layout that readers know."""

import numpy as np
import pytest

from dred.nn import Gru, Linear
from dred.training.rounding import with_int8_layers
from dred.weights import list_layers


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


@pytest.mark.parametrize("name", ["enc_gru4_input", "dec_conv_dense2", "lpcnet_gru_a_recurrent"])
def test_blocks_of_zeros_are_left_out_of_layers_whose_readers_know_their_width(
    name: str, rng: np.random.Generator
) -> None:
    floats = layer(rng, name, 32, 96)
    weight = floats[f"{name}_weights_float"].reshape(8, 4, 12, 8)
    weight[:, :, 3] = 0
    weight[2:, :, 5] = 0
    stored = with_int8_layers(floats)
    assert stored[f"{name}_weights_int8"].size == 32 * (8 * 12 - 8 - 6)
    index = stored[f"{name}_weights_idx"]
    assert index.dtype == np.int32
    # Three whole groups of 8 outputs, one of none, one whole, one of two blocks.
    assert index[27:37].tolist() == [0, 8, 0, 4, 8, 12, 16, 20, 24, 28]
    assert index[37:40].tolist() == [2, 0, 4]
    after = Linear.from_tensors(stored, name, 32)
    before = Linear.from_tensors(floats, name)
    assert after.scale is not None
    assert (np.abs(after.weight - before.weight) <= 0.5001 * after.scale[:, None]).all()
    (described,) = list_layers(stored)
    assert described.is_sparse
    assert (described.num_inputs, described.num_weights) == (32, 32 * 82)


def test_layers_of_other_names_or_without_enough_zeros_are_stored_whole(rng: np.random.Generator) -> None:
    for name, num_zero_blocks in (("enc_zdense", 8), ("enc_gru4_input", 3), ("enc_gru4_input", 0)):
        floats = layer(rng, name, 32, 32)
        floats[f"{name}_weights_float"].reshape(8, 4, 4, 8)[:num_zero_blocks, :, 0] = 0
        stored = with_int8_layers(floats)
        assert f"{name}_weights_idx" not in stored
        assert stored[f"{name}_weights_int8"].size == 32 * 32


def test_a_gru_reads_a_sparse_recurrent_map(rng: np.random.Generator) -> None:
    floats = layer(rng, "lpcnet_gru_a_input", 16, 96) | layer(rng, "lpcnet_gru_a_recurrent", 32, 96)
    floats["lpcnet_gru_a_recurrent_weights_float"].reshape(32, 96)[:20] = 0
    stored = with_int8_layers(floats)
    assert "lpcnet_gru_a_recurrent_weights_idx" in stored
    gru = Gru.from_tensors(stored, "lpcnet_gru_a", 16)
    assert (gru.num_units, gru.recurrent.num_outputs) == (32, 96)
    assert not gru.recurrent.weight[:, :20].any()


def test_zeros_stay_zeros() -> None:
    zeros = {"a_weights_float": np.zeros(64, np.float32), "a_bias": np.zeros(8, np.float32)}
    after = Linear.from_tensors(with_int8_layers(zeros), "a")
    assert not after.weight.any()
