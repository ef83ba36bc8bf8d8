"""PCM as the codec gets it -> PCM as the networks hear it, and whether anyone speaks.

mean of the channels -> 16 kHz, int16 grid -> high-pass -> activity
"""

import math
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float64

from dred.audio.biquads import filter_sample, initial_biquad_state, keep_memory, memory_at, section_at
from dred.compilation import compiled
from dred.features import Downsampler
from dred.features.downsampler import downsample_into
from dred.sender.activity import initial_activity_state, judge_activity
from dred.timebase import SAMPLE_RATE_HZ

# libopus encodes speech above 60 Hz, and its redundancy describes the same signal.
_HIGH_PASS_HZ = 60.0
_LONGEST_PACKET_MS = 120


def initial_intake_state(rate_hz: int) -> tuple[Any, ...]:
    """Return what `hear` needs for a stream that has not begun.

    Raises:
        UsageError: The rate is none of Opus's.
    """
    downsampler = Downsampler(rate_hz=rate_hz)
    mono = np.empty(rate_hz * _LONGEST_PACKET_MS // 1000, np.float32)
    low_pass = (downsampler.sections, downsampler.initial_state(), downsampler.up, downsampler.down)
    high_pass = _high_pass_sections()
    return mono, *low_pass, high_pass, initial_biquad_state(high_pass), initial_activity_state()


def _high_pass_sections() -> Float64[np.ndarray, "1 5"]:
    """Return a second order Butterworth high-pass at 16 kHz.

    Source: bilinear transform of s^2 / (s^2 + sqrt(2) s + 1).
    """
    k = math.tan(math.pi * _HIGH_PASS_HZ / SAMPLE_RATE_HZ)
    scale = 1 / (1 + math.sqrt(2) * k + k * k)
    return np.array([[scale, -2 * scale, scale, 2 * (k * k - 1) * scale, (1 - math.sqrt(2) * k + k * k) * scale]])


@compiled(makes_arrays=False)
@no_type_check
def hear(heard, samples, state):
    """Convert samples, -1 to 1 [samples, channels], to 16 kHz on the int16 scale, and tell whether anyone speaks."""
    room, low_pass, low_pass_state, up, down, high_pass, high_pass_state, activity_state = state
    mono = room[: len(samples)]
    if samples.shape[1] == 1:
        for n in range(mono.size):
            mono[n] = samples[n, 0]
    else:
        for n in range(mono.size):
            mono[n] = (samples[n, 0] + samples[n, 1]) / np.float32(2)
    downsample_into(heard, mono, low_pass, low_pass_state, up, down)
    section, memory = section_at(high_pass, 0), memory_at(high_pass_state, 0)
    for n in range(heard.size):
        y, memory = filter_sample(np.float64(heard[n]), section, memory)
        heard[n] = y
    keep_memory(high_pass_state, 0, memory)
    return judge_activity(activity_state, heard)
