"""Variants of a recording, as other rooms, voices and microphones would have made it.

    speech -> formants -> tempo -> speed (voice and tempo) -> bandwidth
           -> room -> spectral tilt -> noise -> level -> codec

Features are computed from the result, so that nothing here needs to know them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.audio import resample
from dred.audio.biquads import filter_sections, initial_biquad_state
from dred.errors import UsageError
from dred.timebase import SAMPLE_RATE_HZ
from dred.training.data.coding import code_with_opus
from dred.training.data.formants import move_formants
from dred.training.data.level import limit_peak, loudness, set_level
from dred.training.data.noises import draw_recorded_noise
from dred.training.data.rooms import draw_room_response, reverberate
from dred.training.data.tempo import change_tempo

__all__ = ["Augmentation", "augment"]

_BANDS_HZ = (3_800, 7_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far a variant may go from its recording. The ranges and shares are our choice.

    Attributes:
        level_db: Range of the level of the loud parts, below full scale.
        speed: Range of the speed; pitch and formants move with it.
        tempo_share: Share of variants whose tempo changes, and not their pitch.
        tempo: Range of that tempo.
        formant_share: Share of variants whose formants move, and not their pitch.
        formants: Range of the factor by which they move.
        tilt: Largest coefficient of a random second order filter, 0 to 0.5.
        room_share: Share of variants that are heard in a room.
        reverberation_s: Range of the time in which its sound falls by 60 dB, 0.05 to 2.
        direct_db: Range of the direct sound's power above that of all reflections.
        noise_share: Share of variants with noise.
        noise_snr_db: Range of its distance to the speech.
        noise_folder: Folder of recordings of noise; empty for computed noise alone.
        recorded_noise_share: Share of noises that are recordings, if there is such a folder.
        narrow_share: Share of variants whose bandwidth is cut to somewhere between 3.8 and 7 kHz.
        codec_share: Share of variants that Opus has coded.
        codec_bps: Range of its bitrate, 6000 to 64000.
    """

    level_db: tuple[float, float] = (-36.0, -12.0)
    speed: tuple[float, float] = (0.85, 1.2)
    tempo_share: float = 0.2
    tempo: tuple[float, float] = (0.8, 1.25)
    formant_share: float = 0.2
    formants: tuple[float, float] = (0.88, 1.14)
    tilt: float = 0.375
    room_share: float = 0.2
    reverberation_s: tuple[float, float] = (0.15, 0.6)
    direct_db: tuple[float, float] = (0.0, 20.0)
    noise_share: float = 0.3
    noise_snr_db: tuple[float, float] = (15.0, 40.0)
    noise_folder: str = ""
    recorded_noise_share: float = 0.5
    narrow_share: float = 0.1
    codec_share: float = 0.1
    codec_bps: tuple[int, int] = (9_000, 32_000)

    def __post_init__(self) -> None:
        limits = {
            "level_db": (-100, 0),
            "speed": (0.5, 2),
            "tempo": (0.5, 2),
            "formants": (0.7, 1.4),
            "reverberation_s": (0.05, 2),
            "direct_db": (-40, 80),
            "noise_snr_db": (-40, 100),
            "codec_bps": (6_000, 64_000),
        }
        for name, (least, most) in limits.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise UsageError(f"{name} is a range within {least} to {most}, got {low} to {high}")
        if not 0 <= self.tilt <= 0.5:
            raise UsageError(f"tilt lies in 0 to 0.5, got {self.tilt}")
        for name in ("tempo", "formant", "room", "noise", "recorded_noise", "narrow", "codec"):
            share = getattr(self, f"{name}_share")
            if not 0 <= share <= 1:
                raise UsageError(f"{name}_share lies in 0 to 1, got {share}")


def augment(
    samples: Float32[np.ndarray, " samples"], config: Augmentation, rng: np.random.Generator
) -> Float32[np.ndarray, " augmented"]:
    """Make a variant of 16 kHz speech; its length changes with its speed and tempo.

    Raises:
        UsageError: The folder of noises holds no recordings.
        LibopusError: There is no libopus, and a variant is to be coded.
    """
    # A generator each, so that one step's share and draws change nothing about the others.
    tempo_rng, formant_rng, room_rng, noise_rng, codec_rng = rng.spawn(5)
    if formant_rng.random() < config.formant_share:
        samples = move_formants(samples, _between(config.formants, formant_rng))
    if tempo_rng.random() < config.tempo_share:
        samples = change_tempo(samples, _between(config.tempo, tempo_rng))
    speed = _between(config.speed, rng)
    samples = resample(samples, from_hz=round(SAMPLE_RATE_HZ * speed), to_hz=SAMPLE_RATE_HZ)
    if rng.random() < config.narrow_share:
        band_hz = 2 * int(rng.integers(*_BANDS_HZ))
        narrow = resample(samples, from_hz=SAMPLE_RATE_HZ, to_hz=band_hz)
        samples = resample(narrow, from_hz=band_hz, to_hz=SAMPLE_RATE_HZ)
    if room_rng.random() < config.room_share:
        samples = reverberate(samples, draw_room_response(config.reverberation_s, config.direct_db, room_rng))
    samples = _tilt(samples, config.tilt, rng)
    if rng.random() < config.noise_share:
        samples = samples + _noise(samples, config, rng, noise_rng)
    samples = set_level(samples, rng.uniform(*config.level_db))
    if codec_rng.random() < config.codec_share:
        samples = limit_peak(code_with_opus(samples, round(_between(config.codec_bps, codec_rng))))
    return samples


def _between(limits: tuple[float, float], rng: np.random.Generator) -> float:
    """Draw a factor; its logarithm is spread evenly."""
    return float(np.exp(rng.uniform(*np.log(limits))))


def _tilt(samples: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    """Filter by a random stable section with zeros and poles, as microphones and rooms colour speech."""
    b1, b2, a1, a2 = rng.uniform(-reach, reach, 4)
    section = np.array([[1.0, b1, b2, a1, a2]])
    filtered = filter_sections(samples.astype(np.float64), section, initial_biquad_state(section), 1, 1)
    return filtered.astype(np.float32)


def _noise(
    samples: np.ndarray, config: Augmentation, rng: np.random.Generator, recorded_rng: np.random.Generator
) -> np.ndarray:
    if config.noise_folder and recorded_rng.random() < config.recorded_noise_share:
        noise = draw_recorded_noise(config.noise_folder, samples.size, recorded_rng)
    else:
        noise = _tilt(rng.standard_normal(samples.size).astype(np.float32), config.tilt, rng)
    snr_db = rng.uniform(*config.noise_snr_db)
    return noise * np.float32(loudness(samples) * 10 ** (-snr_db / 20) / np.sqrt(np.mean(noise**2) + 1e-12))
