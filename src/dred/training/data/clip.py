"""One recording, or a part of one: where it lies and what is known about it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from dred.audio import read_audio, resample, to_mono
from dred.errors import FileFormatError
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["AUDIO_SUFFIXES", "SPLITS", "Clip", "split_of_speaker"]

SPLITS = ("train", "valid", "test")
AUDIO_SUFFIXES = (".flac", ".wav", ".ogg", ".mp3")

_VALID_IN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One recording, or a part of one.

    Attributes:
        path: The file.
        name: Its path within its folder, or its id: what tells it from others of the same source.
        split: One of `SPLITS`.
        speaker: Who speaks; no speaker is in two splits.
        licence: Of the recording; empty if not stated.
        start_s: Where it begins in the file.
        duration_s: How long it is; None for the rest of the file.
        columns: Channels of the file, from 0, of which the mean is taken; none for all.
        is_synthetic: Whether a synthesiser spoke.
    """

    path: Path
    name: str
    split: str
    speaker: str
    licence: str = ""
    start_s: float = 0.0
    duration_s: float | None = None
    columns: tuple[int, ...] = ()
    is_synthetic: bool = False

    def read(self) -> Float32[np.ndarray, " samples"]:
        """Read it as mono at 16 kHz.

        Raises:
            UsageError: The file cannot be read.
            FileFormatError: The file breaks its format, ends before the clip begins, or lacks a channel.
        """
        audio = read_audio(self.path, start_s=self.start_s, duration_s=self.duration_s)
        samples = audio.samples
        if self.columns:
            if max(self.columns) >= samples.shape[1]:
                raise FileFormatError(f"a file of more than {max(self.columns)} channels", value=self.path.name)
            samples = samples[:, list(self.columns)]
        return resample(to_mono(samples), from_hz=audio.rate_hz, to_hz=SAMPLE_RATE_HZ)


def split_of_speaker(speaker: str) -> str:
    """Choose a split where nothing names one: every tenth speaker is kept for validation."""
    is_valid = hashlib.sha256(speaker.encode()).digest()[0] % _VALID_IN == 0
    return "valid" if is_valid else "train"
