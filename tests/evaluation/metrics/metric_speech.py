"""Speech for the tests of metrics: the bundled clip, whole or in part, as it is and spoilt in known ways."""

from functools import cache

import numpy as np

from dred.audio import read_audio
from dred.data import bundled_clip
from dred.evaluation.metrics import HeardSpeech

RATE_HZ = 16_000
WOMAN_SAYS = "I took the early train on Thursday, and the whole valley was under fog until we reached the bridge."
MAN_SAYS = "Really? In the city it rained so hard that every street was empty by nine o'clock."
GAP_SAMPLES = 960


@cache
def clip() -> np.ndarray:
    """Eleven seconds, first a woman, then a man."""
    samples = read_audio(bundled_clip()).samples[:, 0]
    samples.flags.writeable = False
    return samples


def regular_gaps(num_samples: int) -> np.ndarray:
    """Gaps of 60 ms, three a second."""
    starts = np.arange(2400, num_samples - 3 * GAP_SAMPLES, 5333)
    return np.stack([starts, starts + GAP_SAMPLES], axis=1).astype(np.int64)


def hear(heard: np.ndarray, reference: np.ndarray | None = None, text: str | None = None) -> HeardSpeech:
    """Hear speech instead of the clip, with regular gaps."""
    reference = clip() if reference is None else reference
    return HeardSpeech(
        reference=reference,
        heard=np.clip(heard, -1, 1).astype(np.float32),
        gaps=regular_gaps(len(reference)),
        text=text,
    )


def holes(samples: np.ndarray) -> np.ndarray:
    """Cut out the regular gaps."""
    holed = samples.copy()
    for start, end in regular_gaps(len(samples)):
        holed[start:end] = 0
    return holed


def noisy(samples: np.ndarray, snr_db: float, seed: int = 1) -> np.ndarray:
    """Add white noise."""
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    return (samples + noise * np.sqrt((samples**2).mean()) * 10 ** (-snr_db / 20)).astype(np.float32)


def shuffled(samples: np.ndarray, part_samples: int = 1600) -> np.ndarray:
    """Put parts of 100 ms in another order."""
    num_parts = len(samples) // part_samples
    parts = samples[: num_parts * part_samples].reshape(num_parts, -1)
    mixed = parts[np.random.default_rng(2).permutation(num_parts)].reshape(-1)
    return np.concatenate([mixed, samples[num_parts * part_samples :]])


def silence(num_samples: int = 3 * RATE_HZ) -> np.ndarray:
    """Nothing."""
    return np.zeros(num_samples, np.float32)
