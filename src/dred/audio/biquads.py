"""Recursive filters as cascades of second order sections, with explicit state."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float64
from numba import njit


def initial_biquad_state(sections: Float64[np.ndarray, "sections 5"]) -> Float64[np.ndarray, "sections 2"]:
    """Return the memory of a filter that has seen nothing."""
    return np.zeros((len(sections), 2))


@njit(cache=True, nogil=True)
@no_type_check
def filter_sections(samples, sections, state, up, down):
    """Filter the next samples, float64; rows of sections are b0 b1 b2 a1 a2.

    up - 1 zeros are put behind each sample first, whose share of the level is made good; every down-th output is kept.
    The number of samples times up must be a multiple of down.
    """
    out = np.empty(samples.size * up // down)
    for n in range(samples.size * up):
        x = samples[n // up] * up if n % up == 0 else 0.0
        for s in range(len(sections)):
            b0, b1, b2, a1, a2 = sections[s]
            y = b0 * x + state[s, 0]
            state[s, 0] = b1 * x - a1 * y + state[s, 1]
            state[s, 1] = b2 * x - a2 * y
            x = y
        if n % down == 0:
            out[n // down] = x
    return out
