"""What a receiver plays when packets come early, late, twice or not at all, and that it plays what is asked for."""

import numpy as np
import pytest
from constant_parts import (
    CONCEALED,
    PACKET_RTP,
    PRIMED,
    SILK_60,
    ConstantCodec,
    drops,
    make_dtx_packet,
    make_packet,
    make_stream,
    play_blocks,
    receive,
    row_value,
    sources_ms,
)

from dred.errors import UsageError
from dred.receiver import (
    ReceiverConfig,
    ReceiveStream,
    Source,
)


def test_packets_in_order_are_played_in_order() -> None:
    stream = make_stream()
    for number in (1, 2, 3):
        receive(stream, number)
    values, events = play_blocks(stream, 6)
    assert values == [1, 1, 2, 2, 3, 3]
    assert [(event.timestamp, event.duration_rtp, event.source, event.sequence) for event in events] == [
        (number * PACKET_RTP, PACKET_RTP, Source.RECEIVED, number) for number in (1, 2, 3)
    ]


def test_nothing_is_heard_before_the_first_packet_has_waited() -> None:
    stream = make_stream(start=None, delay_ms=40)
    assert play_blocks(stream, 2, now=0) == ([0, 0], [])
    receive(stream, 7, now=100)
    assert play_blocks(stream, 1, now=139) == ([0], [])
    values, _ = play_blocks(stream, 2, now=140)
    assert values == [7, 7]


def test_the_earliest_packet_that_came_during_the_wait_is_played_first() -> None:
    stream = make_stream(start=None, delay_ms=40)
    receive(stream, 8, now=0)
    receive(stream, 7, now=10)
    values, events = play_blocks(stream, 4, now=40)
    assert values == [7, 7, 8, 8]
    assert drops(events) == []


def test_a_stream_can_start_where_it_is_told_to() -> None:
    stream = make_stream(start=5 * PACKET_RTP)
    receive(stream, 6)
    values, events = play_blocks(stream, 4)
    assert values == [CONCEALED, CONCEALED, 6, 6]
    assert sources_ms(events) == [("plc", 20), ("received", 20)]


def test_start_is_refused_once_playing_has_begun() -> None:
    stream = make_stream()
    with pytest.raises(UsageError, match="start"):
        stream.start(0)


def test_a_negative_number_of_samples_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 0"):
        make_stream().play(-1, 0.0)


def test_packets_out_of_order_are_put_in_order() -> None:
    stream = make_stream()
    for number in (3, 1, 2):
        receive(stream, number)
    assert play_blocks(stream, 6)[0] == [1, 1, 2, 2, 3, 3]


def test_a_packet_that_comes_twice_is_played_once() -> None:
    stream = make_stream()
    for number in (1, 1, 2):
        receive(stream, number)
    values, events = play_blocks(stream, 4)
    assert values == [1, 1, 2, 2]
    assert drops(events) == [(1, "duplicate")]


def test_a_packet_that_comes_after_its_time_is_dropped() -> None:
    stream = make_stream()
    receive(stream, 1)
    play_blocks(stream, 4)
    receive(stream, 2)
    receive(stream, 3)
    values, events = play_blocks(stream, 2)
    assert values == [3, 3]
    assert drops(events) == [(2, "late")]


def test_a_packet_that_starts_within_the_one_before_it_is_dropped() -> None:
    stream = make_stream()
    stream.receive(make_packet(1, config=SILK_60), 1, PACKET_RTP, 0.0)
    stream.receive(make_packet(2), 2, 2 * PACKET_RTP, 0.0)
    stream.receive(make_packet(3), 3, 4 * PACKET_RTP, 0.0)
    values, events = play_blocks(stream, 8)
    assert values == [1] * 6 + [3] * 2
    assert drops(events) == [(2, "late")]


def test_a_gap_in_time_without_a_gap_in_sequence_is_a_pause() -> None:
    stream = make_stream()
    receive(stream, 1)
    stream.receive(make_packet(9, num_latents=4, lbrr=True), 2, 4 * PACKET_RTP, 0.0)
    values, events = play_blocks(stream, 8)
    assert values == [1, 1] + [CONCEALED] * 4 + [9, 9]
    assert sources_ms(events) == [("received", 20), ("dtx", 40), ("received", 20)]


def test_an_underrun_after_a_dtx_packet_is_a_pause() -> None:
    stream = make_stream(max_conceal_ms=20)
    stream.receive(make_dtx_packet(), 1, PACKET_RTP, 0.0)
    _, events = play_blocks(stream, 100)
    assert sources_ms(events) == [("received", 20), ("dtx", 980)]


@pytest.mark.parametrize("rate_hz", [8_000, 12_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("priming", [False, True])
def test_every_rate_and_both_channels_are_filled(rate_hz: int, channels: int, priming: bool) -> None:
    stream = make_stream(rate_hz=rate_hz, channels=channels, priming=priming)
    receive(stream, 1)
    receive(stream, 4, make_packet(4, num_latents=3))
    values, events = play_blocks(stream, 8)
    assert values[:2] == [1, 1]
    assert values[6:] == [4, 4]
    assert values[2:6] == pytest.approx([PRIMED] * 4 if priming else [*map(row_value, (4, 3, 2, 1))], abs=0.02)
    assert sources_ms(events) == [("received", 20), ("dred", 40), ("received", 20)]


@pytest.mark.parametrize("priming", [False, True])
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_the_samples_do_not_depend_on_how_many_are_asked_for_at_once(
    rate_hz: int, priming: bool, rng: np.random.Generator
) -> None:
    whole: np.ndarray | None = None
    for sizes in ([30_000], [1] * 300 + [997] * 32, rng.integers(0, 2_000, 60)):
        stream = make_stream(rate_hz=rate_hz, priming=priming)
        for number in range(1, 60):
            if number % 7 not in (2, 3, 4):
                receive(stream, number, make_packet(number, num_latents=2, lbrr=number % 2 == 0))
        blocks = []
        for size in sizes:
            samples, _ = stream.play(int(size), 0.0)
            assert samples.shape == (size, 1)
            blocks.append(samples)
        joined = np.concatenate(blocks)[:20_000]
        if whole is None:
            whole = joined
        assert np.array_equal(joined, whole)


def test_without_networks_a_receiver_conceals_by_the_codec() -> None:
    config = ReceiverConfig(rate_hz=16_000, use_dred=False, plc="classic")
    stream = ReceiveStream(config, ConstantCodec(), None)
    stream.start(PACKET_RTP)
    receive(stream, 1)
    receive(stream, 3, make_packet(3, num_latents=4))
    assert play_blocks(stream, 6)[0] == [1, 1, CONCEALED, CONCEALED, 3, 3]
