"""Random weights of every network, a few units wide, for laws that hold whatever the weights.

They are float; `with_int8_weights` makes of them what published files hold.
"""

import re

import numpy as np

NUM_UNITS = 8
LATENT_DIM = 6
STATE_DIM = 5
_NUM_BLOCKS = 5
_CONDITION = 8

Tensors = dict[str, np.ndarray]


def _linear(rng: np.random.Generator, name: str, num_inputs: int, num_outputs: int) -> Tensors:
    """A float layer as a weights file holds it: [inputs][outputs], flat."""
    weight = rng.standard_normal((num_inputs, num_outputs)) / np.sqrt(num_inputs)
    return {
        f"{name}_weights_float": weight.astype(np.float32).ravel(),
        f"{name}_bias": (0.1 * rng.standard_normal(num_outputs)).astype(np.float32),
    }


def _gru(rng: np.random.Generator, name: str, num_inputs: int, num_units: int = NUM_UNITS) -> Tensors:
    return _linear(rng, f"{name}_input", num_inputs, 3 * num_units) | _linear(
        rng, f"{name}_recurrent", num_units, 3 * num_units
    )


def _conv2d(rng: np.random.Generator, name: str, in_channels: int, out_channels: int) -> Tensors:
    return {
        f"{name}_weight_float": (rng.standard_normal(out_channels * in_channels * 9) / 3).astype(np.float32),
        f"{name}_bias": np.zeros(out_channels, np.float32),
    }


def pitch_tensors(rng: np.random.Generator) -> Tensors:
    return (
        _linear(rng, "dense_if_upsampler_1", 88, NUM_UNITS)
        | _linear(rng, "dense_if_upsampler_2", NUM_UNITS, NUM_UNITS)
        | _conv2d(rng, "conv2d_1", 1, 2)
        | _conv2d(rng, "conv2d_2", 2, 1)
        | _linear(rng, "dense_downsampler", 224 + NUM_UNITS, NUM_UNITS)
        | _gru(rng, "gru_1", NUM_UNITS)
        | _linear(rng, "dense_final_upsampler", NUM_UNITS, 192)
    )


def _blocks(rng: np.random.Generator, prefix: str, *, has_glu: bool) -> Tensors:
    tensors: Tensors = {}
    for number in range(1, _NUM_BLOCKS + 1):
        width = NUM_UNITS * (2 * number - 1)
        tensors |= _gru(rng, f"{prefix}_gru{number}", width)
        tensors |= _linear(rng, f"{prefix}_conv_dense{number}", width + NUM_UNITS, NUM_UNITS)
        tensors |= _linear(rng, f"{prefix}_conv{number}", 2 * NUM_UNITS, NUM_UNITS)
        if has_glu:
            tensors |= _linear(rng, f"{prefix}_glu{number}", NUM_UNITS, NUM_UNITS)
    return tensors


def rdovae_tensors(rng: np.random.Generator) -> Tensors:
    width = NUM_UNITS * (2 * _NUM_BLOCKS + 1)
    return (
        _linear(rng, "enc_dense1", 40, NUM_UNITS)
        | _blocks(rng, "enc", has_glu=False)
        | _linear(rng, "enc_zdense", width, LATENT_DIM + 2)
        | _linear(rng, "gdense1", width, NUM_UNITS)
        | _linear(rng, "gdense2", NUM_UNITS, STATE_DIM + 3)
        | _linear(rng, "dec_hidden_init", STATE_DIM, NUM_UNITS)
        | _linear(rng, "dec_gru_init", NUM_UNITS, _NUM_BLOCKS * NUM_UNITS)
        | _linear(rng, "dec_dense1", LATENT_DIM + 1, NUM_UNITS)
        | _blocks(rng, "dec", has_glu=True)
        | _linear(rng, "dec_output", width, 80)
    )


def without_squeezing(tensors: Tensors) -> Tensors:
    """Turn both halves of the RDO-VAE into version 10's kind: no dense layer makes the convolutions' inputs small."""
    kept = {name: tensor for name, tensor in tensors.items() if "_conv_dense" not in name}
    rng = np.random.default_rng(9)
    for prefix in ("enc", "dec"):
        for number in range(1, _NUM_BLOCKS + 1):
            kept |= _linear(rng, f"{prefix}_conv{number}", 2 * NUM_UNITS * 2 * number, NUM_UNITS)
    return kept


