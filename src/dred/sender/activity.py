"""Which stretches of speech are worth repeating.

Redundancy that describes silence costs bits and helps nobody, so its ends are cut where nothing was said. The detector
errs on the safe side: a stretch counts as silent only when it is digital silence, or close to a slowly tracked noise
floor for a while.

Source: our choice; libopus uses its encoder's own voice activity, which a stock library does not hand out.
"""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64

from dred.compilation import FAST_SUMS, compiled
from dred.timebase import SAMPLE_RATE_HZ

_SILENCE_DB = -75.0
_ABOVE_FLOOR_DB = 5.0
# The floor falls at once and rises slowly, so that speech does not lift it.
_FLOOR_RISE_DB_PER_S = 3.0
_HIGHEST_FLOOR_DB = -45.0
_HANGOVER_MS = 100.0
# A stream may begin with speech or with noise: until the floor is known, whatever can be heard counts.
_LEARNING_MS = 1000.0
_INT16_SCALE = 32768.0

# What a stream remembers.
_FLOOR_DB, _QUIET_MS, _AUDIBLE_MS = range(3)


def initial_activity_state() -> Float64[np.ndarray, " 3"]:
    """Return the memory of a stream that has not begun.

    That is its noise floor, how long it has been near it, and how long there has been anything to hear.
    """
    return np.array([_HIGHEST_FLOOR_DB, math.inf, 0.0])


@compiled(fastmath=FAST_SUMS, makes_arrays=False)
@no_type_check
def judge_activity(state: Float64[np.ndarray, " 3"], samples: Float32[np.ndarray, " samples"]) -> bool:
    """Judge the next samples, 16 kHz on the int16 scale."""
    energy = 0.0
    for n in range(samples.size):
        energy += np.float64(samples[n]) * np.float64(samples[n])
    power = energy / (_INT16_SCALE * _INT16_SCALE * max(1, samples.size))
    level_db = 10 * math.log10(power + 1e-12)
    span_ms = 1000 * samples.size / SAMPLE_RATE_HZ
    risen_db = state[_FLOOR_DB] + _FLOOR_RISE_DB_PER_S * span_ms / 1000
    state[_FLOOR_DB] = min(max(level_db, _SILENCE_DB), risen_db, _HIGHEST_FLOOR_DB)
    if level_db > max(_SILENCE_DB, state[_FLOOR_DB] + _ABOVE_FLOOR_DB):
        state[_QUIET_MS] = 0.0
    else:
        state[_QUIET_MS] += span_ms
    is_audible = level_db > _SILENCE_DB
    if is_audible:
        state[_AUDIBLE_MS] += span_ms
    return state[_QUIET_MS] <= _HANGOVER_MS or (is_audible and state[_AUDIBLE_MS] <= _LEARNING_MS)
