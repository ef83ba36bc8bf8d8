import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.audio import StreamingResampler, resample
from dred.errors import UsageError

RATES = [(48_000, 16_000), (16_000, 48_000), (44_100, 16_000), (24_000, 16_000), (8_000, 16_000), (16_000, 16_000)]


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_tone_keeps_its_pitch_level_and_time(from_hz: int, to_hz: int) -> None:
    duration_s, tone_hz = 0.5, 1000
    tone, expected = (
        (0.5 * np.sin(2 * np.pi * tone_hz * np.arange(int(rate * duration_s)) / rate)).astype(np.float32)
        for rate in (from_hz, to_hz)
    )
    resampled = resample(tone, from_hz=from_hz, to_hz=to_hz)
    assert resampled.shape == expected.shape
    edge = to_hz // 20
    # -80 dB: the filter's ripple. The ends are left out: there the filter sees the cut tone.
    np.testing.assert_allclose(resampled[edge:-edge], expected[edge:-edge], atol=5e-5)


def test_what_lies_above_half_the_new_rate_is_removed() -> None:
    tone = np.sin(2 * np.pi * 9000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert np.abs(resample(tone, from_hz=48_000, to_hz=16_000)[800:-800]).max() < 1e-4


@settings(max_examples=30)
@given(st.sampled_from(RATES), st.lists(st.integers(0, 3000), max_size=8), st.integers(1, 2))
def test_blocks_of_any_size_give_what_the_whole_signal_gives(
    rates: tuple[int, int], sizes: list[int], num_channels: int
) -> None:
    from_hz, to_hz = rates
    samples = np.random.default_rng(2).standard_normal((sum(sizes), num_channels)).astype(np.float32)
    stream = StreamingResampler(from_hz=from_hz, to_hz=to_hz, num_channels=num_channels)
    parts = [stream.push(block) for block in np.split(samples, np.cumsum(sizes)[:-1])] if sizes else []
    held_back = stream.num_held_back_samples
    parts.append(stream.flush())
    streamed = np.concatenate(parts)
    whole = resample(samples, from_hz=from_hz, to_hz=to_hz)
    assert streamed.shape == whole.shape
    # The same arithmetic in the same order: only the last bits of float32 may differ between builds of soxr.
    np.testing.assert_allclose(streamed, whole, atol=1e-6)
    assert 0 <= held_back <= len(whole)
    assert abs(stream.num_held_back_samples) <= 1


@pytest.mark.parametrize(
    ("rates", "limit_ms"), [((48_000, 16_000), 37), ((16_000, 48_000), 37), ((8_000, 16_000), 116)]
)
def test_a_stream_holds_back_no_more_than_documented(rates: tuple[int, int], limit_ms: int) -> None:
    from_hz, to_hz = rates
    stream = StreamingResampler(from_hz=from_hz, to_hz=to_hz)
    most = 0
    for _ in range(100):
        stream.push(np.zeros((from_hz // 100, 1), np.float32))
        most = max(most, stream.num_held_back_samples)
    assert 0 < most * 1000 / to_hz <= limit_ms


def test_a_flush_ends_the_stream() -> None:
    stream = StreamingResampler(from_hz=48_000, to_hz=16_000)
    stream.flush()
    with pytest.raises(UsageError, match="ended by flush"):
        stream.push(np.zeros((10, 1), np.float32))


def test_wrong_channels_and_rates_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="2 channel"):
        StreamingResampler(from_hz=48_000, to_hz=16_000, num_channels=2).push(np.zeros((10, 1), np.float32))
    with pytest.raises(UsageError, match="1-255"):
        StreamingResampler(from_hz=48_000, to_hz=16_000, num_channels=0)
    for from_hz, to_hz in [(0, 16_000), (16_000, -1), (16_000, 1_000_000)]:
        with pytest.raises(UsageError, match="4000-384000 Hz"):
            resample(np.zeros(10, np.float32), from_hz=from_hz, to_hz=to_hz)
