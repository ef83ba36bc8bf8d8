"""Periods are left out and repeated: the pitch stays, no join is heard, and what would be heard is not touched."""

from collections.abc import Callable

import numpy as np
import pytest

from dred.audio import read_audio, resample
from dred.data import bundled_clip
from dred.receiver.time_scaling import Care, TimeScaler

RATES_HZ = [8_000, 12_000, 16_000, 24_000, 48_000]
Change = Callable[[np.ndarray, int], np.ndarray | None]


def voice(rate_hz: int, *, f0_hz: float = 137.0, channels: int = 1, seconds: float = 1.0) -> np.ndarray:
    """Make a vowel: harmonics that fall off, with formants, in phases of their own."""
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    harmonics = np.arange(1, int(min(4_000, 0.45 * rate_hz) / f0_hz) + 1)
    weights = sum(np.exp(-(((harmonics * f0_hz - formant) / 300) ** 2)) for formant in (600, 1_200, 2_500)) + 0.05
    phases = np.random.default_rng(1).uniform(0, 2 * np.pi, len(harmonics))
    waves = weights * np.sin(2 * np.pi * f0_hz * harmonics * time_s[:, None] + phases)
    mono = waves.sum(axis=1)
    mono *= 0.3 / np.abs(mono).max()
    return np.stack([mono * (1 - 0.3 * channel) for channel in range(channels)], axis=1).astype(np.float32)


def noise(rate_hz: int, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(2).standard_normal((rate_hz, 1))).astype(np.float32)


def change_often(signal: np.ndarray, rate_hz: int, change: Change) -> tuple[np.ndarray, int]:
    """Change a signal every 60 ms; return it and how often that was done."""
    place, done = rate_hz // 20, 0
    while place + rate_hz // 20 < len(signal):
        changed = change(signal, place)
        if changed is not None:
            signal = changed
            done += 1
        place += 6 * rate_hz // 100
    return signal, done


def changes(scaler: TimeScaler, care: Care) -> dict[str, Change]:
    return {
        "remove": lambda signal, place: scaler.remove(signal, place, care, at_most=10**6),
        "repeat": lambda signal, place: scaler.repeat(signal, place, care),
    }


def strongest_hz(signal: np.ndarray, rate_hz: int, near_hz: float) -> float:
    """Return the frequency of the strongest wave within a tenth of another, to a fraction of a cent."""
    size = 2**19
    power = np.abs(np.fft.rfft(np.hanning(len(signal)) * signal, size))
    first, last = (int(near_hz * factor * size / rate_hz) for factor in (0.9, 1.1))
    return (first + int(np.argmax(power[first:last]))) * rate_hz / size


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", ["remove", "repeat"])
@pytest.mark.parametrize("f0_hz", [91.0, 137.0, 233.0])
def test_a_voice_keeps_its_pitch_within_a_few_cents(rate_hz: int, channels: int, kind: str, f0_hz: float) -> None:
    signal = voice(rate_hz, f0_hz=f0_hz, channels=channels)
    change = changes(TimeScaler(rate_hz, channels), Care.GENTLE)[kind]
    changed, done = change_often(signal, rate_hz, change)
    assert done >= 12
    assert len(changed) < len(signal) if kind == "remove" else len(changed) > len(signal)
    heard_hz = strongest_hz(changed[:, 0], rate_hz, f0_hz * round(600 / f0_hz))
    cents = 1_200 * np.log2(heard_hz / (f0_hz * round(600 / f0_hz)))
    # A lag is a whole number of samples: at 8 kHz one is up to half of 1/16 ms off, fifteen times in a second.
    assert abs(cents) < (3 if rate_hz >= 16_000 else 6)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("kind", ["remove", "repeat"])
def test_joins_in_a_voice_do_not_click(rate_hz: int, kind: str) -> None:
    signal = voice(rate_hz)
    changed, done = change_often(signal, rate_hz, changes(TimeScaler(rate_hz, 1), Care.GENTLE)[kind])
    assert done
    # A click is a jump in the highest derivatives; a vowel at this rate has little there.
    for order in (1, 2, 3):
        jumps, usual = (np.abs(np.diff(samples[:, 0], order)).max() for samples in (changed, signal))
        assert jumps < 1.1 * usual


