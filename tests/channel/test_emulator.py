import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.channel import ChannelConfig, ChannelEmulator, GilbertElliott, Trace, Uniform
from dred.errors import UsageError


def _carry(config: ChannelConfig, num_packets: int = 500, seed: int = 9) -> list[tuple[float, int]]:
    """Send one packet per 20 ms, then take all arrivals."""
    channel = ChannelEmulator[int](config, np.random.default_rng(seed))
    for number in range(num_packets):
        channel.send(number, number * 20.0)
    return channel.receive(1e9)


def test_a_perfect_network_delivers_each_packet_at_once_and_in_order() -> None:
    assert _carry(ChannelConfig()) == [(number * 20.0, number) for number in range(500)]


def test_a_constant_delay_shifts_every_arrival() -> None:
    assert _carry(ChannelConfig(delay_ms=70.5), 3) == [(70.5, 0), (90.5, 1), (110.5, 2)]


def test_a_packet_is_received_once_and_not_before_it_arrives() -> None:
    channel = ChannelEmulator[str](ChannelConfig(delay_ms=30.0), np.random.default_rng(9))
    assert channel.next_arrival() is None
    channel.send("a", 0.0)
    channel.send("b", 20.0)
    assert channel.next_arrival() == 30
    assert channel.receive(29.9) == []
    assert channel.receive(30.0) == [(30, "a")]
    assert channel.next_arrival() == 50
    assert channel.receive(60.0) == [(50, "b")]
    assert channel.receive(60.0) == []


def test_lost_packets_never_arrive_and_are_counted() -> None:
    lost = np.array([False, True, True, False, True])
    channel = ChannelEmulator[int](ChannelConfig(loss=Trace(lost=lost)), np.random.default_rng(9))
    for number in range(5):
        channel.send(number, 0.0)
    assert [packet for _, packet in channel.receive(0.0)] == [0, 3]
    assert (channel.num_sent, channel.num_lost, channel.num_overflowed) == (5, 3, 0)


@pytest.mark.parametrize("shape", ["uniform", "normal"])
def test_jitter_stays_in_its_range_and_keeps_the_order(shape: str) -> None:
    jitter_ms = 15.0
    arrivals = _carry(ChannelConfig(delay_ms=40.0, jitter_ms=jitter_ms, jitter_shape=shape), 5000)
    extra_ms = np.array([arrival - number * 20.0 - 40 for arrival, number in arrivals])
    assert [number for _, number in arrivals] == list(range(5000))
    assert extra_ms.min() >= 0
    assert extra_ms.max() <= jitter_ms
    assert extra_ms.mean() == pytest.approx(jitter_ms / 2, rel=0.03)
    # Uniform: 1 / sqrt(12) of the width. Normal, cut off at two deviations of a quarter: 0.88 * 0.25.
    deviation = {"uniform": 1 / math.sqrt(12), "normal": 0.2199}[shape]
    assert extra_ms.std() == pytest.approx(jitter_ms * deviation, rel=0.03)


def test_jitter_far_above_the_packet_spacing_still_keeps_the_order() -> None:
    arrivals = _carry(ChannelConfig(jitter_ms=200.0))
    assert [number for _, number in arrivals] == list(range(500))


def test_a_packet_held_back_is_overtaken_and_delays_nobody() -> None:
    arrivals = _carry(ChannelConfig(delay_ms=10.0, reorder=0.1, reorder_delay_ms=50.0), 1000)
    late = [number for arrival, number in arrivals if arrival == number * 20.0 + 60]
    on_time = [number for arrival, number in arrivals if arrival == number * 20.0 + 10]
    assert len(late) + len(on_time) == 1000
    assert 70 <= len(late) <= 130
    order = [number for _, number in arrivals]
    assert any(later < earlier for earlier, later in pairwise(order))


