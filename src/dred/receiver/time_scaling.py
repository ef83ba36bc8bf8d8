"""Faster and slower without another pitch: one period of the signal is left out or repeated, and cross-faded.

    what was played | what is to be played
    ... [ context | fade ]  period  [ context, fade ] ...     remove: fade to where the signal resembles itself, ahead
    ... [ context, fade ]  period  [ context | fade ] ...     repeat: likewise, back

A context of 11 ms before the fade must resemble its counterpart as well, so that all that is left out or repeated has
been compared: a click or the burst of a plosive is neither lost nor doubled.

Source: our choice; the principle is WSOLA, W. Verhelst and M. Roelands, "An overlap-add technique based on waveform
similarity (WSOLA) for high quality time-scale modification of speech", ICASSP 1993.
"""

from enum import Enum
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float32

from dred.receiver import period_kernel
from dred.timebase import ms_to_samples

FADE_MS: Final = 4.0
CONTEXT_MS: Final = 11.0
SHORTEST_PERIOD_MS: Final = 2.5
LONGEST_PERIOD_MS: Final = 15.0
"""Voices from 400 down to 67 Hz; what lies between both segments is never longer than what is compared."""
HISTORY_MS: Final = LONGEST_PERIOD_MS + CONTEXT_MS

_COARSE_RATE_HZ = 8_000
# -50 dB below full scale: a room's noise, in which no join is heard.
_QUIET = 10 ** (-50 / 10)
# The energies of what is faded differ by less, or something begins or ends there.
_MAX_ENERGY_RATIO = 3.0

Samples = Float32[np.ndarray, "samples channels"]
Changed = Float32[np.ndarray, "changed channels"]


class Care(Enum):
    """How alike the signal must be at a join: its least correlation coefficient."""

    GENTLE = 0.9
    FIRM = 0.7
    FORCED = 0.0


class TimeScaler:
    """Leaves out and repeats periods of one stream. Signals are given with what was played of them last."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        """Prepare for signals of a rate."""
        self._channels = channels
        self.fade_samples = ms_to_samples(FADE_MS, rate_hz)
        self.history_samples = ms_to_samples(HISTORY_MS, rate_hz)
        """How much of what was played is needed."""
        self._context = ms_to_samples(CONTEXT_MS, rate_hz)
        self._shortest = ms_to_samples(SHORTEST_PERIOD_MS, rate_hz)
        self._longest = ms_to_samples(LONGEST_PERIOD_MS, rate_hz)
        self._step = max(1, rate_hz // _COARSE_RATE_HZ)
        longest_span = self.history_samples + self._longest + self.fade_samples
        self._reduced = np.empty(longest_span // self._step * channels, np.float32)

    def remove(self, samples: Samples, start: int, care: Care, *, at_most: int) -> Changed | None:
        """Leave out a period, at a place and of at most a length, or return None where that would be heard.

        Args:
            samples: The signal.
            start: The place: what lies before it has been played.
            care: How alike the signal must be there.
            at_most: The longest period, in samples.
        """
        longest = min(self._longest, at_most, len(samples) - start - self.fade_samples)
        period = self._find(samples, start, care, longest, direction=1)
        return None if period is None else self._splice(samples, start, start + period)

    def repeat(self, samples: Samples, start: int, care: Care) -> Changed | None:
        """Repeat what was played last, by one period, or return None where that would be heard.

        The fade takes the first 4 ms behind the place.
        """
        if len(samples) - start < self.fade_samples:
            return None
        period = self._find(samples, start, care, self._longest, direction=-1)
        return None if period is None else self._splice(samples, start, start - period)

    def _find(self, samples: Samples, start: int, care: Care, longest: int, *, direction: int) -> int | None:
        if longest < self._shortest:
            return None
        if self._is_quiet(samples, start, start + direction * longest):
            return longest
        first = start - self.history_samples
        end = start + self.fade_samples + max(0, direction * longest)
        span = np.ascontiguousarray(samples[first:end]).reshape(-1)
        num_reduced = (end - first) // self._step * self._channels
        period, coefficient, energy, other_energy = period_kernel.find_period(
            span,
            self._reduced[:num_reduced],
            self._channels,
            self._step,
            self.history_samples - self._context,
            self._context + self.fade_samples,
            self._shortest,
            longest,
            direction,
        )
        is_alike = coefficient >= care.value
        is_steady = energy < _MAX_ENERGY_RATIO * other_energy and other_energy < _MAX_ENERGY_RATIO * energy
        return period if is_alike and is_steady else None

    def _is_quiet(self, samples: Samples, place: int, other: int) -> bool:
        first, last = min(place, other) - self._context, max(place, other) + self.fade_samples
        compared = samples[first:last]
        # The loudest 4 ms count: a click in silence is not quiet.
        squares = np.square(compared).mean(axis=1)
        whole = len(squares) // self.fade_samples * self.fade_samples
        return bool(squares[-whole:].reshape(-1, self.fade_samples).mean(axis=1).max() < _QUIET)

    def _splice(self, samples: Samples, start: int, target: int) -> Changed:
        """Go on at a target from a place on, cross-fading."""
        end = start + self.fade_samples
        rise = _rise(self.fade_samples)
        faded = samples[start:end] * (1 - rise) + samples[target : target + self.fade_samples] * rise
        return np.concatenate([samples[:start], faded, samples[target + self.fade_samples :]])


@lru_cache(maxsize=8)
def _rise(num_samples: int) -> np.ndarray:
    phase = (np.arange(num_samples, dtype=np.float32)[:, None] + 0.5) / num_samples
    return (0.5 - 0.5 * np.cos(np.pi * phase)).astype(np.float32)
