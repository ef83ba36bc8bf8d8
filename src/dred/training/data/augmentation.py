"""Variants of a recording, as other rooms, voices and microphones would have made it.

    speech -> speed (voice and tempo) -> bandwidth -> spectral tilt -> noise -> level

Features are computed from the result, so that nothing here needs to know them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.audio import resample
from dred.audio.biquads import filter_sections, initial_biquad_state
from dred.errors import UsageError
from dred.timebase import SAMPLE_RATE_HZ
from dred.training.data.level import loudness, set_level

__all__ = ["Augmentation", "augment"]

_BANDS_HZ = (3_800, 7_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far a variant may go from its recording. The ranges are our choice.

    Attributes:
        level_db: Range of the level of the loud parts, below full scale.
        speed: Range of the speed; pitch and formants move with it.
        tilt: Largest coefficient of a random second order filter, 0 to 0.5.
        noise_share: Share of variants with noise.
        noise_snr_db: Range of its distance to the speech.
        narrow_share: Share of variants whose bandwidth is cut to somewhere between 3.8 and 7 kHz.
    """

    level_db: tuple[float, float] = (-36.0, -12.0)
    speed: tuple[float, float] = (0.85, 1.2)
    tilt: float = 0.375
    noise_share: float = 0.3
    noise_snr_db: tuple[float, float] = (15.0, 40.0)
    narrow_share: float = 0.1

    def __post_init__(self) -> None:
        for low, high in (self.level_db, self.speed, self.noise_snr_db):
            if not low <= high:
                raise UsageError(f"a range rises, got {low} to {high}")
        if not 0.5 <= self.speed[0] <= self.speed[1] <= 2:
            raise UsageError(f"speed lies in 0.5 to 2, got {self.speed}")
        if not 0 <= self.tilt <= 0.5:
            raise UsageError(f"tilt lies in 0 to 0.5, got {self.tilt}")
        if not (0 <= self.noise_share <= 1 and 0 <= self.narrow_share <= 1):
            raise UsageError(f"shares lie in 0 to 1, got {self.noise_share} and {self.narrow_share}")


def augment(
    samples: Float32[np.ndarray, " samples"], config: Augmentation, rng: np.random.Generator
) -> Float32[np.ndarray, " augmented"]:
    """Make a variant of 16 kHz speech; its length changes with its speed."""
    speed = float(np.exp(rng.uniform(*np.log(config.speed))))
    samples = resample(samples, from_hz=round(SAMPLE_RATE_HZ * speed), to_hz=SAMPLE_RATE_HZ)
    if rng.random() < config.narrow_share:
        band_hz = 2 * int(rng.integers(*_BANDS_HZ))
        narrow = resample(samples, from_hz=SAMPLE_RATE_HZ, to_hz=band_hz)
        samples = resample(narrow, from_hz=band_hz, to_hz=SAMPLE_RATE_HZ)
    samples = _tilt(samples, config.tilt, rng)
    if rng.random() < config.noise_share:
        samples = samples + _noise(samples, config, rng)
    return set_level(samples, rng.uniform(*config.level_db))


def _tilt(samples: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    """Filter by a random stable section with zeros and poles, as microphones and rooms colour speech."""
    b1, b2, a1, a2 = rng.uniform(-reach, reach, 4)
    section = np.array([[1.0, b1, b2, a1, a2]])
    filtered = filter_sections(samples.astype(np.float64), section, initial_biquad_state(section), 1, 1)
    return filtered.astype(np.float32)


def _noise(samples: np.ndarray, config: Augmentation, rng: np.random.Generator) -> np.ndarray:
    noise = _tilt(rng.standard_normal(samples.size).astype(np.float32), config.tilt, rng)
    snr_db = rng.uniform(*config.noise_snr_db)
    return noise * np.float32(loudness(samples) * 10 ** (-snr_db / 20) / np.sqrt(np.mean(noise**2) + 1e-12))
