"""Layers as a weights file stores them, and files that do not hold what a network needs."""

import numpy as np
import pytest

from dred.errors import ModelError
from dred.nn import Conv2d, Gru, Linear

SCALE = np.float32(0.5) / 127  # the stored scale holds the 1/127 of int8 activations


def pack_dense(weight: np.ndarray) -> np.ndarray:
    """Lay out a matrix [outputs, inputs] in groups of 8 outputs, in these groups of 4 inputs, in these by output."""
    values = []
    for first_output in range(0, weight.shape[0], 8):
        for first_input in range(0, weight.shape[1], 4):
            for output in range(8):
                for source in range(4):
                    values.append(weight[first_output + output, first_input + source])
    return np.array(values, np.int8)


def dense_tensors(weight: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "x_weights_int8": pack_dense(weight),
        "x_scale": np.full(len(weight), SCALE, np.float32),
        "x_bias": np.arange(len(weight), dtype=np.float32),
    }


def sparse_tensors(index: list[int], *, num_blocks: int = 3, num_outputs: int = 16) -> dict[str, np.ndarray]:
    return {
        "x_weights_int8": np.arange(32 * num_blocks).astype(np.int8),
        "x_weights_idx": np.array(index, np.int32),
        "x_scale": np.full(num_outputs, SCALE, np.float32),
        "x_bias": np.zeros(num_outputs, np.float32),
    }


@pytest.mark.parametrize(("num_outputs", "num_inputs"), [(8, 4), (16, 12), (24, 160)])
def test_a_dense_int8_layer_is_unpacked_and_scaled(rng: np.random.Generator, num_outputs: int, num_inputs: int) -> None:
    weight = rng.integers(-128, 128, (num_outputs, num_inputs))
    layer = Linear.from_tensors(dense_tensors(weight), "x")
    assert (layer.num_outputs, layer.num_inputs) == (num_outputs, num_inputs)
    np.testing.assert_allclose(layer.weight, 0.5 * weight, rtol=1e-6)
    np.testing.assert_array_equal(layer.bias, np.arange(num_outputs))


def test_each_output_has_its_own_scale() -> None:
    tensors = dense_tensors(np.ones((8, 4), int)) | {"x_scale": np.arange(8, dtype=np.float32) / 127}
    np.testing.assert_allclose(
        Linear.from_tensors(tensors, "x").weight, np.arange(8)[:, None] * np.ones((8, 4)), rtol=1e-6
    )


def test_a_float_layer_is_stored_input_by_input() -> None:
    tensors = {"x_weights_float": np.arange(6, dtype=np.float32), "x_bias": np.zeros(3, np.float32)}
    np.testing.assert_array_equal(Linear.from_tensors(tensors, "x", 2).weight, [[0, 3], [1, 4], [2, 5]])


def test_a_layer_without_bias_has_zeros() -> None:
    tensors = dense_tensors(np.ones((8, 4), int))
    del tensors["x_bias"]
    np.testing.assert_array_equal(Linear.from_tensors(tensors, "x").bias, np.zeros(8))


def test_sparse_blocks_lie_where_the_index_says() -> None:
    # The first 8 outputs have blocks at inputs 8 and 0, the others one at input 4.
    layer = Linear.from_tensors(sparse_tensors([2, 8, 0, 1, 4]), "x", 12)
    blocks = 0.5 * np.arange(96).reshape(3, 8, 4)
    expected = np.zeros((16, 12))
    expected[:8, 8:], expected[:8, :4], expected[8:, 4:8] = blocks
    np.testing.assert_allclose(layer.weight, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "index",
    [
        pytest.param([2, 8, 0, 1, 12], id="a block behind the last input"),
        pytest.param([2, 8, 0, 1, -8], id="a block before the first input"),
        pytest.param([2, 8, 0, 1, 2], id="a block that starts between two groups of inputs"),
        pytest.param([2, 8, 0, 1], id="an index that ends early"),
        pytest.param([2, 8, 0], id="an index without the last group"),
        pytest.param([2, 8, 0, 1, 4, 0], id="an index that goes on"),
        pytest.param([3, 8, 4, 0, 1, 4], id="more blocks than weights"),
        pytest.param([1, 8, 1, 4], id="fewer blocks than weights"),
        pytest.param([-1, 8, 0, 1, 4], id="a negative count"),
        pytest.param([1 << 30, 8, 0, 1, 4], id="a huge count"),
    ],
)
def test_a_wrong_index_is_a_model_error(index: list[int]) -> None:
    with pytest.raises(ModelError, match="x_weights_idx"):
        Linear.from_tensors(sparse_tensors(index), "x", 12)


