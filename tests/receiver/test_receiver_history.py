"""What was played is remembered for 150 ms, however it came."""

import numpy as np
import pytest

from dred.receiver.history import PlayedHistory


def test_the_last_samples_are_remembered_whatever_the_blocks(rng: np.random.Generator) -> None:
    history = PlayedHistory(16_000)
    everything = np.zeros(2_400, np.float32)
    for size in rng.integers(0, 2_600, 200):
        block = rng.standard_normal((size, 1)).astype(np.float32)
        history.add(block, is_heard=True)
        everything = np.concatenate([everything, block[:, 0]])
        assert np.array_equal(history.at_16k(), everything[-2_400:])


def test_what_the_caller_does_to_played_samples_does_not_change_the_history() -> None:
    history = PlayedHistory(16_000)
    block = np.ones((320, 1), np.float32)
    history.add(block, is_heard=True)
    block[:] = 0
    assert np.all(history.at_16k()[-320:] == 1)


def test_channels_are_averaged() -> None:
    history = PlayedHistory(16_000)
    history.add(np.array([[1.0, 0.0]] * 320, np.float32), is_heard=True)
    assert np.all(history.at_16k()[-320:] == 0.5)


@pytest.mark.parametrize("rate_hz", [8_000, 12_000, 24_000, 48_000])
def test_any_rate_is_given_out_at_16_khz(rate_hz: int) -> None:
    history = PlayedHistory(rate_hz)
    seconds = np.arange(rate_hz // 2) / rate_hz
    history.add(np.sin(2 * np.pi * 440 * seconds)[:, None].astype(np.float32), is_heard=True)
    expected = np.sin(2 * np.pi * 440 * (0.5 + np.arange(-2_400, 0) / 16_000))
    # The resampler's edges reach a few ms into the 150.
    np.testing.assert_allclose(history.at_16k()[200:-200], expected[200:-200], atol=1e-3)


def test_heard_and_concealed_are_counted_apart() -> None:
    history = PlayedHistory(48_000)
    history.add(np.zeros((960, 1), np.float32), is_heard=True)
    history.add(np.zeros((1_920, 1), np.float32), is_heard=False)
    assert (history.num_heard_samples, history.num_concealed_samples) == (320, 640)
    history.forget_counts()
    assert (history.num_heard_samples, history.num_concealed_samples) == (0, 0)
