"""What listeners hear: levels, beeps, a destroyed recording, and tones that only headphones tell apart."""

import io
import wave

import numpy as np
import pytest
from scripted_listener import hear

from dred.audio import read_audio
from dred.data import bundled_clip
from dred.errors import FileFormatError
from dred.listening.plan import Sound, SoundKind, softer_tone
from dred.listening.sounds import render, wav_bytes
from dred.listening.speech_level import active_level_db

RATE_HZ = 16_000
LEAD_IN, LEAD_OUT = 4_800, 3_200


def clip() -> np.ndarray:
    return read_audio(bundled_clip()).samples[: 4 * RATE_HZ, 0]


def speech_of(key: str) -> np.ndarray:
    """A key is a gain in dB, or silence."""
    return np.zeros(RATE_HZ, np.float32) if key == "silence" else clip() * np.float32(10 ** (float(key) / 20))


def spoken(samples: np.ndarray) -> np.ndarray:
    return samples[LEAD_IN:-LEAD_OUT, 0]


def test_the_active_level_of_a_steady_tone_is_its_power() -> None:
    tone = (0.1 * np.sin(2 * np.pi * 300 * np.arange(5 * RATE_HZ) / RATE_HZ)).astype(np.float32)
    assert active_level_db(tone) == pytest.approx(-23.0, abs=0.2)


def test_pauses_do_not_lower_the_active_level() -> None:
    whole = active_level_db(clip())
    with_pause = active_level_db(np.concatenate((clip(), np.zeros(10 * RATE_HZ, np.float32))))
    assert whole is not None
    # The plain mean falls by 5.4 dB; P.56 counts up to half a second after the last word as speech.
    assert with_pause == pytest.approx(whole, abs=0.5)


@pytest.mark.parametrize("gain_db", [-30.0, -6.0, 6.0])
def test_the_active_level_follows_a_gain(gain_db: float) -> None:
    level = active_level_db(clip())
    louder = active_level_db(speech_of(str(gain_db)))
    assert level is not None
    assert louder == pytest.approx(level + gain_db, abs=0.1)


def test_silence_has_no_level_and_is_refused_as_an_original() -> None:
    assert active_level_db(np.zeros(RATE_HZ, np.float32)) is None
    with pytest.raises(FileFormatError, match="speech that can be heard"):
        render(Sound(speech="silence", original="silence"), speech_of)


@pytest.mark.parametrize("gain", ["-20", "0", "9"])
def test_an_original_is_heard_at_minus_26_dbov_whatever_its_own_level(gain: str) -> None:
    heard = spoken(render(Sound(speech=gain, original=gain), speech_of))
    assert active_level_db(heard) == pytest.approx(-26, abs=0.1)


def test_a_version_that_is_softer_than_its_original_stays_softer() -> None:
    heard = spoken(render(Sound(speech="-6", original="0"), speech_of))
    assert active_level_db(heard) == pytest.approx(-32, abs=0.1)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_beeps_can_be_counted(count: int) -> None:
    sound = Sound(kind=SoundKind.BEEPS, speech="0", original="0", number=count)
    assert hear(wav_bytes(render(sound, speech_of))).beeps == count


def test_a_destroyed_recording_has_noise_as_strong_as_its_speech() -> None:
    good = spoken(render(Sound(speech="0", original="0"), speech_of))
    bad = spoken(render(Sound(kind=SoundKind.DESTROYED, speech="0", original="0"), speech_of))
    noise = bad - good * (good @ bad) / (good @ good)
    assert 10 * np.log10((bad @ bad - noise @ noise) / (noise @ noise)) == pytest.approx(0, abs=0.5)
    assert active_level_db(bad) == pytest.approx(-26, abs=0.5)


@pytest.mark.parametrize("number", range(6))
def test_of_three_tones_one_is_softer_and_another_one_in_antiphase(number: int) -> None:
    samples = render(Sound(kind=SoundKind.TONES, number=number), speech_of)
    starts = LEAD_IN + np.arange(3) * (RATE_HZ + RATE_HZ // 2)
    tones = [samples[start : start + RATE_HZ] for start in starts]
    loudness = [float(np.abs(tone).max()) for tone in tones]
    softer = int(np.argmin(loudness))
    assert softer + 1 == softer_tone(number) == hear(wav_bytes(samples)).softest
    assert min(loudness) / max(loudness) == pytest.approx(0.5, abs=0.01)
    # A loudspeaker adds both channels up: then the one in antiphase is the softest.
    added = [float(np.abs(tone.sum(axis=1)).max()) for tone in tones]
    assert int(np.argmin(added)) != softer
    assert min(added) < 1e-6


def test_every_order_of_tones_is_another_one() -> None:
    assert len({render(Sound(kind=SoundKind.TONES, number=number), speech_of).tobytes() for number in range(6)}) == 6


def test_a_wav_file_holds_the_samples_and_clips_what_is_too_loud() -> None:
    with wave.open(io.BytesIO(wav_bytes(np.array([[0.5], [-2.0], [2.0]], np.float32)))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        pcm = np.frombuffer(file.readframes(3), "<i2")
    assert pcm[0] == pytest.approx(16384, abs=1)
    assert pcm[1:].tolist() == [-32768, 32767]
