"""What the arrays of a weight set say about its layers.

An array is named after its layer and its role: `enc_conv1_weights_int8`, `enc_conv1_bias`. Sizes are nowhere stored;
they follow from the arrays, so that one reader serves every version of the networks.

Source: libopus 1.6.1, dnn/nnet.c (roles of the arrays, index list of sparse layers).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from dred.errors import ModelError
from dred.weights.dnnw import Tensor

__all__ = ["COMPONENTS", "ESSENTIAL_COMPONENTS", "LPCNET", "Layer", "list_layers", "missing_components"]

LPCNET = "LPCNet vocoder"
"""The network that a set may do without: FARGAN speaks then."""

COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "pitch network": ("dense_if_", "dense_downsampler", "dense_final_upsampler", "conv2d_", "gru_1_"),
    "RDO-VAE encoder": ("enc_", "gdense"),
    "RDO-VAE decoder": ("dec_",),
    "FARGAN vocoder": ("cond_net_", "sig_net_"),
    "PLC predictor": ("plc_",),
    LPCNET: ("lpcnet_feature_", "lpcnet_embed_", "lpcnet_gru_", "lpcnet_dual_"),
}
"""Networks and the prefixes of their layers' names; any other layer belongs to "other"."""

ESSENTIAL_COMPONENTS = tuple(component for component in COMPONENTS if component != LPCNET)
"""Networks that a whole set has."""

_WEIGHT_ROLES = ("_weights_int8", "_weights_float", "_weight_float")
_OUTPUT_ROLES = ("_bias", "_subias", "_scale")
_INDEX_ROLE = "_weights_idx"
_NO_ROLE = ""
_ROLES = (*_WEIGHT_ROLES, *_OUTPUT_ROLES, _INDEX_ROLE)

_BLOCK_OUTPUTS = 8
_BLOCK_INPUTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer of a network, as far as its arrays tell.

    Attributes:
        component: A key of `COMPONENTS`, or "other".
        num_inputs: Inputs per output, 0 if unknown. For a sparse layer the columns in use, which a wider input may
            exceed.
        num_outputs: Rows of the weight matrix, padding included; for a GRU all three gates; 0 if unknown.
        num_weights: Stored weights; a sparse layer stores fewer than inputs times outputs.
        dtype: Of the weights; empty if there are none.
        is_sparse: Whether an index list says which blocks of weights are stored.
    """

    name: str
    component: str
    num_inputs: int
    num_outputs: int
    num_weights: int
    num_biases: int
    dtype: str
    is_sparse: bool

    @property
    def num_parameters(self) -> int:
        """Stored weights and biases; scales and index lists do not count."""
        return self.num_weights + self.num_biases


def missing_components(array_names: Iterable[str]) -> tuple[str, ...]:
    """Return the networks that a whole set has, and of which there is no array."""
    names = tuple(array_names)
    return tuple(
        component
        for component in ESSENTIAL_COMPONENTS
        if not any(name.startswith(COMPONENTS[component]) for name in names)
    )


def list_layers(tensors: Mapping[str, Tensor]) -> tuple[Layer, ...]:
    """List the layers that the arrays make up, in the order of their first array.

    An array whose name ends in no known role is a layer of its own.

    Raises:
        ModelError: The sizes of a layer's arrays contradict one another, or an index list is malformed.
    """
    arrays_of_layer: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        role = next((role for role in _ROLES if name.endswith(role)), _NO_ROLE)
        arrays_of_layer.setdefault(name.removesuffix(role), {})[role] = tensor
    return tuple(_describe_layer(name, arrays) for name, arrays in arrays_of_layer.items())


def _describe_layer(name: str, arrays: Mapping[str, Tensor]) -> Layer:
    weights = next((arrays[role] for role in (*_WEIGHT_ROLES, _NO_ROLE) if role in arrays), None)
    num_weights = 0 if weights is None else weights.size
    output_sizes = {role.strip("_"): arrays[role].size for role in _OUTPUT_ROLES if role in arrays}
    if len(set(output_sizes.values())) > 1:
        raise ModelError(f"layer {name!r}: arrays of its outputs differ in size: {output_sizes}")
    num_outputs = next(iter(output_sizes.values()), 0)
    index = arrays.get(_INDEX_ROLE)
    if index is not None:
        num_inputs = _count_sparse_inputs(name, index, num_outputs, num_weights)
    elif num_outputs == 0:
        num_inputs = 0
    elif num_weights % num_outputs:
        raise ModelError(f"layer {name!r}: {num_weights} weights are no multiple of its {num_outputs} outputs")
    else:
        num_inputs = num_weights // num_outputs
    return Layer(
        name=name,
        component=next((key for key, prefixes in COMPONENTS.items() if name.startswith(prefixes)), "other"),
        num_inputs=num_inputs,
        num_outputs=num_outputs,
        num_weights=num_weights,
        num_biases=num_outputs if "_bias" in arrays else 0,
        dtype="" if weights is None else str(weights.dtype),
        is_sparse=index is not None,
    )


def _count_sparse_inputs(name: str, index: Int32[np.ndarray, " _"], num_outputs: int, num_weights: int) -> int:
    """Walk the index list of a sparse layer and return the number of columns that it reaches.

    For each group of 8 outputs the list holds a count and then the first column of each 8 x 4 block.
    """
    if num_outputs % _BLOCK_OUTPUTS:
        raise ModelError(f"layer {name!r} is sparse, so its outputs are a multiple of 8, not {num_outputs}")
    values = index.tolist()
    starts: list[int] = []
    position = 0
    for _ in range(num_outputs // _BLOCK_OUTPUTS):
        count = values[position] if position < len(values) else 0
        position += 1
        if not 0 <= count <= len(values) - position:
            raise ModelError(f"layer {name!r}: the index list ends before the blocks that its entries announce")
        starts += values[position : position + count]
        position += count
    if position != len(values):
        raise ModelError(f"layer {name!r}: the index list has {len(values)} entries, of which {position} are used")
    if len(starts) * _BLOCK_OUTPUTS * _BLOCK_INPUTS != num_weights:
        raise ModelError(f"layer {name!r}: {len(starts)} blocks of 32 do not make {num_weights} weights")
    wrong = [start for start in starts if start < 0 or start % _BLOCK_INPUTS]
    if wrong:
        raise ModelError(f"layer {name!r}: a block starts at a multiple of 4, not at column {wrong[0]}")
    return max(starts, default=-_BLOCK_INPUTS) + _BLOCK_INPUTS
