"""PCM at any Opus rate to the 16 kHz that features are made of, with the delay that libopus's encoder has.

    round to int16 -> insert zeros to a multiple of 16 kHz -> 7th order elliptic low-pass -> keep every third sample

The same filter as libopus is used, because its delay is part of where redundancy lies in time.

Source: facts from libopus 1.6.1 dnn/dred_encoder.c: 0.2 dB ripple, 70 dB stop band; edges 7750 Hz of 48 kHz, 5800 Hz
for 12 kHz, 3900 Hz for 8 kHz. The sections were computed from these by scipy.signal.ellip(7, 0.2, 70, edge,
output="sos").
"""

from dataclasses import dataclass, field
from math import gcd
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64

from dred.audio.biquads import filter_sample, initial_biquad_state, keep_memory, memory_at, section_at
from dred.compilation import compiled
from dred.errors import UsageError
from dred.timebase import OPUS_RATES_HZ, SAMPLE_RATE_HZ

# Rows b0 b1 b2 a1 a2 of second order sections.
_EDGE_7750_OF_48000 = [
    [0.004523531627, 0.003882047239, 0.004523531627, -0.643201082003, 0.0],
    [1.0, 1.0, 0.0, -1.198427111237, 0.527559166348],
    [1.0, -0.116572302899, 1.0, -1.050537890763, 0.741403442766],
    [1.0, -0.443218267674, 1.0, -0.986550448201, 0.921069314755],
]
_EDGE_5800_OF_48000 = [
    [2.033659883520e-03, 5.152047220418e-04, 2.033659883520e-03, -7.302819064565e-01, 0.0],
    [1.0, 1.0, 0.0, -1.430557420577, 6.204045838379e-01],
    [1.0, -7.423505405863e-01, 1.0, -1.384309199997, 7.889969093426e-01],
    [1.0, -1.011170175262, 1.0, -1.385264709544, 9.352888454185e-01],
]
_EDGE_3900_OF_16000 = [
    [0.020109501138, 0.030747641183, 0.020109501138, -0.453838182538, 0.0],
    [1.0, 1.0, 0.0, -0.651267070848, 0.388412981649],
    [1.0, 0.908162639297, 1.0, -0.251620833426, 0.689019009885],
    [1.0, 0.624135010295, 1.0, -0.03692169507, 0.908626009251],
]
_SECTIONS = {
    8_000: _EDGE_3900_OF_16000,
    12_000: _EDGE_5800_OF_48000,
    24_000: _EDGE_7750_OF_48000,
    48_000: _EDGE_7750_OF_48000,
}
_INT16_SCALE = 32768


@compiled(makes_arrays=False)
@no_type_check
def downsample_into(out, samples, sections, state, up, down):
    """Do as `Downsampler.convert`: samples, which are used up, become out, up / down times as many."""
    for n in range(samples.size):
        rounded = np.rint(samples[n] * np.float32(_INT16_SCALE))
        samples[n] = min(max(rounded, np.float32(-_INT16_SCALE)), np.float32(_INT16_SCALE - 1))
    if len(sections) == 0:
        for n in range(samples.size):
            out[n] = samples[n]
        return
    # All four sections at once, in registers: one after another would take three times as long.
    section_0, section_1, section_2, section_3 = (
        section_at(sections, 0),
        section_at(sections, 1),
        section_at(sections, 2),
        section_at(sections, 3),
    )
    memory_0, memory_1, memory_2, memory_3 = (
        memory_at(state, 0),
        memory_at(state, 1),
        memory_at(state, 2),
        memory_at(state, 3),
    )
    at = wait = 0
    for n in range(samples.size):
        for zero in range(up):
            x = np.float64(samples[n]) * up if zero == 0 else 0.0
            x, memory_0 = filter_sample(x, section_0, memory_0)
            x, memory_1 = filter_sample(x, section_1, memory_1)
            x, memory_2 = filter_sample(x, section_2, memory_2)
            x, memory_3 = filter_sample(x, section_3, memory_3)
            if wait == 0:
                out[at] = x
                at += 1
                wait = down
            wait -= 1
    keep_memory(state, 0, memory_0)
    keep_memory(state, 1, memory_1)
    keep_memory(state, 2, memory_2)
    keep_memory(state, 3, memory_3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downsampler:
    """The conversion of one stream's rate to 16 kHz mono; its state is explicit.

    Attributes:
        rate_hz: The stream's rate.
        up: There are up / down as many samples at 16 kHz.
        down: A block must be a multiple of so many samples.
        sections: The low-pass, at rate_hz times up.

    Raises:
        UsageError: The rate is none of Opus's.
    """

    rate_hz: int
    up: int = field(init=False)
    down: int = field(init=False)
    sections: Float64[np.ndarray, "sections 5"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.rate_hz not in OPUS_RATES_HZ:
            raise UsageError(f"rate_hz must be one of {OPUS_RATES_HZ}, got {self.rate_hz}")
        common = gcd(self.rate_hz, SAMPLE_RATE_HZ)
        object.__setattr__(self, "up", SAMPLE_RATE_HZ // common)
        object.__setattr__(self, "down", self.rate_hz // common)
        object.__setattr__(self, "sections", np.array(_SECTIONS.get(self.rate_hz, [])).reshape(-1, 5))

    def initial_state(self) -> Float64[np.ndarray, "sections 2"]:
        """Return the filter memory of a stream that has not begun."""
        return initial_biquad_state(self.sections)

    def convert(
        self, state: Float64[np.ndarray, "sections 2"], samples: Float32[np.ndarray, " samples"]
    ) -> Float32[np.ndarray, " samples_16k"]:
        """Convert the next samples, -1 to 1, to 16 kHz on the int16 scale.

        Raises:
            UsageError: The block is no whole number of 16 kHz samples.
        """
        if samples.size % self.down:
            raise UsageError(
                f"a block at {self.rate_hz} Hz must be a multiple of {self.down} samples, got {samples.size}"
            )
        out = np.empty(samples.size // self.down * self.up, np.float32)
        downsample_into(out, samples.copy(), self.sections, state, self.up, self.down)
        return out
