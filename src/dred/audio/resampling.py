"""Samples at one rate enter, samples at another leave: at once, or block by block with the same result.

The filter is soxr's "HQ": linear phase, its delay already taken out, so that sample `n` of the output lies at
`n / to_hz` seconds in both forms. The streaming form pays for that with what it holds back; see `StreamingResampler`.
"""

import numpy as np
from jaxtyping import Float32

from dred.errors import UsageError

__all__ = ["StreamingResampler", "resample"]

# Our choice: what sound cards and codecs of speech use, with room on both sides.
MIN_RATE_HZ = 4_000
MAX_RATE_HZ = 384_000
_QUALITY = "HQ"


def resample(
    samples: Float32[np.ndarray, "samples *channels"], *, from_hz: int, to_hz: int
) -> Float32[np.ndarray, "resampled *channels"]:
    """Resample a whole signal; the result has `len(samples) * to_hz / from_hz` samples, rounded.

    Raises:
        UsageError: A rate outside 4000-384000 Hz.
    """
    import soxr  # Here, not above: it doubles the time that `import dred` takes.

    _check_rates(from_hz, to_hz)
    if from_hz == to_hz or not len(samples):
        return samples.copy()
    return soxr.resample(samples, from_hz, to_hz, quality=_QUALITY)


class StreamingResampler:
    """Resample a signal that arrives in blocks of any size.

    All blocks together give exactly what `resample` gives for the whole. soxr computes in large steps, so the output
    comes in lumps and late: up to 37 ms between 48 and 16 kHz and 116 ms between 8 and 16 kHz are held back. That
    suits files and captures; a live path should run its codec at the rate of the sound card instead.
    """

    def __init__(self, *, from_hz: int, to_hz: int, num_channels: int = 1) -> None:
        import soxr

        _check_rates(from_hz, to_hz)
        if not 1 <= num_channels <= 255:
            raise UsageError(f"num_channels must lie in 1-255, got {num_channels}")
        self.from_hz = from_hz
        self.to_hz = to_hz
        self.num_channels = num_channels
        self._stream = soxr.ResampleStream(from_hz, to_hz, num_channels, dtype="float32", quality=_QUALITY)
        self._num_pushed = 0
        self._num_given = 0
        self._is_flushed = False

    @property
    def num_held_back_samples(self) -> int:
        """Samples at the new rate that are due by what was pushed and not yet given out."""
        return self._num_pushed * self.to_hz // self.from_hz - self._num_given

    def push(self, block: Float32[np.ndarray, "samples channels"]) -> Float32[np.ndarray, "resampled channels"]:
        """Resample the next block; the result may be empty.

        Raises:
            UsageError: Another number of channels, or a push after the flush.
        """
        return self._resample(block, is_last=False)

    def flush(self) -> Float32[np.ndarray, "resampled channels"]:
        """End the signal and give out what was held back.

        Raises:
            UsageError: A second flush.
        """
        return self._resample(np.zeros((0, self.num_channels), np.float32), is_last=True)

    def _resample(self, block: np.ndarray, *, is_last: bool) -> np.ndarray:
        if self._is_flushed:
            raise UsageError("the signal was ended by flush; use a new StreamingResampler")
        if block.ndim != 2 or block.shape[1] != self.num_channels:
            raise UsageError(f"samples must have {self.num_channels} channel(s), got shape {block.shape}")
        self._is_flushed = is_last
        resampled = self._stream.resample_chunk(np.ascontiguousarray(block), last=is_last)
        self._num_pushed += len(block)
        self._num_given += len(resampled)
        return resampled


def _check_rates(*rates_hz: int) -> None:
    for rate_hz in rates_hz:
        if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise UsageError(f"rates must lie in {MIN_RATE_HZ}-{MAX_RATE_HZ} Hz, got {rate_hz}")
