"""What a receiver holds stays bounded, whatever comes and for however long."""

import numpy as np
from constant_parts import CELT_2_5, SILK_60, make_packet, make_stream, play_blocks, receive
from held_elements import count_held

from dred.receiver import PacketDropped, ReceiveStream, Source
from dred.rtp import RedBlock


def test_ten_minutes_of_losses_leave_nothing_behind() -> None:
    stream = make_stream(delay_ms=120, start=None)
    plain, rich = make_packet(0, config=SILK_60), make_packet(0, config=SILK_60, num_latents=5)
    lost = np.repeat(np.random.default_rng(5).random(2_500) < 0.06, 4)
    held = []
    for number in range(10_000):
        now = 60.0 * number
        for late in (0, 10) if number % 97 == 0 else (0,):
            if not lost[number]:
                packet = rich if number % 5 == 0 else plain
                stream.receive(packet, (number - late) % 2**16, (number - late) * 2880 % 2**32, now)
        if number % 89 == 0:
            stream.receive(b"", number, number * 2880 + 960, now)
        stream.play(960, now)
        if number % 500 == 499:
            held.append(count_held(stream))
    assert len(held) == 20
    assert max(held[1:]) < 1.2 * held[0]


def test_packets_that_nobody_plays_are_held_up_to_a_bound() -> None:
    stream = make_stream(start=0)
    for number in range(5_000):
        stream.receive(make_packet(number, config=CELT_2_5), number, number * 90, 0.0)
    _, events = stream.play(0, 0.0)
    num_dropped = sum(isinstance(event, PacketDropped) and event.reason == "overflow" for event in events)
    assert 500 < num_dropped < 3_500


def test_all_packets_of_the_longest_delay_are_held() -> None:
    stream = make_stream(start=None, delay_ms=5_000)
    for number in range(2_000):
        stream.receive(make_packet(number, config=CELT_2_5), number, number * 120, number * 2.5)
    _, events = stream.play(80_000, 5_000.0)
    assert [event.source for event in events] == [Source.RECEIVED] * 2_000


def test_copies_of_ten_thousand_times_are_held_up_to_a_bound() -> None:
    stream = make_stream(start=0)
    payload = make_packet(1)
    for number in range(400):
        copies = [RedBlock(payload_type=111, timestamp_offset=offset, payload=payload) for offset in range(1, 40)]
        receive(stream, number, copies=copies)
    assert count_held(stream) < 1_000_000
    values, _ = play_blocks(stream, 2)
    assert values == [0, 0]


def test_what_is_held_is_really_counted() -> None:
    stream: ReceiveStream = make_stream(start=0)
    empty = count_held(stream)
    for number in range(1, 101):
        receive(stream, number, make_packet(number, num_latents=5))
    assert count_held(stream) > empty + 100 * 5
