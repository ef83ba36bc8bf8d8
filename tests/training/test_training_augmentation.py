"""Variants of speech: what each step changes, and what it leaves alone."""

from pathlib import Path

import numpy as np
import pytest

from dred.audio import read_audio, write_wav
from dred.data import bundled_clip
from dred.errors import UsageError
from dred.features import FeatureExtractor
from dred.nn import default_engine
from dred.training.data import Augmentation, augment
from dred.training.data.coding import code_with_opus
from dred.training.data.formants import move_formants
from dred.training.data.level import loudness, set_level
from dred.training.data.rooms import draw_room_response, reverberate
from dred.training.data.tempo import change_tempo
from dred.weights import WeightSet

RATE_HZ = 16_000
NOTHING_NEW = {"tempo_share": 0.0, "formant_share": 0.0, "room_share": 0.0, "codec_share": 0.0}


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Two seconds."""
    return read_audio(bundled_clip()).samples[:32_000, 0]


def lag_of(later: np.ndarray, earlier: np.ndarray, reach: int = 200) -> int:
    """By how many samples one signal comes after the other."""
    likeness = [np.dot(later[reach + lag : lag - reach or None], earlier[reach:-reach]) for lag in range(-reach, reach)]
    return int(np.argmax(likeness)) - reach


@pytest.mark.parametrize(
    "bad",
    [
        {"speed": (0.1, 1.0)},
        {"tilt": 0.6},
        {"noise_share": 1.5},
        {"level_db": (0.0, -10.0)},
        {"tempo": (0.9, 3.0)},
        {"formants": (0.5, 1.0)},
        {"room_share": -0.1},
        {"reverberation_s": (0.0, 1.0)},
        {"codec_bps": (500, 9_000)},
        {"direct_db": (float("nan"), 1.0)},
    ],
    ids=str,
)
def test_augmentations_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(bad))):
        Augmentation(**bad)


def test_equal_seeds_make_equal_variants_and_others_do_not(speech: np.ndarray) -> None:
    everything = Augmentation(
        tempo_share=1.0, formant_share=1.0, room_share=1.0, codec_share=1.0, noise_share=1.0, narrow_share=1.0
    )
    first, again, other = (augment(speech, everything, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert other.size != first.size


@pytest.mark.parametrize("seed", range(12))
def test_variants_are_speech_that_is_not_clipped(speech: np.ndarray, seed: int) -> None:
    variant = augment(speech, Augmentation(codec_share=0.5, room_share=0.5), np.random.default_rng(seed))
    assert 32_000 / 1.21 / 1.26 < variant.size < 32_000 / 0.84 / 0.79
    assert np.isfinite(variant).all()
    assert 0.01 < np.abs(variant).max() <= 0.96


@pytest.mark.parametrize("step", ["tempo_share", "formant_share", "room_share", "codec_share"])
def test_a_step_leaves_the_draws_of_the_others_alone(speech: np.ndarray, step: str) -> None:
    plain, changed = (
        augment(speech, Augmentation(**(NOTHING_NEW | {step: share})), np.random.default_rng(5)) for share in (0.0, 1.0)
    )
    assert plain.size != changed.size or not np.array_equal(plain, changed)
    # The level is drawn last: codec and room keep it, others are set to it.
    assert 20 * np.log10(loudness(changed) / loudness(plain)) == pytest.approx(0, abs=1.0)


def test_levels_are_those_of_the_loud_parts() -> None:
    tone = np.sin(np.arange(16_000) * 0.3).astype(np.float32)
    quiet = set_level(np.concatenate([tone, 0 * tone[:4_000]]), -26.0)
    assert 20 * np.log10(np.sqrt(np.mean(quiet[:16_000] ** 2))) == pytest.approx(-26, abs=0.1)
    assert np.abs(set_level(tone, 0.0)).max() == pytest.approx(0.95)
    assert not set_level(np.zeros(1_000, np.float32), -20.0).any()


@pytest.mark.parametrize("seed", range(6))
def test_the_direct_path_is_the_first_sample_of_a_response(speech: np.ndarray, seed: int) -> None:
    response = draw_room_response((0.2, 0.6), (0.0, 15.0), np.random.default_rng(seed))
    assert response[0] == 1
    heard = reverberate(speech, response)
    assert heard.size == speech.size
    assert lag_of(heard, speech) == 0
    np.testing.assert_allclose(reverberate(speech, response[:1]), speech, atol=1e-6)


@pytest.mark.parametrize("fall_s", [0.2, 0.4, 0.8])
def test_sound_in_a_room_falls_by_60_db_in_the_time_asked_for(fall_s: float) -> None:
    measured = []
    for seed in range(20):
        response = draw_room_response((fall_s, fall_s), (0.0, 0.0), np.random.default_rng(seed)).astype(np.float64)
        left_db = 10 * np.log10(np.cumsum((response[1:] ** 2)[::-1])[::-1] + 1e-30)
        # Schroeder's integral between 5 and 25 dB below its start.
        places = [int(np.argmax(left_db < left_db[0] - below_db)) for below_db in (5, 25)]
        measured.append(3 * (places[1] - places[0]) / RATE_HZ)
    assert np.mean(measured) == pytest.approx(fall_s, rel=0.15)


def test_direct_sound_is_as_strong_beside_reflections_as_asked_for() -> None:
    reflected = {
        direct_db: np.mean(
            [
                (draw_room_response((0.5, 0.5), (direct_db, direct_db), np.random.default_rng(seed))[1:] ** 2).sum()
                for seed in range(60)
            ]
        )
        for direct_db in (3.0, 12.0)
    }
    # Walls close by are louder than theory's average of all places.
    assert -12 - 2 < 10 * np.log10(reflected[12.0]) < -12 + 4
    assert -3 - 2 < 10 * np.log10(reflected[3.0]) < -3 + 4


@pytest.mark.parametrize("bitrate_bps", [9_000, 16_000, 32_000])
def test_coded_speech_is_in_step_with_the_original(speech: np.ndarray, bitrate_bps: int) -> None:
    coded = code_with_opus(set_level(speech, -20.0), bitrate_bps)
    assert coded.size == speech.size
    # At 9 kb/s libopus codes a narrower band, through filters whose delay is no whole number of samples.
    assert abs(lag_of(coded, speech)) <= 1
    assert np.corrcoef(coded, speech)[0, 1] > 0.8


def test_more_bits_make_better_speech(speech: np.ndarray) -> None:
    likeness = [np.corrcoef(code_with_opus(speech, bps), speech)[0, 1] for bps in (8_000, 32_000)]
    assert likeness[0] + 0.01 < likeness[1]


@pytest.mark.parametrize("factor", [0.75, 1.0, 1.3])
def test_tempo_changes_the_length_and_leaves_a_tone_as_it_is(factor: float) -> None:
    tone = np.sin(2 * np.pi * 220 / RATE_HZ * np.arange(RATE_HZ)).astype(np.float32)
    changed = change_tempo(tone, factor)
    assert changed.size == round(RATE_HZ / factor)
    spectrum = np.abs(np.fft.rfft(changed[1_000:9_000] * np.hanning(8_000)))
    assert 2 * np.argmax(spectrum) == pytest.approx(220, abs=2)
    # Nothing but the tone: the rest is 40 dB below it.
    assert (spectrum[140:] ** 2).sum() < 1e-4 * (spectrum**2).sum()


def test_a_tempo_of_one_changes_nothing(speech: np.ndarray) -> None:
    np.testing.assert_allclose(change_tempo(speech, 1.0), speech, atol=1e-6)
    assert change_tempo(speech[:0], 1.2).size == 0
    assert change_tempo(speech[:10], 1.2).size == 8


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_what_is_said_at_a_time_is_said_at_that_time_of_the_new_tempo(speech: np.ndarray, factor: float) -> None:
    before, after = (
        np.sqrt((samples[: samples.size // 320 * 320].reshape(-1, 320) ** 2).mean(axis=1))
        for samples in (speech, change_tempo(speech, factor))
    )
    expected = np.interp(np.arange(after.size) * factor, np.arange(before.size), before)
    assert np.corrcoef(after, expected)[0, 1] > 0.9


def vowel(pitch_hz: float, resonance_hz: float) -> np.ndarray:
    """Harmonics under one resonance 200 Hz wide."""
    harmonics = np.arange(1, int(7_000 / pitch_hz)) * pitch_hz
    heights = 1 / (1 + ((harmonics - resonance_hz) / 100) ** 2)
    phases = 2 * np.pi / RATE_HZ * np.outer(np.arange(RATE_HZ), harmonics)
    return (0.2 * np.sin(phases) @ heights).astype(np.float32)


def centre_hz(samples: np.ndarray) -> float:
    """The centre of the power."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size))) ** 2
    frequencies = np.fft.rfftfreq(samples.size, 1 / RATE_HZ)
    return float((spectrum * frequencies).sum() / spectrum.sum())


