"""Bottlenecks and outages keep their laws, and the named networks are what they say."""

from itertools import pairwise

import numpy as np
import pytest

from dred.channel import (
    PRESETS,
    BottleneckConfig,
    ChannelConfig,
    ChannelEmulator,
    NetworkPreset,
    OutagesConfig,
    Trace,
    Uniform,
    burst_lengths,
)
from dred.errors import UsageError

PACKET_BYTES = 200


def carry(config: ChannelConfig, num_packets: int = 15_000, *, num_bytes: int = PACKET_BYTES) -> dict[int, float]:
    """Send a packet per 20 ms; return how late each arrives that does."""
    channel = ChannelEmulator[int](config, np.random.default_rng(4))
    arrived: list[tuple[float, int]] = []
    for number in range(num_packets):
        channel.send(number, number * 20.0, num_bytes=num_bytes)
        arrived += channel.receive(number * 20.0)
    arrived += channel.receive(1e9)
    return {number: arrival - number * 20.0 for arrival, number in arrived}


def test_an_idle_link_takes_the_time_of_its_rate() -> None:
    late = carry(ChannelConfig(bottleneck=BottleneckConfig(rate_bps=160_000.0)), 50)
    assert set(late.values()) == {10.0}


def test_a_link_that_is_too_slow_fills_its_queue_and_drops_the_rest() -> None:
    # Twice as much as it carries.
    late = carry(ChannelConfig(bottleneck=BottleneckConfig(rate_bps=40_000.0, max_queue_ms=300.0)), 1_000)
    assert max(late.values()) <= 340
    assert len(late) == pytest.approx(500, abs=15)


def test_others_take_the_share_that_they_are_said_to_take() -> None:
    calm, busy = (
        carry(ChannelConfig(bottleneck=BottleneckConfig(rate_bps=1_000_000.0, others_share=share)))
        for share in (0.0, 0.4)
    )
    assert np.mean(list(calm.values())) < 2
    assert 5 < np.mean(list(busy.values())) < 60
    assert len(busy) > 0.99 * len(calm)


def test_a_long_silence_leaves_an_empty_queue_and_costs_little() -> None:
    channel = ChannelEmulator[str](
        ChannelConfig(bottleneck=BottleneckConfig(rate_bps=40_000.0, others_share=0.2)), np.random.default_rng(4)
    )
    channel.send("a", 0.0, num_bytes=1_000)
    channel.send("b", 1e9, num_bytes=200)
    assert [packet for _, packet in channel.receive(2e9)] == ["a", "b"]


def test_what_meets_an_outage_comes_at_its_end_in_order() -> None:
    outages = OutagesConfig(every_ms=1_000.0, shortest_ms=200.0, longest_ms=200.0)
    channel = ChannelEmulator[int](ChannelConfig(outages=outages), np.random.default_rng(4))
    for number in range(2_000):
        channel.send(number, number * 20.0)
    arrivals = channel.receive(1e9)
    assert [number for _, number in arrivals] == list(range(2_000))
    late = np.array([arrival - number * 20.0 for arrival, number in arrivals])
    assert 180 <= late.max() <= 200
    # 200 of 1200 ms.
    assert np.mean(late > 0) == pytest.approx(1 / 6, abs=0.04)
    assert all(earlier <= later for (earlier, _), (later, _) in pairwise(arrivals))


def test_losses_stay_the_same_whatever_else_happens() -> None:
    plain = carry(ChannelConfig(loss=Uniform(loss=0.2)), 500)
    loaded = carry(
        ChannelConfig(
            loss=Uniform(loss=0.2),
            bottleneck=BottleneckConfig(rate_bps=1_000_000.0, others_share=0.3),
            outages=OutagesConfig(every_ms=500.0, shortest_ms=20.0, longest_ms=80.0),
        ),
        500,
    )
    assert set(loaded) == set(plain)


def test_outages_swallow_what_they_are_told_to() -> None:
    outages = OutagesConfig(every_ms=1_000.0, shortest_ms=200.0, longest_ms=200.0, loss=1.0)
    late = carry(ChannelConfig(loss=Trace(lost=np.zeros(1, bool)), outages=outages), 3_000)
    assert set(late.values()) == {0.0}
    assert 1 - len(late) / 3_000 == pytest.approx(1 / 6, abs=0.04)


# Lost share, median and 99 % of the delay in ms, mean burst: low and high.
RANGES = {
    "good-wifi": ((0.001, 0.006), (10, 18), (15, 40), (1.1, 2.0)),
    "lossy-wifi": ((0.04, 0.08), (20, 35), (45, 100), (2.4, 3.6)),
    "congested-uplink": ((0.01, 0.12), (25, 60), (150, 235), (1.0, 4.0)),
    "train": ((0.06, 0.12), (70, 105), (150, 550), (3.5, 7.0)),
    "handover": ((0.01, 0.03), (40, 55), (52, 300), (1.0, 2.0)),
}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_named_network_is_as_bad_as_it_says(preset: NetworkPreset) -> None:
    num_packets = 15_000
    late = carry(preset.config, num_packets)
    lost = np.array([number not in late for number in range(num_packets)])
    median_ms, tail_ms = np.percentile(list(late.values()), [50, 99])
    measured = (lost.mean(), median_ms, tail_ms, burst_lengths(lost).mean())
    for value, (low, high) in zip(measured, RANGES[preset.name]):
        assert low <= value <= high, measured


def test_names_are_those_of_the_presets() -> None:
    assert {name: preset.name for name, preset in PRESETS.items()} == {name: name for name in RANGES}


@pytest.mark.parametrize("wrong", [{"rate_bps": 0.0}, {"max_queue_ms": -1.0}, {"others_share": float("nan")}], ids=str)
def test_impossible_links_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        BottleneckConfig(**({"rate_bps": 1e6} | wrong))


@pytest.mark.parametrize("wrong", [{"every_ms": 0.0}, {"shortest_ms": 300.0}, {"loss": 1.5}], ids=str)
def test_impossible_outages_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        OutagesConfig(**({"every_ms": 1e3, "shortest_ms": 10.0, "longest_ms": 20.0} | wrong))
