"""The value that every reader of this package returns: arrays, tables and the card of one set of networks.

The networks take `weights.tensors`, the payload takes `weights.tables`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from dred.errors import ModelError
from dred.weights.dnnw import TENSOR_NAME, Tensor, write_dnnw
from dred.weights.layers import Layer, list_layers
from dred.weights.model_card import ModelCard

__all__ = [
    "NUM_LEVELS",
    "OWN_BITSTREAM_VERSION",
    "PRIOR_DTYPES",
    "SET_NAME",
    "TABLE_NAMES",
    "Card",
    "Table",
    "WeightSet",
]

Table = UInt8[np.ndarray, "16 _"]

NUM_LEVELS = 16
"""Quantiser levels, rows of each table. Source: draft-ietf-mlcodec-opus-dred (4-bit level)."""

TABLE_NAMES = tuple(
    f"{vector}_{quantity}_q8" for vector in ("latent", "state") for quantity in ("quant_scales", "dead_zone", "r", "p0")
)
"""The quantiser's and the entropy coder's tables. Source: libopus 1.6.1, dnn/dred_rdovae_stats_data.c."""

PRIOR_DTYPES: Mapping[str, np.dtype] = {
    "hidden_bias": np.dtype(np.int32),
    "first_bias": np.dtype(np.int32),
    "inputs": np.dtype(np.int16),
    "outputs": np.dtype(np.int16),
    "odds": np.dtype(np.int32),
    "inside": np.dtype(np.int16),
}
"""The arrays of `dred.bitstream.LatentPrior`, by the names of its fields."""

_ODDS_PER_DIMENSION = 3

OWN_BITSTREAM_VERSION = 201
"""Of sets whose RDO-VAE was trained with dred: no standard payload has that. Our choice."""

SET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)
"""A set's name becomes a file's name, on every system."""

_DTYPES = (np.dtype(np.float32), np.dtype(np.int8), np.dtype(np.int32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Where a set comes from and what one may do with it.

    Attributes:
        source: File, archive or training run that the numbers were read from.
        libopus: Release of libopus that published the numbers, such as "1.6.1"; empty for none.
        bitstream_version: Of the payload that the set speaks: 10 (libopus 1.5), 12 (libopus 1.6) or
            `OWN_BITSTREAM_VERSION`.
        licence: SPDX expression; empty if not stated.
        copyright: Whose numbers they are; empty if not stated.
        training: Recipe, commit, seed and data of a set trained with dred; empty if not stated.
        imported: Date of the import as the caller gave it; empty by default, so that equal input makes equal files.
        model: What one must know of networks that were trained with dred; None for others.
    """

    source: str
    libopus: str
    bitstream_version: int
    licence: str
    copyright: str = ""
    training: str = ""
    imported: str = ""
    model: ModelCard | None = None

    @property
    def is_interoperable(self) -> bool:
        """Whether libopus can read the payloads."""
        return self.bitstream_version != OWN_BITSTREAM_VERSION


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightSet:
    """One complete, consistent set of weights. Arrays are read-only.

    Attributes:
        name: File name without suffix: letters, digits and ``._+-``, at most 64.
        tensors: Flat arrays as libopus stores them, by name, in the order of its blob.
        tables: One row per quantiser level and one column per dimension, for each of `TABLE_NAMES`.
        prior: What a latent is expected to be, for each of `PRIOR_DTYPES`; empty where the tables alone say.
        layers: What the arrays say about the layers.

    Raises:
        ModelError: A name, dtype, shape or value is impossible, or arrays and tables contradict one another.
    """

    name: str
    card: Card
    tensors: Mapping[str, Tensor]
    tables: Mapping[str, Table]
    prior: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not SET_NAME.fullmatch(self.name):
            raise ModelError(f"a set's name has 1 to 64 letters, digits and ._+-, not {self.name!r}")
        object.__setattr__(self, "tensors", {name: _read_only(array) for name, array in self.tensors.items()})
        object.__setattr__(self, "tables", {name: _read_only(array) for name, array in self.tables.items()})
        object.__setattr__(self, "prior", {name: _read_only(array) for name, array in self.prior.items()})
        for name, tensor in self.tensors.items():
            _check_tensor(name, tensor)
        _check_tables(self.tables)
        _check_prior(self.prior, self.card, self.latent_dim)
        _check_dimensions({layer.name: layer for layer in self.layers}, self.latent_dim, self.state_dim)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that the arrays make up, with their sizes."""
        return list_layers(self.tensors)

    @property
    def latent_dim(self) -> int:
        """Coded dimensions of a latent."""
        return self.tables["latent_r_q8"].shape[1]

    @property
    def state_dim(self) -> int:
        """Coded dimensions of the initial state."""
        return self.tables["state_r_q8"].shape[1]

    @property
    def tensors_sha256(self) -> str:
        """SHA-256 of the arrays as a weight blob; for published sets that is the file that `export_dnnw` writes."""
        return hashlib.sha256(write_dnnw(self.tensors)).hexdigest()

    @property
    def tables_sha256(self) -> str:
        """SHA-256 of the eight tables and the prior, one after the other; equal hashes share their bitstream."""
        tables = [self.tables[name].tobytes() for name in TABLE_NAMES]
        prior = [self.prior[name].tobytes() for name in PRIOR_DTYPES if self.prior]
        return hashlib.sha256(b"".join([*tables, *prior])).hexdigest()


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _check_tensor(name: str, tensor: Tensor) -> None:
    if not TENSOR_NAME.fullmatch(name):
        raise ModelError(f"an array is named by an identifier, not {name!r}")
    if tensor.dtype not in _DTYPES or tensor.ndim != 1 or tensor.size == 0:
        raise ModelError(f"array {name!r} is flat float32, int8 or int32, not {tensor.dtype} {tensor.shape}")
    if not np.isfinite(tensor).all():
        raise ModelError(f"array {name!r} holds a value that is not finite")


def _check_tables(tables: Mapping[str, Table]) -> None:
    if set(tables) != set(TABLE_NAMES):
        name = min(set(tables) ^ set(TABLE_NAMES))
        raise ModelError(f"table {name!r} is {'unknown' if name in tables else 'missing'}")
    for name, table in tables.items():
        like = tables["latent_r_q8" if name.startswith("latent") else "state_r_q8"]
        is_sound = table.dtype == np.uint8 and table.ndim == 2 and len(table) == NUM_LEVELS and table.size > 0
        if not is_sound or table.shape != like.shape:
            raise ModelError(
                f"table {name!r} is {table.dtype} {table.shape}, but tables of one vector are uint8, "
                f"{NUM_LEVELS} rows, and equally wide"
            )


def _check_prior(prior: Mapping[str, np.ndarray], card: Card, dim: int) -> None:
    if prior and card.is_interoperable:
        raise ModelError(f"payloads of bitstream version {card.bitstream_version} are coded without a prior")
    for name in sorted(set(prior) ^ set(PRIOR_DTYPES)) if prior else ():
        raise ModelError(f"the prior's {name!r} is {'unknown' if name in prior else 'missing'}")
    for name, array in prior.items():
        if array.dtype != PRIOR_DTYPES[name]:
            raise ModelError(f"the prior's {name!r} is {PRIOR_DTYPES[name]}, not {array.dtype}")
    if prior:
        hidden, odds = prior["first_bias"].size, _ODDS_PER_DIMENSION * dim
        shapes = {
            "hidden_bias": (NUM_LEVELS, hidden),
            "first_bias": (hidden,),
            "inputs": (dim, 2, hidden),
            "outputs": (hidden, odds),
            "odds": (NUM_LEVELS, odds),
            "inside": (dim, 2, odds),
        }
        for name, array in prior.items():
            if array.shape != shapes[name]:
                raise ModelError(f"the prior's {name!r} is {list(shapes[name])}, not {list(array.shape)}")


def _check_dimensions(layers: Mapping[str, Layer], latent_dim: int, state_dim: int) -> None:
    """Refuse tables of another version than the networks, as far as the RDO-VAE decoder's first layers tell."""
    initial = layers.get("dec_hidden_init")
    if initial is not None and initial.num_inputs != state_dim:
        raise ModelError(
            f"layer 'dec_hidden_init' takes {initial.num_inputs} values, the state tables have {state_dim}"
        )
    first = layers.get("dec_dense1")
    # From version 12 on the decoder takes the quantiser level beside the latent.
    if first is not None and first.num_inputs not in (latent_dim, latent_dim + 1):
        raise ModelError(f"layer 'dec_dense1' takes {first.num_inputs} values, the latent tables have {latent_dim}")
