"""What was played last, and how much of it since the last gap began."""

import numpy as np
from jaxtyping import Float32

from dred.audio import resample, to_mono
from dred.receiver.guessing import HISTORY_SAMPLES
from dred.timebase import SAMPLE_RATE_HZ

_EDGE_MS = 10
# The samples slide through a room of so many times their number, and are moved to its start when they reach its end.
_ROOM = 3


class PlayedHistory:
    """The last 150 ms at the rate that is played, mono, given out at 16 kHz."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._num_samples = HISTORY_SAMPLES * rate_hz // SAMPLE_RATE_HZ
        self._room = np.zeros(_ROOM * self._num_samples, np.float32)
        self._end = self._num_samples
        self._at_16k: Float32[np.ndarray, " 2400"] | None = None
        self._num_concealed = 0
        self._num_heard = 0

    @property
    def num_concealed_samples(self) -> int:
        """How much was spoken or guessed since `forget_counts`, at 16 kHz."""
        return self._num_concealed * SAMPLE_RATE_HZ // self._rate_hz

    @property
    def num_heard_samples(self) -> int:
        """How much was received since `forget_counts`, at 16 kHz."""
        return self._num_heard * SAMPLE_RATE_HZ // self._rate_hz

    def add(self, played: Float32[np.ndarray, "samples channels"], *, is_heard: bool) -> None:
        """Append what was played; is_heard says whether it was received, not spoken or guessed."""
        if is_heard:
            self._num_heard += len(played)
        else:
            self._num_concealed += len(played)
        self._at_16k = None
        mono = played[:, 0] if played.shape[1] == 1 else to_mono(played)
        if len(mono) > self._num_samples:
            mono = mono[-self._num_samples :]
        if self._end + len(mono) > len(self._room):
            self._room[: self._num_samples] = self._room[self._end - self._num_samples : self._end]
            self._end = self._num_samples
        start, self._end = self._end, self._end + len(mono)
        self._room[start : self._end] = mono

    def forget_counts(self) -> None:
        """Count from here: what came before is known."""
        self._num_concealed = self._num_heard = 0

    def at_16k(self) -> Float32[np.ndarray, " 2400"]:
        """Return the last 150 ms at 16 kHz, ending exactly where playing stands; not to be written to."""
        if self._at_16k is None:
            samples = self._room[self._end - self._num_samples : self._end]
            self._at_16k = samples.copy() if self._rate_hz == SAMPLE_RATE_HZ else self._resample(samples)
        return self._at_16k

    def _resample(self, samples: np.ndarray) -> np.ndarray:
        # Mirrored about its last sample the signal goes on smoothly, so that the filter does not see an edge.
        edge = samples[-2 : -2 - self._rate_hz * _EDGE_MS // 1000 : -1]
        extended = np.concatenate([samples, 2 * samples[-1] - edge])
        return resample(extended, from_hz=self._rate_hz, to_hz=SAMPLE_RATE_HZ)[:HISTORY_SAMPLES]