def test_a_sparse_layer_does_not_tell_its_input_width() -> None:
    with pytest.raises(ModelError, match="input width"):
        Linear.from_tensors(sparse_tensors([2, 8, 0, 1, 4]), "x")


@pytest.mark.parametrize("missing", ["x_weights_int8", "x_scale"])
def test_a_missing_array_is_named(missing: str) -> None:
    tensors = dense_tensors(np.ones((8, 4), int))
    del tensors[missing]
    with pytest.raises(ModelError, match=missing):
        Linear.from_tensors(tensors, "x")


def test_a_float_layer_needs_its_bias_to_tell_its_width() -> None:
    with pytest.raises(ModelError, match="x_bias"):
        Linear.from_tensors({"x_weights_float": np.zeros(6, np.float32)}, "x")


@pytest.mark.parametrize(
    ("name", "size"),
    [("x_weights_int8", 95), ("x_weights_int8", 0), ("x_scale", 12), ("x_scale", 15), ("x_bias", 15)],
)
def test_arrays_that_do_not_fit_together_are_a_model_error(name: str, size: int) -> None:
    tensors = dense_tensors(np.ones((16, 8), int))
    tensors[name] = np.zeros(size, tensors[name].dtype)
    with pytest.raises(ModelError, match="x"):
        Linear.from_tensors(tensors, "x", 8)


def test_a_layer_of_another_width_than_its_place_needs_is_a_model_error() -> None:
    with pytest.raises(ModelError, match="8 inputs, its place in the network needs 12"):
        Linear.from_tensors(dense_tensors(np.ones((8, 8), int)), "x", 12)


def float_layer(name: str, num_inputs: int, num_outputs: int) -> dict[str, np.ndarray]:
    return {
        f"{name}_weights_float": np.zeros(num_inputs * num_outputs, np.float32),
        f"{name}_bias": np.zeros(num_outputs, np.float32),
    }


def test_a_gru_is_built_from_its_two_maps() -> None:
    gru = Gru.from_tensors(float_layer("g_input", 5, 12) | float_layer("g_recurrent", 4, 12), "g", 5)
    assert (gru.num_units, gru.input.num_inputs) == (4, 5)


@pytest.mark.parametrize(("input_outputs", "recurrent_outputs"), [(12, 9), (9, 12), (9, 9)])
def test_maps_that_are_no_gru_are_a_model_error(input_outputs: int, recurrent_outputs: int) -> None:
    tensors = float_layer("g_input", 5, input_outputs) | float_layer("g_recurrent", 4, recurrent_outputs)
    with pytest.raises(ModelError, match="g is no GRU"):
        Gru.from_tensors(tensors, "g", 5)


def test_a_convolution_over_two_axes_is_stored_output_input_time_height() -> None:
    tensors = {"c_weight_float": np.arange(36, dtype=np.float32), "c_bias": np.zeros(2, np.float32)}
    layer = Conv2d.from_tensors(tensors, "c")
    assert layer.weight.shape == (2, 2, 3, 3)
    assert layer.weight[1, 0, 2, 1] == 18 + 2 * 3 + 1


@pytest.mark.parametrize("size", [35, 27])
def test_a_convolution_of_a_wrong_size_is_a_model_error(size: int) -> None:
    tensors = {"c_weight_float": np.zeros(size, np.float32), "c_bias": np.zeros(2, np.float32)}
    with pytest.raises(ModelError, match="c_weight_float"):
        Conv2d.from_tensors(tensors, "c")
