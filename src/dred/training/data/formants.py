"""Formants without pitch: the same melody and tempo from a longer or shorter vocal tract.

    frames -> spectrum -> its envelope (few cepstral coefficients over the harmonics' peaks) -> stretched -> overlap-add

Source: A. Roebel, X. Rodet: "Efficient spectral envelope estimation and its application to pitch shifting and envelope
preservation", 2005, for the envelope over the peaks.
"""

import numpy as np
from jaxtyping import Float32, Float64

from dred.errors import UsageError

__all__ = ["move_formants"]

# 32 ms, 8 ms apart.
_FRAME_SAMPLES = 512
_HOP_SAMPLES = 128
# Short enough not to follow the harmonics of voices of 400 Hz.
_NUM_CEPSTRA = 40
_NUM_ROUNDS = 8
_FLOOR = 1e-5
# A hann window squared, four times overlapped.
_OVERLAP_GAIN = 1.5
_LARGEST_GAIN = np.log(10 ** (24 / 20))


def move_formants(samples: Float32[np.ndarray, " samples"], factor: float) -> Float32[np.ndarray, " samples"]:
    """Multiply the frequencies of 16 kHz speech's resonances; pitch and tempo stay.

    Raises:
        UsageError: The factor is outside 0.7 to 1.4.
    """
    if not 0.7 <= factor <= 1.4:
        raise UsageError(f"formants move by a factor of 0.7 to 1.4, got {factor}")
    num_frames = samples.size // _HOP_SAMPLES + _FRAME_SAMPLES // _HOP_SAMPLES
    padded = np.zeros((num_frames - 1) * _HOP_SAMPLES + _FRAME_SAMPLES)
    start = _FRAME_SAMPLES - _HOP_SAMPLES
    padded[start : start + samples.size] = samples
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME_SAMPLES) / _FRAME_SAMPLES)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME_SAMPLES)[::_HOP_SAMPLES] * window
    spectra = np.fft.rfft(frames)
    envelopes = _envelopes(np.log(np.abs(spectra) + _FLOOR))
    gains = np.clip(_stretched(envelopes, factor) - envelopes, -_LARGEST_GAIN, _LARGEST_GAIN)
    moved = np.fft.irfft(spectra * np.exp(gains)) * window / _OVERLAP_GAIN
    out = np.zeros_like(padded)
    for number, frame in enumerate(moved):
        out[number * _HOP_SAMPLES :][:_FRAME_SAMPLES] += frame
    return out[start : start + samples.size].astype(np.float32)


def _envelopes(log_spectra: Float64[np.ndarray, "frames bins"]) -> Float64[np.ndarray, "frames bins"]:
    """Smooth spectra, again and again over whatever is higher, so that the result lies on the peaks."""
    peaks = log_spectra
    for _ in range(_NUM_ROUNDS):
        cepstra = np.fft.irfft(peaks)
        cepstra[:, _NUM_CEPSTRA : _FRAME_SAMPLES - _NUM_CEPSTRA + 1] = 0
        smooth = np.fft.rfft(cepstra).real
        peaks = np.maximum(log_spectra, smooth)
    return smooth


def _stretched(envelopes: Float64[np.ndarray, "frames bins"], factor: float) -> Float64[np.ndarray, "frames bins"]:
    last = envelopes.shape[1] - 1
    places = np.minimum(np.arange(last + 1) / factor, last)
    below = np.minimum(places.astype(np.int64), last - 1)
    share = places - below
    return envelopes[:, below] * (1 - share) + envelopes[:, below + 1] * share