@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_formants_move_and_pitch_does_not(factor: float) -> None:
    before = vowel(110, 1_500)
    after = move_formants(before, factor)
    assert after.size == before.size
    assert centre_hz(after) / centre_hz(before) == pytest.approx(factor, rel=0.04)
    spectrum = np.abs(np.fft.rfft(after * np.hanning(after.size))) ** 2
    harmonics = spectrum.reshape(-1)[np.add.outer(np.arange(1, 60) * 110, np.arange(-3, 4))]
    assert harmonics.sum() > 0.99 * spectrum.sum()


def test_formants_that_stay_leave_speech_as_it_is(speech: np.ndarray) -> None:
    np.testing.assert_allclose(move_formants(speech, 1.0), speech, atol=1e-5)
    assert move_formants(speech[:0], 1.1).size == 0


@pytest.mark.parametrize("bad", [0.4, 2.1, float("nan")])
def test_factors_out_of_range_are_refused(speech: np.ndarray, bad: float) -> None:
    with pytest.raises(UsageError):
        change_tempo(speech, bad)
    with pytest.raises(UsageError):
        move_formants(speech, bad)


@pytest.mark.reference
def test_the_extractor_hears_the_same_pitch_in_new_tempo_and_with_moved_formants(
    speech: np.ndarray, weights_v12: WeightSet
) -> None:
    extractor = FeatureExtractor.from_tensors(weights_v12.tensors, default_engine())

    def pitch_of(samples: np.ndarray) -> float:
        pcm = np.rint(samples[: samples.size // 160 * 160] * 32768).astype(np.float32)
        features = extractor.extract(extractor.initial_state(), pcm)
        return float(np.median(features[features[:, 19] > 0.3, 18]))

    # The pitch feature is in octaves: within 0.7 semitones.
    assert pitch_of(change_tempo(speech, 1.2)) == pytest.approx(pitch_of(speech), abs=0.06)
    assert pitch_of(move_formants(speech, 1.1)) == pytest.approx(pitch_of(speech), abs=0.06)


def test_recorded_noise_is_at_the_distance_asked_for(speech: np.ndarray, tmp_path: Path) -> None:
    hum = (0.3 * np.sin(2 * np.pi * 1_000 / RATE_HZ * np.arange(8_000))).astype(np.float32)
    (tmp_path / "deeper").mkdir()
    write_wav(tmp_path / "deeper" / "hum.wav", hum, RATE_HZ)
    settings = {**NOTHING_NEW, "speed": (1.0, 1.0), "tilt": 0.0, "narrow_share": 0.0, "level_db": (-20.0, -20.0)}
    noisy = Augmentation(
        **settings,
        noise_share=1.0,
        noise_snr_db=(20.0, 20.0),
        noise_folder=str(tmp_path),
        recorded_noise_share=1.0,
    )
    added = augment(speech, noisy, np.random.default_rng(1)) - set_level(speech, -20.0)
    spectrum = np.abs(np.fft.rfft(added * np.hanning(added.size))) ** 2
    assert spectrum[1_990:2_011].sum() > 0.9 * spectrum.sum()
    assert 20 * np.log10(np.std(added) / loudness(set_level(speech, -20.0))) == pytest.approx(-20, abs=0.5)


def test_a_folder_without_noise_is_refused(speech: np.ndarray, tmp_path: Path) -> None:
    noisy = Augmentation(noise_share=1.0, noise_folder=str(tmp_path), recorded_noise_share=1.0)
    with pytest.raises(UsageError, match="holds no recordings of noise"):
        augment(speech, noisy, np.random.default_rng(1))
