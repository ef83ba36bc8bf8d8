"""Clips of the shared test set, as packets of our sender."""

from pathlib import Path
from typing import Any

import numpy as np

from dred import Sender
from dred.audio import read_audio, resample
from dred.sender import SenderConfig, SentPacket
from dred.weights import WeightSet

TEST_SET = "data/speech/test/librispeech"
CLIP_RATE_HZ = 16_000


def list_clips(shared: Path) -> list[Path]:
    """List the clips of the test set, those of the benchmark first."""
    first = [shared / line for line in (shared / "bench/clips.txt").read_text().split()]
    rest = sorted(set((shared / TEST_SET).glob("*.flac")) - set(first))
    return first + rest


def read_clip(path: Path, *, rate_hz: int = CLIP_RATE_HZ, seconds: float | None = None) -> np.ndarray:
    """Read a clip, mono, at any rate; only its start if a length is given."""
    samples = read_audio(path).samples[:, 0]
    if seconds is not None:
        samples = samples[: int(seconds * CLIP_RATE_HZ)]
    return resample(samples, from_hz=CLIP_RATE_HZ, to_hz=rate_hz)


def send_clip(pcm: np.ndarray, weights: WeightSet, **settings: Any) -> list[SentPacket]:
    """Send a clip; unless asked otherwise at 16 kHz, wideband."""
    sender = Sender(SenderConfig(**{"rate_hz": CLIP_RATE_HZ, "bandwidth": "wide"} | settings), weights)
    return [*sender.push(pcm), *sender.finish()]
