"""What was played last, and how much of it since the last gap began."""

import numpy as np
from jaxtyping import Float32

from dred.audio import resample, to_mono
from dred.receiver.continuation import HISTORY_SAMPLES
from dred.timebase import SAMPLE_RATE_HZ

_EDGE_MS = 10


class PlayedHistory:
    """The last 150 ms at the rate that is played, mono, given out at 16 kHz."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples = np.zeros(HISTORY_SAMPLES * rate_hz // SAMPLE_RATE_HZ, np.float32)
        self.num_concealed_samples = 0
        self.num_heard_samples = 0

    def add(self, played: Float32[np.ndarray, "samples channels"], *, is_heard: bool) -> None:
        """Append what was played; is_heard says whether it was received, not spoken or guessed."""
        self._samples = np.concatenate([self._samples, to_mono(played)])[-self._samples.size :]
        num_samples = len(played) * SAMPLE_RATE_HZ // self._rate_hz
        if is_heard:
            self.num_heard_samples += num_samples
        else:
            self.num_concealed_samples += num_samples

    def forget_counts(self) -> None:
        """Count from here: what came before has been analysed."""
        self.num_concealed_samples = self.num_heard_samples = 0

    def at_16k(self) -> Float32[np.ndarray, " 2400"]:
        """Return the last 150 ms at 16 kHz, ending exactly where playing stands."""
        if self._rate_hz == SAMPLE_RATE_HZ:
            return self._samples.copy()
        # Mirrored about its last sample the signal goes on smoothly, so that the filter does not see an edge.
        edge = self._samples[-2 : -2 - self._rate_hz * _EDGE_MS // 1000 : -1]
        extended = np.concatenate([self._samples, 2 * self._samples[-1] - edge])
        return resample(extended, from_hz=self._rate_hz, to_hz=SAMPLE_RATE_HZ)[:HISTORY_SAMPLES]
