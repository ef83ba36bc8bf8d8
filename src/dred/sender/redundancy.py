"""The send side of redundancy: PCM at the codec's rate in, one payload per packet out.

mono -> 16 kHz -> high-pass -> activity
                          '--> latent history -> payload
"""

import math

import numpy as np
from jaxtyping import Float32

from dred.audio.biquads import filter_sections, initial_biquad_state
from dred.bitstream import DredVersion, WrittenPayload
from dred.features import Downsampler
from dred.sender.activity import ActivityDetector
from dred.sender.config import DredConfig
from dred.sender.history import LatentHistory, RedundancyEncoder
from dred.timebase import SAMPLE_RATE_HZ

# libopus encodes speech above 60 Hz, and its redundancy describes the same signal.
_HIGH_PASS_HZ = 60.0


class Redundancy:
    """One stream's redundancy, in step with the packets of its main codec."""

    def __init__(
        self,
        config: DredConfig,
        encoder: RedundancyEncoder,
        *,
        rate_hz: int,
        lookahead_samples: int,
    ) -> None:
        """Start a stream.

        Args:
            config: How much and how fine.
            encoder: The networks.
            rate_hz: The rate of the samples: one of Opus's.
            lookahead_samples: The main codec's look-ahead at that rate.

        Raises:
            UsageError: The rate is none of Opus's.
        """
        self.config = config
        self._version = encoder.tables.version
        self._downsampler = Downsampler(rate_hz=rate_hz)
        self._filter = self._downsampler.initial_state()
        self._high_pass = _HighPass()
        self._activity = ActivityDetector()
        self._history = LatentHistory(encoder, lookahead_samples=lookahead_samples * SAMPLE_RATE_HZ // rate_hz)

    @property
    def version(self) -> DredVersion:
        """The payload's version: that of the encoder's tables."""
        return self._version

    def push(self, samples: Float32[np.ndarray, "samples channels"]) -> None:
        """Take in the samples of the next packet, -1 to 1."""
        mono = self._high_pass.filter(self._downsampler.convert(self._filter, samples.mean(axis=1)))
        self._history.push(mono, active=self._activity.is_active(mono))

    def write(self, *, max_bytes: int) -> WrittenPayload | None:
        """Write the payload of the packet whose samples were pushed last, or None if there is nothing to say."""
        return self._history.write(self.config, max_bytes=min(max_bytes, self.config.max_bytes))


class _HighPass:
    """A second order Butterworth high-pass at 16 kHz. Source: bilinear transform of s^2 / (s^2 + sqrt(2) s + 1)."""

    def __init__(self) -> None:
        k = math.tan(math.pi * _HIGH_PASS_HZ / SAMPLE_RATE_HZ)
        scale = 1 / (1 + math.sqrt(2) * k + k * k)
        a1 = 2 * (k * k - 1) * scale
        a2 = (1 - math.sqrt(2) * k + k * k) * scale
        self._sections = np.array([[scale, -2 * scale, scale, a1, a2]])
        self._state = initial_biquad_state(self._sections)

    def filter(self, samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " samples"]:
        return filter_sections(samples.astype(np.float64), self._sections, self._state, 1, 1).astype(np.float32)
