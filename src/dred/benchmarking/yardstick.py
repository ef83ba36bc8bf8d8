"""The yardstick: what the default libopus takes to encode the same speech, 24 kb/s, complexity 10.

Shares of it can be compared between machines, milliseconds cannot.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from dred.benchmarking.rounds import Work
from dred.opus import OpusEncoder, OpusEncoderConfig
from dred.timebase import DOUBLE_FRAME_SAMPLES, SAMPLE_RATE_HZ

__all__ = ["YARDSTICK", "yardstick"]

YARDSTICK = "yardstick"
"""Its name among the works."""

_CONFIG = OpusEncoderConfig(rate_hz=SAMPLE_RATE_HZ, bitrate_bps=24_000, complexity=10)


def yardstick(speech: Float32[np.ndarray, " samples"]) -> Work:
    """Return the work that encodes speech, 16 kHz, a whole number of 20 ms."""
    frames = speech.reshape(-1, DOUBLE_FRAME_SAMPLES)

    def prepare() -> Callable[[], object]:
        encoder = OpusEncoder(_CONFIG)

        def run() -> None:
            for frame in frames:
                encoder.encode(frame)

        return run

    return Work(prepare=prepare, amount=speech.size / SAMPLE_RATE_HZ)
