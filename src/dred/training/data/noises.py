"""Noise from recordings of it: a folder of files, a stretch of one of them at a time."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from dred.audio import read_audio, resample, to_mono
from dred.errors import UsageError
from dred.timebase import SAMPLE_RATE_HZ
from dred.training.data.clip import AUDIO_SUFFIXES

__all__ = ["draw_recorded_noise", "list_noises"]

_MAX_DURATION_S = 600.0


@lru_cache(maxsize=1)
def list_noises(folder: str) -> tuple[Path, ...]:
    """List the recordings in a folder and the folders within, in a fixed order.

    Raises:
        UsageError: There are none.
    """
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not paths:
        raise UsageError(f"{folder} holds no recordings of noise")
    return tuple(paths)


def draw_recorded_noise(folder: str, num_samples: int, rng: np.random.Generator) -> Float32[np.ndarray, " samples"]:
    """Draw a stretch of one of the recordings, mono at 16 kHz; one that is too short starts again at its end.

    Raises:
        UsageError: There are no recordings, or one cannot be read.
        FileFormatError: One breaks its format.
    """
    paths = list_noises(folder)
    noise = _read(paths[rng.integers(len(paths))])
    start = int(rng.integers(noise.size))
    return noise[np.arange(start, start + num_samples) % noise.size]


@lru_cache(maxsize=4)
def _read(path: Path) -> np.ndarray:
    """Read the first ten minutes of a recording."""
    audio = read_audio(path, duration_s=_MAX_DURATION_S)
    return resample(to_mono(audio.samples), from_hz=audio.rate_hz, to_hz=SAMPLE_RATE_HZ)
