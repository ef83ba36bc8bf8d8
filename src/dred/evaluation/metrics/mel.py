"""Power in mel bands, as librosa counts them."""

from functools import cache

import numpy as np
from jaxtyping import Float32, Float64

from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["mel_power"]

# Slaney's scale: linear up to 1 kHz, 15 mels; then 27 mels for a factor of 6.4.
_LINEAR_HZ = 1000.0
_LINEAR_MELS = 15.0
_MELS_PER_NEPER = 27.0 / np.log(6.4)


def mel_power(
    samples: Float32[np.ndarray, " samples"], *, frame_samples: int, hop_samples: int, num_bands: int
) -> Float32[np.ndarray, "frames bands"]:
    """Return the power of each band up to 8 kHz, in frames centred on multiples of the hop; bands have equal area.

    Source: librosa 0.11, feature.melspectrogram with its defaults.
    """
    padded = np.pad(samples, frame_samples // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame_samples)[::hop_samples]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame_samples) / frame_samples)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    return (power @ _filters(frame_samples, num_bands)).astype(np.float32)


@cache
def _filters(frame_samples: int, num_bands: int) -> Float64[np.ndarray, "bins bands"]:
    bins_hz = np.fft.rfftfreq(frame_samples, 1 / SAMPLE_RATE_HZ)
    highest_mels = _LINEAR_MELS + _MELS_PER_NEPER * np.log(SAMPLE_RATE_HZ / 2 / _LINEAR_HZ)
    mels = np.linspace(0, highest_mels, num_bands + 2)
    logarithmic_hz = _LINEAR_HZ * np.exp((mels - _LINEAR_MELS) / _MELS_PER_NEPER)
    edges_hz = np.where(mels < _LINEAR_MELS, mels * _LINEAR_HZ / _LINEAR_MELS, logarithmic_hz)
    low, middle, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz[:, None] - low) / (middle - low)
    falling = (high - bins_hz[:, None]) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
