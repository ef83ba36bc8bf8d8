"""What to expect of a latent, given the newer one before it: a small integer network in front of the range coder.

    symbols of the newer latent -> sizes -> hidden layer -.
    level -> log-odds ------------------------------------+-> log-odds of each dimension -> inverse tables
    symbols of this latent so far -> sizes ---------------'

Tables know one distribution per level and dimension. Speech says more: a latent resembles its neighbour, and what is
loud in one dimension is loud in others. Both ends compute the same integers, so that the range coder stays in step.

No payload of the standard is coded so. Fixed point: log-odds are Q16, weights Q10, sizes and hidden values Q6.
"""

import decimal
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from jaxtyping import Int16, Int32

from dred.bitstream.laplace import ICDF_SIZE
from dred.bitstream.version import NUM_LEVELS
from dred.errors import ModelError

NUM_QUANTITIES = 3
"""Log-odds of each dimension: of zero, of the decay of its magnitude, of a positive sign."""

ODDS_BITS, WEIGHT_BITS, SIZE_BITS = 16, 10, 6

PriorArrays = tuple[np.ndarray, ...]

# Steps of the table of probabilities, from log-odds of -8 to 8.
NUM_ODDS = 256
ODDS_PER_UNIT_BITS = 4
# The largest decay of tables, too: an escape costs what `laplace` counts on.
_LARGEST_Q15 = 255 << 7
_DIGITS = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LatentPrior:
    """The network's integers. Compiled code reads them through `integers`.

    Attributes:
        hidden_bias: Of the hidden layer at each level, Q16 [levels, hidden].
        first_bias: What is added for the newest latent, which has no newer one, Q16 [hidden].
        inputs: Weights of the signed and the unsigned size of the newer latent's symbols, Q10 [dims, 2, hidden].
        outputs: From the hidden layer to the log-odds of all dimensions, by quantity, Q10 [hidden, 3 * dims].
        odds: Log-odds at each level, before the network adds to them, Q16 [levels, 3 * dims].
        inside: What each symbol's sizes add to the dimensions behind it, Q10 [dims, 2, 3 * dims].

    Raises:
        ModelError: Shapes contradict one another, or a dimension tells of itself or of those before it.
    """

    hidden_bias: Int32[np.ndarray, "_ _"]
    first_bias: Int32[np.ndarray, " _"]
    inputs: Int16[np.ndarray, "_ _ _"]
    outputs: Int16[np.ndarray, "_ _"]
    odds: Int32[np.ndarray, "_ _"]
    inside: Int16[np.ndarray, "_ _ _"]

    def __post_init__(self) -> None:
        if self.inputs.ndim != 3:
            raise ModelError(f"inputs of a prior must have three axes, not {self.inputs.ndim}")
        dim, hidden = self.dim, self.first_bias.size
        expected = {
            "hidden_bias": ((NUM_LEVELS, hidden), np.int32),
            "first_bias": ((hidden,), np.int32),
            "inputs": ((dim, 2, hidden), np.int16),
            "outputs": ((hidden, NUM_QUANTITIES * dim), np.int16),
            "odds": ((NUM_LEVELS, NUM_QUANTITIES * dim), np.int32),
            "inside": ((dim, 2, NUM_QUANTITIES * dim), np.int16),
        }
        for name, (shape, dtype) in expected.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != dtype:
                raise ModelError(
                    f"{name} of a prior must be {np.dtype(dtype)} {list(shape)}, not {array.dtype} {array.shape}"
                )
        behind = np.arange(dim)[:, None] < np.tile(np.arange(dim), NUM_QUANTITIES)
        if np.any(self.inside.transpose(1, 0, 2) * ~behind):
            raise ModelError("a dimension of a prior may only tell of dimensions behind it")

    @property
    def dim(self) -> int:
        """Symbols of a latent."""
        return len(self.inputs)

    @property
    def integers(self) -> PriorArrays:
        """What compiled code reads: all fields in their order, and the table of probabilities."""
        # Compiled code tells arrays that may be written from others: all kinds of them would be compiled.
        return (*(np.array(getattr(self, field.name)) for field in fields(self)), np.array(probabilities_q15()))

    @property
    def num_scratch(self) -> int:
        """How many int32 compiled code works in."""
        return self.first_bias.size + self.odds.shape[1] + ICDF_SIZE

    def tobytes(self) -> bytes:
        """Return all integers, field by field."""
        return b"".join(getattr(self, field.name).tobytes() for field in fields(self))


@cache
def probabilities_q15() -> Int32[np.ndarray, " odds"]:
    """Return probabilities for log-odds of -8 to 8 in sixteenths, in 1/32768; the same on every machine."""
    # Decimal's exponential is rounded correctly, a library's may differ in the last place. No setting of the caller's
    # reaches in here.
    settings = decimal.Context(
        prec=_DIGITS, rounding=decimal.ROUND_HALF_EVEN, Emin=-999, Emax=999, capitals=1, clamp=0, flags=[], traps=[]
    )
    values = []
    with decimal.localcontext(settings):
        for step in range(NUM_ODDS):
            odds = decimal.Decimal(2 * step + 1 - NUM_ODDS) / (2 << ODDS_PER_UNIT_BITS)
            values.append(int((32768 / (1 + (-odds).exp())).to_integral_value()))
    table = np.clip(np.array(values, np.int32), 1, _LARGEST_Q15)
    table.flags.writeable = False
    return table


def _empty(*shape: int, dtype: type = np.int16) -> np.ndarray:
    return np.zeros(shape, dtype)


NO_PRIOR = LatentPrior(
    hidden_bias=_empty(NUM_LEVELS, 0, dtype=np.int32),
    first_bias=_empty(0, dtype=np.int32),
    inputs=_empty(0, 2, 0),
    outputs=_empty(0, 0),
    odds=_empty(NUM_LEVELS, 0, dtype=np.int32),
    inside=_empty(0, 2, 0),
)
"""Stands where there is none, so that compiled code finds arrays of the same kinds."""
