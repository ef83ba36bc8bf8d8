"""A watched network tells what its emulator does, and its losses are a loss model."""

import numpy as np
import pytest

from dred.channel import (
    PRESETS,
    BottleneckConfig,
    ChannelConfig,
    ChannelEmulator,
    NetworkLosses,
    NetworkPreset,
    Trace,
    Uniform,
    find_preset,
    observe,
)
from dred.errors import UsageError

EVERY_THIRD = Trace(lost=np.array([False, False, True]))


def test_what_is_lost_has_no_delay_and_everything_else_has() -> None:
    observation = observe(ChannelConfig(loss=EVERY_THIRD, delay_ms=40.0), 9, np.random.default_rng(1))
    assert observation.lost.tolist() == [False, False, True] * 3
    assert set(observation.delays_ms[~observation.lost]) == {40.0}
    assert observation.sent_ms.tolist() == [20.0 * number for number in range(9)]
    summary = observation.summarize()
    assert (summary.losses.num_lost, summary.losses.longest_burst) == (3, 1)
    assert summary.delays_ms == (40.0,) * 4
    assert summary.overtaking == 0.0


def test_a_queue_is_seen_while_it_grows() -> None:
    # Each packet takes 40 ms of a link that gets one every 20 ms.
    config = ChannelConfig(bottleneck=BottleneckConfig(rate_bps=40_000.0, max_queue_ms=1_000.0))
    observation = observe(config, 5, np.random.default_rng(1), packet_bytes=200)
    assert observation.queue_ms.tolist() == [40.0, 60.0, 80.0, 100.0, 120.0]
    assert observation.delays_ms.tolist() == observation.queue_ms.tolist()


def test_packets_that_overtake_others_are_counted() -> None:
    config = ChannelConfig(reorder=0.1, reorder_delay_ms=30.0)
    summary = observe(config, 5_000, np.random.default_rng(1)).summarize()
    # One that is held back for 30 ms is overtaken by the next, unless that one is held back as well.
    assert summary.overtaking == pytest.approx(0.1 * 0.9, abs=0.015)


def test_a_dead_network_has_losses_and_no_delay() -> None:
    summary = observe(ChannelConfig(loss=Uniform(loss=1.0)), 3, np.random.default_rng(1)).summarize()
    assert summary.losses.num_lost == 3
    assert np.isnan(summary.delays_ms).all()
    assert summary.overtaking == 0.0


def test_the_first_packets_are_a_shorter_observation() -> None:
    config = PRESETS["train"].config
    long, short = (observe(config, number, np.random.default_rng(5)) for number in (500, 100))
    assert np.array_equal(long.first(100).delays_ms, short.delays_ms, equal_nan=True)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_losses_of_a_network_are_those_that_are_seen(preset: NetworkPreset) -> None:
    lost = NetworkLosses(config=preset.config).draw(3_000, np.random.default_rng(2))
    assert lost.any()
    assert np.array_equal(lost, observe(preset.config, 3_000, np.random.default_rng(2)).lost)


def test_losses_follow_the_size_of_packets() -> None:
    link = ChannelConfig(bottleneck=BottleneckConfig(rate_bps=40_000.0))
    small, large = (NetworkLosses(config=link, packet_bytes=size) for size in (50, 200))
    assert not small.draw(500, np.random.default_rng(1)).any()
    assert 0.4 < large.draw(500, np.random.default_rng(1)).mean() < 0.6


def test_an_emulator_without_a_bottleneck_has_no_queue() -> None:
    channel = ChannelEmulator[str](ChannelConfig(delay_ms=10.0), np.random.default_rng(1))
    channel.send("a", 0.0, num_bytes=1_000)
    assert channel.queue_ms == 0.0


def test_what_is_impossible_is_refused() -> None:
    with pytest.raises(UsageError, match="num_packets"):
        observe(ChannelConfig(), 0, np.random.default_rng(1))
    with pytest.raises(UsageError, match="packet_bytes"):
        observe(ChannelConfig(), 1, np.random.default_rng(1), packet_bytes=0)
    with pytest.raises(UsageError, match="packet_bytes"):
        NetworkLosses(config=ChannelConfig(), packet_bytes=0)
    with pytest.raises(UsageError, match=r"good-wifi.*moon"):
        find_preset("moon")
