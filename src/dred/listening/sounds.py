"""What a listener hears: a `Sound` of the plan becomes samples, then a wav file.

Levels: every version of a recording gets the gain that brings the active level of its original to -26 dBov. A scheme
that makes speech softer or louder is heard to do so. What then exceeds full scale is clipped.
"""

import io
import wave
from collections.abc import Callable
from math import pi

import numpy as np
from jaxtyping import Float32

from dred.audio import float_to_int16
from dred.errors import FileFormatError
from dred.listening.plan import Sound, SoundKind, softer_tone
from dred.listening.speech_level import active_level_db
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["ReadSpeech", "render", "wav_bytes"]

ReadSpeech = Callable[[str], Float32[np.ndarray, " samples"]]
"""From an audio key to 16 kHz speech."""

_LEVEL_DBOV = -26.0
_MAX_GAIN_DB = 40.0
# Wireless headphones wake up late and swallow the start.
_LEAD_IN_S, _LEAD_OUT_S = 0.3, 0.2

_BEEP_HZ, _BEEP_S, _BEEP_GAP_S, _BEEP_AMPLITUDE, _BEEP_RAMP_S = 1000.0, 0.18, 0.32, 0.1, 0.01
_SPEECH_BESIDE_BEEPS_S = 1.5

# Source: Woods, Siegel, Traer, McDermott: Headphone screening to facilitate web-based auditory experiments, 2017.
_TONE_HZ, _TONE_S, _TONE_RAMP_S, _TONE_GAP_S, _SOFTER_DB, _TONE_AMPLITUDE = 200.0, 1.0, 0.1, 0.5, -6.0, 0.1


def render(sound: Sound, read_speech: ReadSpeech) -> Float32[np.ndarray, "samples channels"]:
    """Make a sound at 16 kHz: speech on one channel, tones on two.

    Raises:
        FileFormatError: The speech cannot be read.
    """
    if sound.kind is SoundKind.TONES:
        return _tones(sound.number)
    speech = read_speech(sound.speech) * _gain(read_speech(sound.original))
    if sound.kind is SoundKind.BEEPS:
        speech = _interrupted(speech, sound.number)
    elif sound.kind is SoundKind.DESTROYED:
        speech = _destroyed(speech)
    return np.concatenate((_silence(_LEAD_IN_S), speech, _silence(_LEAD_OUT_S)))[:, np.newaxis]


def wav_bytes(samples: Float32[np.ndarray, "samples channels"]) -> bytes:
    """Write 16 kHz samples as a 16-bit wav file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(float_to_int16(samples).astype("<i2").tobytes())
    return buffer.getvalue()


def _gain(original: Float32[np.ndarray, " samples"]) -> np.float32:
    level_db = active_level_db(original)
    if level_db is None:
        raise FileFormatError("speech that can be heard", value="silence")
    return np.float32(10 ** (min(_LEVEL_DBOV - level_db, _MAX_GAIN_DB) / 20))


def _interrupted(speech: Float32[np.ndarray, " samples"], num_beeps: int) -> Float32[np.ndarray, " interrupted"]:
    middle = min(len(speech) // 2, _samples(_SPEECH_BESIDE_BEEPS_S))
    beep = _tone(_BEEP_HZ, _BEEP_S, _BEEP_RAMP_S) * np.float32(_BEEP_AMPLITUDE)
    gap = _silence(_BEEP_GAP_S)
    return np.concatenate((speech[:middle], gap, *[beep, gap] * num_beeps, speech[middle : 2 * middle]))


def _destroyed(speech: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " samples"]:
    """Modulate with noise as strong as the speech: far worse than anything that a codec does.

    Source: ITU-T P.810, the modulated noise reference unit, with Q = 0 dB.
    """
    noise = np.random.default_rng(0).standard_normal(len(speech), np.float32)
    return speech * (1 + noise) / np.float32(2**0.5)


def _tones(number: int) -> Float32[np.ndarray, "samples channels"]:
    """Three tones: one softer, one in antiphase, which loudspeakers cancel and headphones do not."""
    softer = softer_tone(number) - 1
    others = [place for place in range(3) if place != softer]
    antiphase = others[number % 2]
    tone = _tone(_TONE_HZ, _TONE_S, _TONE_RAMP_S) * np.float32(_TONE_AMPLITUDE)
    parts = []
    for place in range(3):
        level = np.float32(10 ** (_SOFTER_DB / 20)) if place == softer else np.float32(1)
        parts += [
            np.stack((tone * level, tone * (-level if place == antiphase else level)), axis=1),
            np.zeros((_samples(_TONE_GAP_S), 2), np.float32),
        ]
    return np.concatenate((np.zeros((_samples(_LEAD_IN_S), 2), np.float32), *parts))


def _tone(hz: float, seconds: float, ramp_s: float) -> Float32[np.ndarray, " samples"]:
    times_s = np.arange(_samples(seconds)) / SAMPLE_RATE_HZ
    nearest_end_s = np.minimum(times_s, times_s[::-1])
    ramp = np.sin(np.clip(nearest_end_s / ramp_s, 0, 1) * pi / 2) ** 2
    return (np.sin(2 * pi * hz * times_s) * ramp).astype(np.float32)


def _silence(seconds: float) -> Float32[np.ndarray, " samples"]:
    return np.zeros(_samples(seconds), np.float32)


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)
