"""What metrics are given: 16 kHz, mono, within full scale, and gaps where packets were lost."""

import numpy as np
import pytest

from dred.evaluation.hearing import find_gaps, hear


def lost(text: str) -> np.ndarray:
    return np.array([sign == "x" for sign in text], bool)


@pytest.mark.parametrize(
    ("packets", "delay_ms", "gaps"),
    [
        ("...", 0.0, []),
        ("", 0.0, []),
        (".xx.x", 0.0, [[320, 960], [1280, 1600]]),
        (".xx.x", 6.5, [[216, 856], [1176, 1496]]),
        ("x....", 6.5, [[0, 216]]),
        ("....x", 0.0, [[1280, 1600]]),
        ("xxxxx", 2.5, [[0, 1560]]),
        (".....xx", 6.5, [[1496, 1600]]),
        ("......x", 6.5, []),
    ],
)
def test_gaps_are_where_packets_were_lost_less_the_delay_and_within_the_clip(
    packets: str, delay_ms: float, gaps: list[list[int]]
) -> None:
    found = find_gaps(lost(packets), delay_ms, num_samples=1600)
    assert found.tolist() == gaps
    assert found.shape == (len(gaps), 2)
    assert found.dtype == np.int64


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100, 48_000])
def test_any_rate_becomes_16_khz_and_both_channels_one(rate_hz: int) -> None:
    time = np.arange(rate_hz) / rate_hz
    tone = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    stereo = np.stack([tone, tone / 2], axis=1)
    speech = hear(stereo, stereo, rate_hz, lost(".x."), 0.0, "la")
    assert speech.text == "la"
    assert speech.reference.shape == speech.heard.shape == (16_000,)
    assert speech.gaps.tolist() == [[320, 640]]
    expected = 0.375 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(speech.reference[800:-800], expected[800:-800], atol=2e-3)
    np.testing.assert_array_equal(speech.heard, speech.reference)


def test_what_is_too_loud_is_clipped_in_both() -> None:
    loud = np.full((160, 1), 1.5, np.float32)
    speech = hear(loud, -loud, 16_000, lost("."), 0.0)
    assert set(speech.reference) == {1}
    assert set(speech.heard) == {-1}