def fargan_tensors(rng: np.random.Generator) -> Tensors:
    tensors = (
        _linear(rng, "cond_net_pembed", 224, 12)
        | _linear(rng, "cond_net_fdense1", 32, NUM_UNITS)
        | _linear(rng, "cond_net_fconv1", 3 * NUM_UNITS, NUM_UNITS)
        | _linear(rng, "cond_net_fdense2", NUM_UNITS, 4 * _CONDITION)
        | _linear(rng, "sig_net_cond_gain_dense", _CONDITION, 1)
        | _linear(rng, "sig_net_fwc0_conv", 2 * (_CONDITION + 84), NUM_UNITS)
        | _linear(rng, "sig_net_fwc0_glu_gate", NUM_UNITS, NUM_UNITS)
        | _linear(rng, "sig_net_gain_dense_out", NUM_UNITS, 4)
        | _linear(rng, "sig_net_skip_dense", 4 * NUM_UNITS + 80, NUM_UNITS)
        | _linear(rng, "sig_net_skip_glu_gate", NUM_UNITS, NUM_UNITS)
        | _linear(rng, "sig_net_sig_dense_out", NUM_UNITS, 40)
    )
    for number in (1, 2, 3):
        tensors |= _gru(rng, f"sig_net_gru{number}", NUM_UNITS + 80)
        tensors |= _linear(rng, f"sig_net_gru{number}_glu_gate", NUM_UNITS, NUM_UNITS)
    return tensors


def lpcnet_tensors(rng: np.random.Generator) -> Tensors:
    embedding, condition = 4, 12
    tensors = (
        _linear(rng, "lpcnet_feature_conv1", 60, 12)
        | _linear(rng, "lpcnet_feature_conv2", 36, 8)
        | _linear(rng, "lpcnet_feature_dense1", 8, 16)
        | _linear(rng, "lpcnet_feature_dense2", 16, condition)
        | _gru(rng, "lpcnet_gru_a", 3 * embedding + condition, 16)
        | _gru(rng, "lpcnet_gru_b", 16 + condition, 8)
        | _linear(rng, "lpcnet_dual_fc1", 8, 256)
        | _linear(rng, "lpcnet_dual_fc2", 8, 256)
        | _linear(rng, "lpcnet_dual_weights", 2, 256)
    )
    for name in ("signal", "prediction", "excitation"):
        tensors |= _linear(rng, f"lpcnet_embed_{name}", 256, embedding)
        # One level is looked up, not all summed.
        tensors[f"lpcnet_embed_{name}_weights_float"] *= 16
    return tensors


def predictor_tensors(rng: np.random.Generator) -> Tensors:
    return (
        _linear(rng, "plc_dense_in", 57, NUM_UNITS)
        | _gru(rng, "plc_gru1", NUM_UNITS)
        | _gru(rng, "plc_gru2", NUM_UNITS)
        | _linear(rng, "plc_dense_out", NUM_UNITS, 20)
    )


def with_int8_weights(tensors: Tensors) -> Tensors:
    """Store all layers as int8 that can be, and as sparse int8 those whose place in the network tells their width.

    A sparse layer loses two thirds of its weights on the way.
    """
    stored = dict(tensors)
    for name in tensors:
        layer, is_layer, _ = name.partition("_weights_float")
        if not is_layer:
            continue
        weight = tensors[name].reshape(-1, tensors[f"{layer}_bias"].size).T
        if weight.shape[0] % 8 == 0 and weight.shape[1] % 4 == 0:
            del stored[name]
            is_sparse = re.fullmatch(r"(enc|dec)_(gru\d_input|conv_dense\d)", layer) is not None
            stored |= _int8(layer, weight, is_sparse=is_sparse)
    return stored


def _int8(layer: str, weight: np.ndarray, *, is_sparse: bool) -> Tensors:
    num_outputs, num_inputs = weight.shape
    # Half of int8's range, as published weights keep to.
    scale = np.abs(weight).max(axis=1) / 64
    integers = np.rint(weight / scale[:, None]).astype(np.int8)
    blocks = integers.reshape(num_outputs // 8, 8, num_inputs // 4, 4).transpose(0, 2, 1, 3)
    # A stored scale holds the 1/127 of activations.
    tensors = {f"{layer}_scale": (scale / 127).astype(np.float32), f"{layer}_weights_int8": blocks.ravel()}
    if is_sparse:
        is_kept = np.add.outer(np.arange(len(blocks)), np.arange(blocks.shape[1])) % 3 == 0
        index = [np.array([row.sum(), *(4 * np.flatnonzero(row))], np.int32) for row in is_kept]
        tensors |= {f"{layer}_weights_idx": np.concatenate(index), f"{layer}_weights_int8": blocks[is_kept].ravel()}
    return tensors
