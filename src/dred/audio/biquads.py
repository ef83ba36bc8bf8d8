"""Recursive filters as cascades of second order sections, with explicit state.

Rows of sections are b0 b1 b2 a1 a2, rows of the state are each section's memory, all float64.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float64

from dred.compilation import compiled

_inlined = compiled(inline="late", makes_arrays=False)


def initial_biquad_state(sections: Float64[np.ndarray, "sections 5"]) -> Float64[np.ndarray, "sections 2"]:
    """Return the memory of a filter that has seen nothing."""
    return np.zeros((len(sections), 2))


@_inlined
@no_type_check
def filter_sample(x, section, memory):
    """Filter one sample by one section; both are tuples, for compiled loops that keep them in registers."""
    b0, b1, b2, a1, a2 = section
    y = b0 * x + memory[0]
    return y, (b1 * x - a1 * y + memory[1], b2 * x - a2 * y)


@_inlined
@no_type_check
def section_at(sections, s):
    """Return one section as a tuple."""
    return sections[s, 0], sections[s, 1], sections[s, 2], sections[s, 3], sections[s, 4]


@_inlined
@no_type_check
def memory_at(state, s):
    """Return one section's memory as a tuple."""
    return state[s, 0], state[s, 1]


@_inlined
@no_type_check
def keep_memory(state, s, memory):
    """Put one section's memory back."""
    state[s, 0], state[s, 1] = memory


@compiled(makes_arrays=False)
@no_type_check
def filter_into(out, samples, sections, state, up, down):
    """Filter the next samples.

    up - 1 zeros are put behind each sample first, whose share of the level is made good; every down-th output is kept.
    The number of samples times up must be a multiple of down.
    """
    at = wait = 0
    for n in range(samples.size):
        for zero in range(up):
            x = np.float64(samples[n]) * up if zero == 0 else 0.0
            for s in range(len(sections)):
                x, memory = filter_sample(x, section_at(sections, s), memory_at(state, s))
                keep_memory(state, s, memory)
            if wait == 0:
                out[at] = x
                at += 1
                wait = down
            wait -= 1


@compiled
@no_type_check
def filter_sections(samples, sections, state, up, down):
    """Do as `filter_into` and return the outputs, float64."""
    out = np.empty(samples.size * up // down)
    filter_into(out, samples, sections, state, up, down)
    return out
