"""Long pauses become short ones; speech stays whole."""

import numpy as np
import pytest

from dred.audio import read_audio
from dred.data import bundled_clip
from dred.errors import UsageError
from dred.training.data.pauses import shorten_pauses

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Three seconds of it, without a pause of 200 ms, before a background as in all pauses here."""
    said = read_audio(bundled_clip()).samples[4_000:52_000, 0]
    return said + background(3, np.random.default_rng(1))


def background(seconds: float, rng: np.random.Generator) -> np.ndarray:
    return (1e-3 * rng.standard_normal(int(seconds * RATE_HZ))).astype(np.float32)


def place(part: np.ndarray, whole: np.ndarray) -> int:
    """Where a part lies in the whole, sample for sample."""
    windows = np.lib.stride_tricks.sliding_window_view(whole, part.size)
    (places,) = np.nonzero((windows[:, ::997] == part[::997]).all(axis=1))
    assert places.size == 1
    return int(places[0])


@pytest.mark.parametrize("pause_s", [1.0, 2.5, 8.0])
def test_a_long_pause_is_shortened_and_speech_on_both_sides_is_kept(
    speech: np.ndarray, pause_s: float, rng: np.random.Generator
) -> None:
    parts = [speech[:24_000], background(pause_s, rng), speech[24_000:]]
    shortened = shorten_pauses(np.concatenate(parts), 500)
    # All of the speech is there but for what the fades of its ends may touch.
    before, after = place(parts[0], shortened), place(parts[2], shortened)
    assert 0.3 * RATE_HZ < after - before - 24_000 < 0.8 * RATE_HZ


def test_pauses_that_are_short_enough_stay_as_they_are(speech: np.ndarray, rng: np.random.Generator) -> None:
    whole = np.concatenate([speech[:24_000], background(0.4, rng), speech[24_000:]])
    np.testing.assert_array_equal(shorten_pauses(whole, 800), whole)


def test_half_a_pause_is_left_at_the_ends(speech: np.ndarray, rng: np.random.Generator) -> None:
    whole = np.concatenate([background(5, rng), speech, background(5, rng)])
    shortened = shorten_pauses(whole, 600)
    start = place(speech, shortened)
    assert 0.2 * RATE_HZ < start < 0.6 * RATE_HZ
    assert 0.2 * RATE_HZ < shortened.size - start - speech.size < 0.6 * RATE_HZ


def test_digital_silence_and_nothing_at_all_stay_as_they_are() -> None:
    for silence in (np.zeros(40_000, np.float32), np.zeros(100, np.float32), np.zeros(0, np.float32)):
        np.testing.assert_array_equal(shorten_pauses(silence, 500), silence)


def test_the_level_of_a_recording_does_not_matter(speech: np.ndarray, rng: np.random.Generator) -> None:
    whole = np.concatenate([speech, background(3, rng), speech])
    loud, soft = (shorten_pauses(whole * np.float32(gain), 500) for gain in (1, 2.0**-6))
    np.testing.assert_array_equal(loud, soft * 2**6)


def test_a_seam_is_no_louder_than_the_pause_around_it(speech: np.ndarray, rng: np.random.Generator) -> None:
    shortened = shorten_pauses(np.concatenate([speech[:24_000], background(4, rng), speech[24_000:]]), 1_000)
    pause = shortened[place(speech[:24_000], shortened) + 24_000 :][:16_000]
    assert np.abs(pause[:8_000]).max() < 6e-3


def test_a_pause_too_short_to_be_one_is_refused(speech: np.ndarray) -> None:
    with pytest.raises(UsageError, match="at least 300"):
        shorten_pauses(speech, 299)
