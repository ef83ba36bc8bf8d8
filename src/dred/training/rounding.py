"""Float layers to int8 ones, a quarter of the size: what published weights are, and what kernels multiply fastest.

Each output has a scale of its own. Outputs are filled up with zeros to a multiple of 8; a layer whose inputs are no
multiple of 4 stays float, as do those that others read as float. Of layers that readers expect to be sparse, only the
blocks that are not zero are stored, if that is shorter.
"""

import re
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int32

__all__ = ["LARGEST", "LARGEST_PAIR", "SMALLEST_SCALE", "is_int8_layer", "with_int8_layers"]

_BLOCK_OUTPUTS, _BLOCK_INPUTS = 8, 4
_ACTIVATION_SCALE = 127
LARGEST = 127
"""What an output's largest weight becomes."""

LARGEST_PAIR = 129
"""Of the sum of two: kernels that add products with two activations of up to 254 in 16 bits must not overflow."""

SMALLEST_SCALE = 1e-12
"""Of an output: weights that are all zero have any scale."""

# Few weights that much depends on: inputs, gains, gates, features, and the first layers behind quantised values.
_FLOAT_LAYERS = frozenset(
    {
        "cond_net_pembed",
        "cond_net_fdense1",
        "sig_net_cond_gain_dense",
        "sig_net_gain_dense_out",
        "enc_dense1",
        "dec_dense1",
        "dec_hidden_init",
        "plc_dense_in",
        "plc_dense_out",
        "lpcnet_feature_conv1",
        "lpcnet_embed_signal",
        "lpcnet_embed_prediction",
        "lpcnet_embed_excitation",
        "lpcnet_dual_fc1",
        "lpcnet_dual_fc2",
    }
)
_FLOAT_SUFFIX = "_weights_float"
# Those that published sets have sparse; a sparse layer's width is not in the file, and their readers know it.
_SPARSE_LAYERS = re.compile(
    r"(enc|dec)_(gru\d_input|conv_dense\d)|gdense1|dec_output|dec_gru_init|lpcnet_gru_a_recurrent", re.ASCII
)


def is_int8_layer(name: str, num_inputs: int) -> bool:
    """Tell whether a layer of a name in a weights file is stored as int8."""
    return name not in _FLOAT_LAYERS and num_inputs % _BLOCK_INPUTS == 0


def with_int8_layers(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays of the same layers with int8 weights where a layer allows it."""
    stored: dict[str, np.ndarray] = {}
    for name, values in tensors.items():
        layer = name.removesuffix(_FLOAT_SUFFIX)
        if layer == name:
            stored.setdefault(name, values)
            continue
        bias = tensors[f"{layer}_bias"]
        weight = values.reshape(-1, bias.size).T
        if not is_int8_layer(layer, weight.shape[1]):
            stored[name] = values
            continue
        padding = -bias.size % _BLOCK_OUTPUTS
        integers, scale = _round(np.pad(weight, ((0, padding), (0, 0))))
        blocks = _in_blocks(integers)
        is_kept = np.asarray(blocks.any(axis=(2, 3)))
        num_saved = (is_kept.size - is_kept.sum()) * _BLOCK_OUTPUTS * _BLOCK_INPUTS
        index = _index(is_kept)
        if _SPARSE_LAYERS.fullmatch(layer) and num_saved > index.nbytes:
            stored[f"{layer}_weights_idx"] = index
            blocks = blocks[is_kept]
        stored[f"{layer}_weights_int8"] = blocks.ravel()
        stored[f"{layer}_scale"] = scale / np.float32(_ACTIVATION_SCALE)
        stored[f"{layer}_bias"] = np.pad(bias, (0, padding))
    return stored


def _round(
    weight: Float32[np.ndarray, "outputs inputs"],
) -> tuple[Int8[np.ndarray, "outputs inputs"], Float32[np.ndarray, " outputs"]]:
    pairs = np.abs(weight[:, ::2] + weight[:, 1::2]).max(axis=1)
    scale = np.maximum(np.abs(weight).max(axis=1) / LARGEST, pairs / (LARGEST_PAIR - 1))
    scale = np.maximum(scale, np.float32(SMALLEST_SCALE)).astype(np.float32)
    return np.rint(weight / scale[:, None]).astype(np.int8), scale


def _in_blocks(integers: Int8[np.ndarray, "outputs inputs"]) -> Int8[np.ndarray, "rows columns 8 4"]:
    """Lay out in blocks, rows of blocks first. Source: facts from libopus 1.6.1 dnn/nnet.c."""
    num_outputs, num_inputs = integers.shape
    shape = (num_outputs // _BLOCK_OUTPUTS, _BLOCK_OUTPUTS, num_inputs // _BLOCK_INPUTS, _BLOCK_INPUTS)
    return np.ascontiguousarray(integers.reshape(shape).transpose(0, 2, 1, 3))


def _index(is_kept: Bool[np.ndarray, "rows columns"]) -> Int32[np.ndarray, " entries"]:
    """Name the blocks that are stored: for each row of them how many there are, then the first input of each."""
    rows = [[row.sum(), *(_BLOCK_INPUTS * np.flatnonzero(row))] for row in is_kept]
    return np.concatenate(rows).astype(np.int32)
