"""Pitch: the tracker on tones of known pitch, and the errors that follow from it."""

import numpy as np
import pytest
from metric_speech import RATE_HZ, clip, hear, holes, noisy, silence

from dred.evaluation.metrics import HeardSpeech
from dred.evaluation.metrics.f0 import F0_ERROR, VOICING_ERROR
from dred.evaluation.metrics.pitch_track import track_pitch
from dred.evaluation.score import NO_SCORE

EDGE_FRAMES = 4


def voice(pitch_hz: np.ndarray | float, num_samples: int = RATE_HZ) -> np.ndarray:
    """A harmonic sound whose partials fall by 6 dB per octave."""
    pitch = np.broadcast_to(np.asarray(pitch_hz, float), num_samples)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    partials = sum(np.where(k * pitch < 7000, np.cos(k * phase) / k, 0) for k in range(1, 60))
    return (0.1 * partials).astype(np.float32)


def beside(reference: np.ndarray, heard: np.ndarray) -> HeardSpeech:
    return HeardSpeech(reference=reference, heard=heard, gaps=np.zeros((0, 2), np.int64))


def cents(found: np.ndarray, true: np.ndarray | float) -> np.ndarray:
    return 1200 * np.abs(np.log2(found / true))


@pytest.mark.parametrize("pitch_hz", [65, 80, 100, 123.4, 150, 220, 300, 400, 490])
def test_a_steady_pitch_is_found_to_within_a_few_cents(pitch_hz: float) -> None:
    found = track_pitch(voice(pitch_hz))
    assert len(found) == 100
    assert cents(found[EDGE_FRAMES:-EDGE_FRAMES], pitch_hz).max() < 5


@pytest.mark.parametrize(("first_hz", "last_hz"), [(90, 240), (300, 120)])
def test_a_glide_is_followed(first_hz: float, last_hz: float) -> None:
    pitch = np.geomspace(first_hz, last_hz, RATE_HZ)
    found = track_pitch(voice(pitch))
    assert cents(found, pitch[80::160])[EDGE_FRAMES:-EDGE_FRAMES].max() < 20


def test_noise_and_silence_have_no_pitch() -> None:
    noise = (0.1 * np.random.default_rng(3).standard_normal(RATE_HZ)).astype(np.float32)
    assert not track_pitch(noise).any()
    assert not track_pitch(silence()).any()
    assert len(track_pitch(silence(100))) == 0


def test_the_pitch_of_a_noisy_voice_is_that_of_the_clean_one() -> None:
    clean, noise = track_pitch(clip()), track_pitch(noisy(clip(), 15))
    both = (clean > 0) & (noise > 0)
    assert 0.3 < (clean > 0).mean() < 0.8
    assert both.sum() > 0.9 * (clean > 0).sum()
    assert np.median(cents(noise[both], clean[both])) < 5
    assert (cents(noise[both], clean[both]) > 300).mean() < 0.02


def test_the_woman_speaks_higher_than_the_man() -> None:
    woman, man = track_pitch(clip()[: 5 * RATE_HZ]), track_pitch(clip()[-4 * RATE_HZ :])
    assert 150 < np.median(woman[woman > 0]) < 260
    assert 80 < np.median(man[man > 0]) < 150


def test_identical_speech_has_no_errors() -> None:
    assert F0_ERROR.score(hear(clip())).value == 0
    assert VOICING_ERROR.score(hear(clip())).value == 0


@pytest.mark.parametrize("shift_cents", [-300, -50, 20, 100])
def test_the_error_is_the_distance_of_the_pitches(shift_cents: float) -> None:
    score = F0_ERROR.score(beside(voice(150), voice(150 * 2 ** (shift_cents / 1200))))
    assert score.value == pytest.approx(abs(shift_cents), abs=8)
    assert score.weight > 90


def test_a_lost_voice_is_an_octave_off_and_counts_once() -> None:
    heard = voice(150)
    heard[8000:] = 0
    speech = beside(voice(150), heard)
    assert F0_ERROR.score(speech).value == pytest.approx(600, abs=40)
    assert VOICING_ERROR.score(speech).value == pytest.approx(50, abs=4)


def test_nothing_is_further_off_than_an_octave() -> None:
    assert F0_ERROR.score(beside(voice(100), voice(450))).value == pytest.approx(1200, abs=20)


def test_a_buzz_where_there_was_none_is_an_error_of_voicing_alone() -> None:
    reference = voice(150)
    reference[8000:] = 0
    speech = beside(reference, voice(150))
    assert F0_ERROR.score(speech).value < 5
    assert VOICING_ERROR.score(speech).value == pytest.approx(50, abs=4)


def test_without_voice_there_is_no_score() -> None:
    assert F0_ERROR.score(hear(clip()[: 3 * RATE_HZ], silence())) == NO_SCORE
    assert VOICING_ERROR.score(hear(clip()[: 3 * RATE_HZ], silence())) == NO_SCORE


def test_holes_make_both_worse() -> None:
    assert F0_ERROR.score(hear(holes(clip()))).value > 50
    assert VOICING_ERROR.score(hear(holes(clip()))).value > 3