def test_a_duplicated_packet_arrives_twice_unless_it_is_lost() -> None:
    config = ChannelConfig(duplicate=1.0, jitter_ms=30.0, loss=Uniform(loss=0.5))
    order = [number for _, number in _carry(config, 200)]
    assert 50 <= len(set(order)) <= 150
    assert all(order.count(number) == 2 for number in set(order))


def test_the_same_packets_are_lost_whatever_else_the_network_does() -> None:
    loss = GilbertElliott(loss=0.3, mean_burst=3.0)
    expected = {number for _, number in _carry(ChannelConfig(loss=loss))}
    rough = ChannelConfig(loss=loss, delay_ms=30.0, jitter_ms=50.0, reorder=0.2, duplicate=0.3)
    assert {number for _, number in _carry(rough)} == expected
    assert {number for _, number in _carry(rough, seed=10)} != expected


def test_a_full_queue_drops_what_comes_next() -> None:
    channel = ChannelEmulator[int](ChannelConfig(delay_ms=100.0, max_queued=3), np.random.default_rng(9))
    for number in range(5):
        channel.send(number, float(number))
    assert [packet for _, packet in channel.receive(200.0)] == [0, 1, 2]
    assert channel.num_overflowed == 2
    channel.send(5, 200.0)
    assert channel.next_arrival() == 300


@pytest.mark.parametrize("now_ms", [9.9, math.nan, math.inf, -math.inf])
def test_time_that_runs_backwards_or_is_no_time_is_refused(now_ms: float) -> None:
    channel = ChannelEmulator[int](ChannelConfig(), np.random.default_rng(9))
    channel.receive(10.0)
    for call in (lambda: channel.send(1, now_ms), lambda: channel.receive(now_ms)):
        with pytest.raises(UsageError, match="at least 10"):
            call()
    assert channel.num_sent == 0


@settings(max_examples=60)
@given(
    delay_ms=st.floats(0, 200),
    jitter_ms=st.floats(0, 200),
    reorder=st.floats(0, 1),
    duplicate=st.floats(0, 1),
    loss=st.floats(0, 1),
    gaps_ms=st.lists(st.floats(0, 60), max_size=40),
    seed=st.integers(0, 1000),
)
def test_packets_arrive_in_time_order_after_they_were_sent_and_none_is_made_up(
    delay_ms: float, jitter_ms: float, reorder: float, duplicate: float, loss: float, gaps_ms: list[float], seed: int
) -> None:
    config = ChannelConfig(
        delay_ms=delay_ms, jitter_ms=jitter_ms, reorder=reorder, duplicate=duplicate, loss=Uniform(loss=loss)
    )
    channel = ChannelEmulator[int](config, np.random.default_rng(seed))
    sent_ms: list[float] = []
    arrivals: list[tuple[float, int]] = []
    for number, now_ms in enumerate(np.cumsum(gaps_ms).tolist()):
        channel.send(number, now_ms)
        sent_ms.append(now_ms)
        arrivals += channel.receive(now_ms)
    while (next_ms := channel.next_arrival()) is not None:
        arrived = channel.receive(next_ms)
        assert arrived[0][0] == next_ms
        arrivals += arrived
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(arrivals))
    assert all(arrival_ms >= sent_ms[number] + delay_ms for arrival_ms, number in arrivals)
    assert len({number for _, number in arrivals}) == channel.num_sent - channel.num_lost


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"delay_ms": -1.0}, "delay_ms must be finite and at least 0"),
        ({"jitter_ms": math.nan}, "jitter_ms must be finite and at least 0"),
        ({"reorder_delay_ms": math.inf}, "reorder_delay_ms must be finite"),
        ({"reorder": 1.5}, "reorder must lie in 0-1"),
        ({"duplicate": -0.5}, "duplicate must lie in 0-1"),
        ({"max_queued": 0}, "max_queued must be at least 1"),
    ],
)
def test_an_impossible_network_is_refused_with_the_allowed_range(settings: dict[str, float], rule: str) -> None:
    with pytest.raises(UsageError, match=rule):
        ChannelConfig(**settings)
