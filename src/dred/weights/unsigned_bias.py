"""Biases for kernels that take activations as unsigned bytes, as libopus's do on x86.

Such a kernel multiplies weights by q + 127 where others multiply by q, from -127 to 127. What that adds is taken out of
the bias: subias = bias - 127 * scale * (sum of the output's weights).

Source: facts from libopus 1.6.1 (dnn/nnet_arch.h, and the numbers of its published layers, which keep this to 5e-7).
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32

from dred.weights.dnnw import Tensor

__all__ = ["with_unsigned_biases"]

_OFFSET = 127
_WEIGHTS, _INDEX, _SCALE, _BIAS, _UNSIGNED_BIAS = "_weights_int8", "_weights_idx", "_scale", "_bias", "_subias"
_BLOCK = (8, 4)


def with_unsigned_biases(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the arrays, and behind the weights of each int8 layer its unsigned bias, unless it has one."""
    complete: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        complete[name] = tensor
        layer = name.removesuffix(_WEIGHTS)
        if layer != name and layer + _UNSIGNED_BIAS not in tensors and layer + _SCALE in tensors:
            complete[layer + _UNSIGNED_BIAS] = _unsigned_bias(layer, tensors)
    return complete


def _unsigned_bias(layer: str, tensors: Mapping[str, Tensor]) -> Float32[np.ndarray, " outputs"]:
    scale = tensors[layer + _SCALE].astype(np.float64)
    num_groups = scale.size // _BLOCK[0]
    blocks = tensors[layer + _WEIGHTS].reshape(-1, *_BLOCK)
    groups = np.repeat(np.arange(num_groups), _blocks_per_group(len(blocks), num_groups, tensors.get(layer + _INDEX)))
    sums = np.zeros((num_groups, _BLOCK[0]))
    np.add.at(sums, groups, blocks.sum(axis=2, dtype=np.int64))
    bias = tensors.get(layer + _BIAS, np.zeros(scale.size, np.float32))
    return (bias - _OFFSET * scale * sums.ravel()).astype(np.float32)


def _blocks_per_group(num_blocks: int, num_groups: int, index: Tensor | None) -> list[int]:
    if index is None:
        return [num_blocks // num_groups] * num_groups
    counts: list[int] = []
    position = 0
    for _ in range(num_groups):
        counts.append(int(index[position]))
        position += 1 + counts[-1]
    return counts
