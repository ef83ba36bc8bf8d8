"""Float layers to int8 ones, a quarter of the size: what published weights are, and what kernels multiply fastest.

Each output has a scale of its own. Outputs are filled up with zeros to a multiple of 8; a layer whose inputs are no
multiple of 4 stays float, as do those that others read as float.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Int8

__all__ = ["with_int8_layers"]

_BLOCK_OUTPUTS, _BLOCK_INPUTS = 8, 4
_ACTIVATION_SCALE = 127
_LARGEST = 127
# Kernels that add two products of an int8 weight and an activation of up to 254 in 16 bits must not overflow.
_LARGEST_PAIR = 129

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
        if layer in _FLOAT_LAYERS or weight.shape[1] % _BLOCK_INPUTS:
            stored[name] = values
            continue
        padding = -bias.size % _BLOCK_OUTPUTS
        integers, scale = _round(np.pad(weight, ((0, padding), (0, 0))))
        stored[f"{layer}_weights_int8"] = _in_blocks(integers)
        stored[f"{layer}_scale"] = scale / np.float32(_ACTIVATION_SCALE)
        stored[f"{layer}_bias"] = np.pad(bias, (0, padding))
    return stored


def _round(
    weight: Float32[np.ndarray, "outputs inputs"],
) -> tuple[Int8[np.ndarray, "outputs inputs"], Float32[np.ndarray, " outputs"]]:
    pairs = np.abs(weight[:, ::2] + weight[:, 1::2]).max(axis=1)
    scale = np.maximum(np.abs(weight).max(axis=1) / _LARGEST, pairs / (_LARGEST_PAIR - 1))
    # A row of zeros has any scale.
    scale = np.maximum(scale, np.float32(1e-12)).astype(np.float32)
    return np.rint(weight / scale[:, None]).astype(np.int8), scale


def _in_blocks(integers: Int8[np.ndarray, "outputs inputs"]) -> Int8[np.ndarray, " values"]:
    """Lay out as [outputs / 8][inputs / 4][8][4]. Source: facts from libopus 1.6.1 dnn/nnet.c."""
    num_outputs, num_inputs = integers.shape
    shape = (num_outputs // _BLOCK_OUTPUTS, _BLOCK_OUTPUTS, num_inputs // _BLOCK_INPUTS, _BLOCK_INPUTS)
    return np.ascontiguousarray(integers.reshape(shape).transpose(0, 2, 1, 3)).ravel()
