"""The statistical tables of a payload: for each quantiser level and dimension, how it is quantised and coded.

They are uint8, belong to one trained model and must be the same bytes at both ends. No weight blob of libopus carries
them. Source: draft-ietf-mlcodec-opus-dred; libopus 1.6.1 dnn/dred_rdovae_stats_data.c.
"""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Int32, UInt8, UInt16

from dred.bitstream.coding_rows import build_coding_rows, build_quantiser
from dred.bitstream.laplace import LaplaceModel, build_laplace_model
from dred.bitstream.prior import NO_PRIOR, LatentPrior, PriorArrays
from dred.bitstream.version import NUM_LEVELS, DredVersion
from dred.errors import ModelError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SymbolTables:
    """The tables of the latents or of the initial state, all `[level, dimension]`, in 1/256.

    Attributes:
        scale_q8: Symbols per unit of the value.
        dead_zone_q8: How far the quantiser pulls values towards zero.
        r_q8: Decay of the Laplace distribution; 0 = not coded.
        p0_q8: Probability of zero; 255 = not coded.
        model: The statistics as inverse tables.
        coding_rows: What the compiled coder reads.
        quantiser: What the compiled quantiser reads: scales and dead zones.

    Raises:
        ModelError: Shapes differ, there are not 16 levels, or a coded dimension has no probability of zero or no scale.
    """

    scale_q8: UInt8[np.ndarray, "levels dims"]
    dead_zone_q8: UInt8[np.ndarray, "levels dims"]
    r_q8: UInt8[np.ndarray, "levels dims"]
    p0_q8: UInt8[np.ndarray, "levels dims"]
    model: LaplaceModel = field(init=False, repr=False)
    coding_rows: UInt16[np.ndarray, " columns"] = field(init=False, repr=False)
    quantiser: Float32[np.ndarray, "levels 2 dims"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("scale_q8", "dead_zone_q8", "r_q8", "p0_q8"):
            table = getattr(self, name)
            if table.shape != self.scale_q8.shape or table.shape[0] != NUM_LEVELS or table.dtype != np.uint8:
                expected = f"uint8 [{NUM_LEVELS}, {self.scale_q8.shape[-1]}]"
                raise ModelError(f"table {name} must be {expected}, not {table.dtype} {list(table.shape)}")
        model = build_laplace_model(self.p0_q8, self.r_q8)
        if np.any(model.is_coded & ((self.p0_q8 == 0) | (self.scale_q8 == 0))):
            raise ModelError("a coded dimension needs p0_q8 and scale_q8 of at least 1")
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "coding_rows", build_coding_rows(model, self.scale_q8))
        object.__setattr__(self, "quantiser", build_quantiser(model, self.scale_q8, self.dead_zone_q8))

    @property
    def dim(self) -> int:
        """Symbols in one vector."""
        return self.scale_q8.shape[1]

    def num_coded(self, level: int) -> int:
        """Count the dimensions that are coded at a level, 0..15.

        Raises:
            UsageError: There is no such level.
        """
        if not 0 <= level < NUM_LEVELS:
            raise UsageError(f"the level must be 0..{NUM_LEVELS - 1}, not {level}")
        return int(np.count_nonzero(self.model.is_coded[level]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PayloadTables:
    """All tables of one trained model, and the version of the payload that it speaks.

    Attributes:
        prior: What to expect of a latent, given the newer one; None where the tables alone say, as the standard has it.
        coding: What the compiled coder reads: coding rows of states and of latents, the prior's arrays.

    Raises:
        ModelError: The tables are not as wide as the version says, or the prior is for other latents.
    """

    version: DredVersion
    latent: SymbolTables
    state: SymbolTables
    prior: LatentPrior | None = None
    coding: tuple[UInt16[np.ndarray, " columns"], UInt16[np.ndarray, " columns"], PriorArrays] = field(
        init=False, repr=False
    )

    def __post_init__(self) -> None:
        prior = self.prior or NO_PRIOR
        if self.prior is not None and self.prior.dim != self.latent.dim:
            raise ModelError(f"a prior for {self.prior.dim} symbols does not go with latents of {self.latent.dim}")
        scales = (self.latent.scale_q8 * self.latent.model.is_coded).astype(np.int32)
        object.__setattr__(self, "coding", (self.state.coding_rows, self.latent.coding_rows, (*prior.integers, scales)))
        found = (self.latent.dim, self.state.dim)
        expected = (self.version.latent_dim, self.version.state_dim)
        if expected != (None, None) and found != expected:
            raise ModelError(f"version {self.version.name} has {expected} latent and state dimensions, not {found}")

    def make_scratch(self) -> Int32[np.ndarray, " scratch"]:
        """Return what compiled code works in, for one call at a time. Empty says that there is no prior."""
        return np.empty(0 if self.prior is None else self.prior.num_scratch, np.int32)

    @property
    def sha256(self) -> str:
        """Hash of all table bytes, and the prior's; equal hashes mean compatible payloads."""
        digest = hashlib.sha256()
        for tables in (self.latent, self.state):
            for table in (tables.scale_q8, tables.dead_zone_q8, tables.r_q8, tables.p0_q8):
                digest.update(table.tobytes())
        if self.prior is not None:
            digest.update(self.prior.tobytes())
        return digest.hexdigest()
