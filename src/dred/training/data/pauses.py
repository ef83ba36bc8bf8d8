"""Pauses of recordings, shortened: networks learn little from silence, and recordings end in seconds of it.

speech -> level -> the sender's voice activity, forwards and backwards -> pauses -> their middles are cut out
"""

import numpy as np
from jaxtyping import Bool, Float32

from dred.errors import UsageError
from dred.sender.activity import initial_activity_state, judge_activity
from dred.timebase import SAMPLE_RATE_HZ
from dred.training.data.level import set_level

__all__ = ["MIN_PAUSE_MS", "shorten_pauses"]

MIN_PAUSE_MS = 300
"""The least that may be left of a pause."""

_BLOCK_SAMPLES = SAMPLE_RATE_HZ // 50
# The detector's thresholds are levels: it expects speech as microphones deliver it.
_LEVEL_DB = -20.0
_INT16_SCALE = np.float32(32768)
# Soft sounds before and after what is found; half of what is left of the shortest pause has more.
_MARGIN_BLOCKS = 5
_FADE_SAMPLES = SAMPLE_RATE_HZ // 100


def shorten_pauses(samples: Float32[np.ndarray, " samples"], max_pause_ms: float) -> Float32[np.ndarray, " shortened"]:
    """Cut the middle out of every pause of 16 kHz speech that is longer, and leave half as much at both ends.

    Where both sides meet they are faded into one another. A recording without any speech stays as it is.

    Args:
        samples: The recording; full scale is 1.
        max_pause_ms: What is left of a pause, at least `MIN_PAUSE_MS`.

    Raises:
        UsageError: `max_pause_ms` is less.
    """
    if not max_pause_ms >= MIN_PAUSE_MS:
        raise UsageError(f"max_pause_ms must be at least {MIN_PAUSE_MS}, got {max_pause_ms}")
    active = np.flatnonzero(_find_speech(samples)) if samples.size >= _BLOCK_SAMPLES else np.zeros(0, np.int64)
    if not active.size:
        return samples.copy()
    half = int(max_pause_ms * SAMPLE_RATE_HZ / 2000)
    begins, ends = active * _BLOCK_SAMPLES, (active + 1) * _BLOCK_SAMPLES
    cuts = np.flatnonzero(begins[1:] - ends[:-1] > 2 * half)
    first = [max(0, int(begins[0]) - half), *(begins[cuts + 1] - half)]
    last = [*(ends[cuts] + half), min(samples.size, int(ends[-1]) + half)]
    kept = samples[first[0] : last[0]]
    for begin, end in zip(first[1:], last[1:]):
        kept = _join(kept, samples[begin:end])
    return kept.astype(np.float32)


def _find_speech(samples: np.ndarray) -> Bool[np.ndarray, " blocks"]:
    """Tell which whole 20 ms hold speech, or are within 100 ms of it.

    A stream's first second counts as speech, since its noise is not known yet, and so does what follows speech. Seen
    from the other end these are other places: speech is what both views agree on.
    """
    num_blocks = samples.size // _BLOCK_SAMPLES
    blocks = set_level(samples, _LEVEL_DB)[: num_blocks * _BLOCK_SAMPLES].reshape(num_blocks, _BLOCK_SAMPLES)
    found = _judge(blocks) & _judge(blocks[::-1, ::-1])[::-1]
    return np.convolve(found, np.ones(2 * _MARGIN_BLOCKS + 1), mode="full")[_MARGIN_BLOCKS:][:num_blocks] > 0.5


def _judge(blocks: np.ndarray) -> np.ndarray:
    state = initial_activity_state()
    return np.array([judge_activity(state, np.ascontiguousarray(block * _INT16_SCALE)) for block in blocks], bool)


def _join(head: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """Fade two stretches of background, which have nothing in common, into one another at equal power."""
    rise = np.sin(np.pi / 2 * (np.arange(_FADE_SAMPLES, dtype=np.float32) + 0.5) / _FADE_SAMPLES)
    seam = head[-_FADE_SAMPLES:] * rise[::-1] + tail[:_FADE_SAMPLES] * rise
    return np.concatenate([head[:-_FADE_SAMPLES], seam, tail[_FADE_SAMPLES:]])
