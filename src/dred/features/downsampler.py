"""PCM at any Opus rate to the 16 kHz that features are made of, with the delay that libopus's encoder has.

    round to int16 -> insert zeros to a multiple of 16 kHz -> 7th order elliptic low-pass -> keep every third sample

The same filter as libopus is used, because its delay is part of where redundancy lies in time.

Source: facts from libopus 1.6.1 dnn/dred_encoder.c: 0.2 dB ripple, 70 dB stop band; edges 7750 Hz of 48 kHz, 5800 Hz
for 12 kHz, 3900 Hz for 8 kHz. The sections were computed from these by scipy.signal.ellip(7, 0.2, 70, edge,
output="sos").
"""

from dataclasses import dataclass
from math import gcd

import numpy as np
from jaxtyping import Float32, Float64

from dred.audio.biquads import filter_sections
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Downsampler:
    """The conversion of one stream's rate to 16 kHz mono; its state is explicit.

    Raises:
        UsageError: The rate is none of Opus's.
    """

    rate_hz: int

    def __post_init__(self) -> None:
        if self.rate_hz not in OPUS_RATES_HZ:
            raise UsageError(f"rate_hz must be one of {OPUS_RATES_HZ}, got {self.rate_hz}")

    def initial_state(self) -> Float64[np.ndarray, "sections 2"]:
        """Return the filter memory of a stream that has not begun."""
        return np.zeros((len(_SECTIONS.get(self.rate_hz, ())), 2))

    def convert(
        self, state: Float64[np.ndarray, "sections 2"], samples: Float32[np.ndarray, " samples"]
    ) -> Float32[np.ndarray, " samples_16k"]:
        """Convert the next samples, -1 to 1, to 16 kHz on the int16 scale.

        Raises:
            UsageError: The block is no whole number of 16 kHz samples.
        """
        grid = np.clip(np.rint(samples * np.float32(_INT16_SCALE)), -_INT16_SCALE, _INT16_SCALE - 1)
        if self.rate_hz == SAMPLE_RATE_HZ:
            return grid.astype(np.float32)
        step = self.rate_hz // gcd(self.rate_hz, SAMPLE_RATE_HZ)
        if samples.size % step:
            raise UsageError(f"a block at {self.rate_hz} Hz must be a multiple of {step} samples, got {samples.size}")
        up = SAMPLE_RATE_HZ // gcd(self.rate_hz, SAMPLE_RATE_HZ)
        sections = np.array(_SECTIONS[self.rate_hz])
        return filter_sections(grid.astype(np.float64), sections, state, up, step).astype(np.float32)
