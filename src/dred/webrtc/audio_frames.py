"""Frames of PyAV to samples of ours, and back."""

from fractions import Fraction

import numpy as np
from av import AudioFrame
from jaxtyping import Float32, Int16

__all__ = ["to_frame", "to_samples"]

_INT16_SCALE = 32_768


def to_frame(samples: Float32[np.ndarray, "samples channels"], *, rate_hz: int, pts: int) -> AudioFrame:
    """Make a frame of packed 16-bit samples; pts counts samples."""
    num_channels = samples.shape[1]
    pcm = np.clip(np.rint(samples * _INT16_SCALE), -_INT16_SCALE, _INT16_SCALE - 1).astype(np.int16)
    frame = AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="stereo" if num_channels == 2 else "mono")
    frame.sample_rate = rate_hz
    frame.time_base = Fraction(1, rate_hz)
    frame.pts = pts
    return frame


def to_samples(frame: AudioFrame) -> Int16[np.ndarray, "samples channels"]:
    """Take the samples out of a frame of packed 16-bit samples."""
    return frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
