"""From what was recorded and played to what metrics ask for: 16 kHz, mono, -1 to 1, and where the gaps were."""

from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float32, Int64

from dred.audio import resample, to_mono
from dred.evaluation.metrics.metric import HeardSpeech
from dred.timebase import DOUBLE_FRAME_MS, SAMPLE_RATE_HZ, ms_to_samples

__all__ = ["find_gaps", "hear"]


def hear(
    reference: Float32[np.ndarray, "samples channels"],
    heard: Float32[np.ndarray, "samples channels"],
    rate_hz: int,
    lost: Bool[np.ndarray, " packets"],
    delay_ms: float,
    text: str | None = None,
) -> HeardSpeech:
    """Prepare speech for metrics.

    Args:
        reference: The original, one or two channels.
        heard: What was played, aligned with the original.
        rate_hz: Rate of both.
        lost: Whether each packet of 20 ms was lost.
        delay_ms: Packet n starts at n * 20 - delay_ms.
        text: What is said, if known.
    """
    original, played = (
        np.clip(resample(to_mono(samples), from_hz=rate_hz, to_hz=SAMPLE_RATE_HZ), -1, 1).astype(np.float32)
        for samples in (reference, heard)
    )
    return HeardSpeech(
        reference=original, heard=played, gaps=find_gaps(lost, delay_ms, num_samples=len(original)), text=text
    )


def find_gaps(lost: Bool[np.ndarray, " packets"], delay_ms: float, *, num_samples: int) -> Int64[np.ndarray, "gaps 2"]:
    """Return start and end, in samples of 16 kHz, of each run of lost packets as far as it lies within the clip."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(np.int8)))
    packets = list(pairwise(changes.tolist()))[::2]
    edges = [[ms_to_samples(packet * DOUBLE_FRAME_MS - delay_ms) for packet in gap] for gap in packets]
    gaps = np.clip(np.array(edges, np.int64).reshape(-1, 2), 0, num_samples)
    return gaps[gaps[:, 0] < gaps[:, 1]]
