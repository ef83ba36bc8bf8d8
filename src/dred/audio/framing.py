"""Blocks of any size enter, frames of one size leave; and the two sample formats, int16 and float32."""

from collections import deque

import numpy as np
from jaxtyping import Float32, Int16

from dred.errors import UsageError

__all__ = ["BlockBuffer", "as_block", "float_to_int16", "int16_to_float", "to_mono"]

_INT16_SCALE = 32768


def int16_to_float(pcm: Int16[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Scale 16-bit samples to [-1, 1), exactly."""
    return pcm.astype(np.float32) / np.float32(_INT16_SCALE)


def float_to_int16(samples: Float32[np.ndarray, "*shape"]) -> Int16[np.ndarray, "*shape"]:
    """Round samples to 16 bits and clip them; inverts `int16_to_float` exactly.

    Raises:
        UsageError: A sample is NaN or infinite.
    """
    _require_finite(samples)
    scaled = np.rint(samples * np.float32(_INT16_SCALE))
    return np.clip(scaled, -_INT16_SCALE, _INT16_SCALE - 1).astype(np.int16)


def to_mono(samples: Float32[np.ndarray, "samples channels"]) -> Float32[np.ndarray, " samples"]:
    """Average the channels."""
    return samples.mean(axis=1, dtype=np.float32)


def as_block(pcm: np.ndarray, num_channels: int) -> Float32[np.ndarray, "samples channels"]:
    """Bring a caller's samples into the one form used inside.

    Args:
        pcm: Float in [-1, 1] or int16; `[samples, channels]`, or `[samples]` if there is one channel.
        num_channels: How many channels there must be.

    Raises:
        UsageError: Another dtype, another number of channels, or a sample that is NaN, infinite or beyond float32.
    """
    if pcm.dtype not in (np.float32, np.float64, np.int16):
        raise UsageError(f"samples must be float or int16, got {pcm.dtype}")
    if pcm.ndim == 1 and num_channels == 1:
        pcm = pcm[:, np.newaxis]
    if pcm.ndim != 2 or pcm.shape[1] != num_channels:
        raise UsageError(f"samples must have {num_channels} channel(s), got shape {pcm.shape}")
    if pcm.dtype == np.int16:
        return int16_to_float(pcm)
    with np.errstate(over="ignore"):
        samples = pcm.astype(np.float32, copy=False)
    _require_finite(samples)
    return samples


class BlockBuffer:
    """A queue between blocks of any size and frames of one size.

    How the signal is cut into blocks never changes the frames. Blocks are copied, so that callers may reuse them.
    """

    def __init__(self, frame_samples: int, *, num_channels: int = 1) -> None:
        if frame_samples < 1 or num_channels < 1:
            raise UsageError(
                f"frame_samples and num_channels must be at least 1, got {frame_samples} and {num_channels}"
            )
        self.frame_samples = frame_samples
        self.num_channels = num_channels
        self._blocks: deque[np.ndarray] = deque()
        self._num_buffered = 0

    @property
    def num_buffered_samples(self) -> int:
        """Samples per channel that were pushed and not yet popped."""
        return self._num_buffered

    def push(self, block: np.ndarray) -> None:
        """Append samples: float or int16, `[samples, channels]`, or `[samples]` if there is one channel.

        Raises:
            UsageError: Another dtype, another number of channels, or a sample that is NaN or infinite.
        """
        samples = as_block(block, self.num_channels)
        if len(samples):
            self._blocks.append(samples.copy())
            self._num_buffered += len(samples)

    def pop(self) -> Float32[np.ndarray, "samples channels"] | None:
        """Remove the oldest frame, or None while fewer than `frame_samples` are buffered."""
        return self._take(self.frame_samples) if self._num_buffered >= self.frame_samples else None

    def flush(self) -> Float32[np.ndarray, "samples channels"] | None:
        """Remove what is left as one last frame, filled up with zeros; None if nothing is left.

        Raises:
            UsageError: A whole frame is still to be popped.
        """
        if self._num_buffered >= self.frame_samples:
            raise UsageError("pop every whole frame before the flush")
        if not self._num_buffered:
            return None
        rest = self._take(self._num_buffered)
        return np.pad(rest, ((0, self.frame_samples - len(rest)), (0, 0)))

    def _take(self, num_samples: int) -> np.ndarray:
        parts: list[np.ndarray] = []
        missing = num_samples
        while missing:
            block = self._blocks.popleft()
            if len(block) > missing:
                self._blocks.appendleft(block[missing:])
                block = block[:missing]
            parts.append(block)
            missing -= len(block)
        self._num_buffered -= num_samples
        return np.concatenate(parts)


def _require_finite(samples: np.ndarray) -> None:
    if not np.isfinite(samples).all():
        raise UsageError("samples must be finite, got NaN or infinity")
