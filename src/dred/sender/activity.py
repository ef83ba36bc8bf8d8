"""Which stretches of speech are worth repeating.

Redundancy that describes silence costs bits and helps nobody, so its ends are cut where nothing was said. The detector
errs on the safe side: a stretch counts as silent only when it is digital silence, or close to a slowly tracked noise
floor for a while.

Source: our choice; libopus uses its encoder's own voice activity, which a stock library does not hand out.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

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


@dataclass(slots=True, kw_only=True)
class ActivityDetector:
    """A stream's noise floor, how long it has been near it, and how long there has been anything to hear."""

    floor_db: float = _HIGHEST_FLOOR_DB
    quiet_ms: float = math.inf
    audible_ms: float = 0.0

    def is_active(self, samples: Float32[np.ndarray, " samples"]) -> bool:
        """Judge the next samples, 16 kHz on the int16 scale."""
        power = float(np.mean(np.square(samples / np.float32(_INT16_SCALE)))) if samples.size else 0.0
        level_db = 10 * math.log10(power + 1e-12)
        span_ms = 1000 * samples.size / SAMPLE_RATE_HZ
        risen_db = self.floor_db + _FLOOR_RISE_DB_PER_S * span_ms / 1000
        self.floor_db = min(max(level_db, _SILENCE_DB), risen_db, _HIGHEST_FLOOR_DB)
        if level_db > max(_SILENCE_DB, self.floor_db + _ABOVE_FLOOR_DB):
            self.quiet_ms = 0.0
        else:
            self.quiet_ms += span_ms
        is_audible = level_db > _SILENCE_DB
        self.audible_ms += span_ms if is_audible else 0.0
        return self.quiet_ms <= _HANGOVER_MS or (is_audible and self.audible_ms <= _LEARNING_MS)
