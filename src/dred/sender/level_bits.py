"""What the speech of the moment costs at each quality level: measured, whatever levels are sent.

    newest latents and state --each level--> symbols --range coder--> bits

With a prior it is the latent before the newest that is measured, given the newest: nearly all latents of a packet have
a newer one, which makes it cheaper by some bits.

Rates of other levels than those in use cannot be seen in packets, and redundancy that is off shows none at all. Coding
a latent and a state at all levels takes some 20 us, 40 with a prior, so that a sample every 200 ms costs next to
nothing.
"""

import math
from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np

from dred.bitstream import NUM_LEVELS
from dred.bitstream import range_kernels as kernels
from dred.bitstream.coding_rows import encode_vector
from dred.bitstream.prior_kernels import NO_LEVEL, encode_expected
from dred.bitstream.quantiser import quantise_vector
from dred.compilation import compiled
from dred.sender.history_kernel import NEWEST_ROW, NUM_STEPS

__all__ = ["LevelBits", "LevelMeter"]

_STEPS_PER_LATENT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelBits:
    """Bits at each of the 16 quality levels, finest first.

    Attributes:
        latent: Of a latent, 40 ms of speech.
        state: Of an initial state.
    """

    latent: tuple[float, ...]
    state: tuple[float, ...]


class LevelMeter:
    """Measures one stream's newest latent and state."""

    def __init__(self, counters: np.ndarray, activity: np.ndarray, rings: Any, tables: Any, symbols: Any) -> None:
        """Look at a history's arrays, as `encode_history` takes them."""
        self._arguments = (counters, activity, rings, tables, symbols)
        self._bits = np.empty((2, NUM_LEVELS))
        self._nowhere = np.empty(0, np.uint8)

    def measure(self) -> LevelBits | None:
        """Measure; None if the newest step is silent, what is measured is not finite, or there is none."""
        if not _measure_levels(self._bits, self._nowhere, *self._arguments):
            return None
        latent, state = self._bits
        return LevelBits(latent=tuple(latent.tolist()), state=tuple(state.tolist()))


@compiled(makes_arrays=False)
@no_type_check
def _measure_levels(bits, nowhere, counters, activity, rings, tables, symbols):
    """Write bits of the latent, then of the state, and tell whether there was something to measure."""
    row = counters[NEWEST_ROW]
    if row < 0 or activity[0] == 0:
        return False
    latents, states = rings
    latent_quantiser, state_quantiser, coding, scratch = tables
    state_rows, latent_rows, prior = coding
    latent_symbols, state_symbols = symbols
    # With a prior a latent is coded by what the newer one says of it.
    has_older = scratch.size > 0 and counters[NUM_STEPS] > _STEPS_PER_LATENT
    for level in range(bits.shape[1]):
        # What is not finite gives symbols that no table has room for.
        quantiser = latent_quantiser[level]
        is_finite = quantise_vector(latents[row], quantiser[0], quantiser[1], latent_symbols[0])
        if has_older:
            older = (row - _STEPS_PER_LATENT + len(latents)) % len(latents)
            is_finite &= quantise_vector(latents[older], quantiser[0], quantiser[1], latent_symbols[1])
        quantiser = state_quantiser[level]
        is_finite &= quantise_vector(states[row], quantiser[0], quantiser[1], state_symbols)
        if not is_finite:
            return False
        coder = kernels.start_encoder()
        if has_older:
            coder = encode_expected(
                coder, nowhere, latent_symbols[1], latent_rows, level, latent_symbols[0], level, prior, scratch
            )
        elif scratch.size:
            coder = encode_expected(
                coder, nowhere, latent_symbols[0], latent_rows, level, latent_symbols[0], NO_LEVEL, prior, scratch
            )
        else:
            coder = encode_vector(coder, nowhere, latent_symbols[0], latent_rows, level)
        bits[0, level] = _bits_used(coder)
        coder = encode_vector(kernels.start_encoder(), nowhere, state_symbols, state_rows, level)
        bits[1, level] = _bits_used(coder)
    return True


@compiled(inline="late", makes_arrays=False)
@no_type_check
def _bits_used(coder):
    # As `tell_bits`, in fractions, and without the bit that a fresh coder has used.
    return 31 + 8 * coder[2] - math.log2(coder[1])