@pytest.mark.parametrize("kind", ["remove", "repeat"])
def test_joins_in_real_speech_are_no_sharper_than_the_speech(kind: str) -> None:
    clip = read_audio(bundled_clip())
    rate_hz = 16_000
    speech = resample(clip.samples[: 8 * clip.rate_hz], from_hz=clip.rate_hz, to_hz=rate_hz)
    scaler = TimeScaler(rate_hz, 1)
    change = changes(scaler, Care.GENTLE)[kind]
    num_done = 0
    for place in range(rate_hz // 20, len(speech) - rate_hz // 20, rate_hz // 50):
        changed = change(speech, place)
        if changed is None:
            continue
        num_done += 1
        near = slice(place - 200, place + 300)
        assert (
            flux(changed[near, 0]) < 1.6 * max(flux(speech[near, 0]), flux(speech[place - 450 : place + 550, 0])) + 1e-3
        )
    assert num_done > 100


def flux(signal: np.ndarray) -> float:
    """Return the largest rise of the spectrum above 2 kHz from one 4 ms to the next."""
    frames = np.lib.stride_tricks.sliding_window_view(signal, 64)[::16] * np.hanning(64)
    magnitudes = np.abs(np.fft.rfft(frames, axis=1))[:, 8:]
    return float(np.maximum(np.diff(magnitudes, axis=0), 0).sum(axis=1).max())


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_exactly_one_period_is_left_out_or_repeated(rate_hz: int) -> None:
    period = rate_hz / 137.0
    signal = voice(rate_hz)
    scaler = TimeScaler(rate_hz, 1)
    for care in (Care.GENTLE, Care.FIRM):
        for change in changes(scaler, care).values():
            changed = change(signal, rate_hz // 2)
            assert changed is not None
            periods = abs(len(changed) - len(signal)) / period
            assert abs(periods - round(periods)) * period <= 1
            assert 1 <= round(periods) <= 2


def test_what_was_played_is_not_changed() -> None:
    signal = voice(16_000)
    place = 8_000
    for change in changes(TimeScaler(16_000, 1), Care.GENTLE).values():
        changed = change(signal, place)
        assert changed is not None
        assert np.array_equal(changed[:place], signal[:place])
        assert np.array_equal(changed[-5_000:], signal[-5_000:])


def test_no_more_is_left_out_than_is_asked_for() -> None:
    signal = voice(16_000)
    scaler = TimeScaler(16_000, 1)
    period = 117
    assert scaler.remove(signal, 8_000, Care.GENTLE, at_most=period - 5) is None
    changed = scaler.remove(signal, 8_000, Care.GENTLE, at_most=period + 5)
    assert changed is not None
    assert len(signal) - len(changed) == pytest.approx(period, abs=1)
    assert scaler.remove(signal, 8_000, Care.FORCED, at_most=39) is None


@pytest.mark.parametrize("kind", ["remove", "repeat"])
def test_silence_is_changed_by_as_much_as_possible(kind: str) -> None:
    scaler = TimeScaler(16_000, 1)
    for signal in (np.zeros((16_000, 1), np.float32), noise(16_000, 1e-3)):
        changed = changes(scaler, Care.GENTLE)[kind](signal, 8_000)
        assert changed is not None
        assert abs(len(changed) - len(signal)) == 240


@pytest.mark.parametrize("kind", ["remove", "repeat"])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_noise_is_not_touched_unless_forced(kind: str, rate_hz: int) -> None:
    scaler = TimeScaler(rate_hz, 1)
    signal = noise(rate_hz)
    for care in (Care.GENTLE, Care.FIRM):
        assert change_often(signal, rate_hz, changes(scaler, care)[kind])[1] == 0
    assert change_often(signal, rate_hz, changes(scaler, Care.FORCED)[kind])[1] > 10


@pytest.mark.parametrize("care", list(Care))
@pytest.mark.parametrize("kind", ["remove", "repeat"])
def test_a_click_in_silence_is_neither_lost_nor_doubled(kind: str, care: Care) -> None:
    scaler = TimeScaler(16_000, 1)
    for at in range(0, 700, 16):
        signal = noise(16_000, 1e-4)
        signal[8_000 - 350 + at] = 0.5
        changed = changes(scaler, care)[kind](signal, 8_000)
        if changed is not None:
            assert np.sum(np.abs(changed) > 0.4) == 1


@pytest.mark.parametrize("care", [Care.GENTLE, Care.FIRM])
def test_the_start_of_a_voice_is_not_smeared(care: Care) -> None:
    scaler = TimeScaler(16_000, 1)
    signal = voice(16_000)
    signal[:8_000] = 0
    for place in range(7_700, 8_060, 20):
        repeated = scaler.repeat(signal, place, care)
        assert repeated is None or place + scaler.fade_samples <= 8_001
        removed = scaler.remove(signal, place, care, at_most=240)
        assert removed is None or place + scaler.fade_samples + len(signal) - len(removed) <= 8_001


def test_a_channel_that_opposes_the_other_does_not_hide_the_voice() -> None:
    signal = voice(16_000, channels=2)
    signal[:, 1] = -signal[:, 0]
    changed = TimeScaler(16_000, 2).remove(signal, 8_000, Care.GENTLE, at_most=240)
    assert changed is not None
    assert np.array_equal(changed[:, 0], -changed[:, 1])


def test_too_short_a_signal_is_left_alone() -> None:
    scaler = TimeScaler(16_000, 1)
    signal = voice(16_000)[:8_050]
    assert scaler.repeat(signal, 8_000, Care.FORCED) is None
    assert scaler.remove(signal, 8_000, Care.FORCED, at_most=240) is None
