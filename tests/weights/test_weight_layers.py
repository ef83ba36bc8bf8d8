from pathlib import Path

import numpy as np
import pytest

from dred.errors import ModelError
from dred.weights import Layer, WeightSet, import_weights, list_layers


def floats(count: int) -> np.ndarray:
    return np.zeros(count, np.float32)


def sparse(index: list[int], *, num_blocks: int = 2, num_outputs: int = 8) -> dict[str, np.ndarray]:
    return {
        "dec_output_weights_int8": np.zeros(32 * num_blocks, np.int8),
        "dec_output_weights_idx": np.array(index, np.int32),
        "dec_output_scale": floats(num_outputs),
    }


def test_sizes_follow_from_the_arrays(tiny_weights: WeightSet):
    sizes = {layer.name: (layer.num_inputs, layer.num_outputs, layer.num_parameters) for layer in tiny_weights.layers}
    assert sizes == {
        "conv2d_1": (9, 2, 20),
        "sig_net_gru1_input": (4, 24, 96),
        "plc_dense_in": (3, 5, 20),
        "gdense1": (12, 16, 112),
        "dec_dense1": (4, 6, 30),
        "dec_hidden_init": (2, 4, 12),
    }


def test_layers_belong_to_networks(tiny_weights: WeightSet):
    assert [layer.component for layer in tiny_weights.layers] == [
        "pitch network",
        "FARGAN vocoder",
        "PLC predictor",
        "RDO-VAE encoder",
        "RDO-VAE decoder",
        "RDO-VAE decoder",
    ]


def test_a_sparse_layer_reaches_to_the_end_of_its_last_block():
    (layer,) = list_layers(sparse([2, 0, 16]))
    assert layer == Layer(
        name="dec_output",
        component="RDO-VAE decoder",
        num_inputs=20,
        num_outputs=8,
        num_weights=64,
        num_biases=0,
        dtype="int8",
        is_sparse=True,
    )


@pytest.mark.parametrize(
    ("index", "num_outputs", "complaint"),
    [
        ([3, 0, 4], 8, "ends before"),
        ([-1, 0, 4], 8, "ends before"),
        ([2, 0, 4, 0], 8, "4 entries, of which 3"),
        ([1, 0], 8, "1 blocks of 32 do not make 64"),
        ([2, 0, 4], 16, "ends before"),
        ([2, 0, 4], 12, "multiple of 8, not 12"),
        ([2, 0, 5], 8, "not at column 5"),
        ([2, -4, 4], 8, "not at column -4"),
    ],
)
def test_a_malformed_index_list_is_refused(index, num_outputs, complaint):
    with pytest.raises(ModelError, match=complaint):
        list_layers(sparse(index, num_outputs=num_outputs))


def test_weights_that_do_not_fit_the_outputs_are_refused():
    with pytest.raises(ModelError, match="7 weights are no multiple of its 2 outputs"):
        list_layers({"a_weights_float": floats(7), "a_bias": floats(2)})


def test_outputs_of_two_sizes_are_refused():
    with pytest.raises(ModelError, match="differ in size"):
        list_layers({"a_weights_float": floats(6), "a_bias": floats(2), "a_scale": floats(3)})


def test_an_array_without_a_known_role_is_a_layer_of_unknown_sizes():
    (layer,) = list_layers({"lpcnet_window": floats(7)})
    assert (layer.name, layer.component, layer.num_inputs, layer.num_outputs) == ("lpcnet_window", "other", 0, 0)
    assert layer.num_parameters == 7


@pytest.mark.reference
@pytest.mark.parametrize(
    ("release", "sizes"),
    [
        (
            "1.6.1",
            {"dec_dense1": (26, 96), "dec_hidden_init": (50, 128), "enc_zdense": (544, 32), "dec_output": (576, 80)},
        ),
        (
            "1.5.2",
            {"dec_dense1": (21, 96), "dec_hidden_init": (19, 128), "enc_zdense": (864, 24), "dec_output": (736, 80)},
        ),
    ],
)
def test_both_versions_of_libopus_tell_their_own_sizes(shared: Path, release, sizes):
    layers = {layer.name: layer for layer in import_weights(shared / "weights" / f"libopus-{release}.dnnw").layers}
    assert {name: (layers[name].num_inputs, layers[name].num_outputs) for name in sizes} == sizes
    assert any("conv_dense" in name for name in layers) == (release == "1.6.1")
    assert not any(layer.component == "other" for layer in layers.values())
