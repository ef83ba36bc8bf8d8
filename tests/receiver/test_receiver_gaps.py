"""What a gap is filled with, and that it ends where the next packet starts."""

import numpy as np
import pytest
from constant_parts import (
    CELT_2_5,
    CELT_20,
    CONCEALED,
    GUESSED,
    HYBRID_20,
    PACKET_RTP,
    PRIMED,
    SILK_10,
    SILK_60,
    copy_of,
    drops,
    make_packet,
    make_stream,
    play_blocks,
    receive,
    row_value,
    sources_ms,
)

from dred.receiver import (
    Played,
    Source,
)


def test_a_burst_is_spoken_from_the_redundancy_behind_it_row_by_row() -> None:
    stream = make_stream()
    receive(stream, 1)
    receive(stream, 5, make_packet(5, num_latents=3))
    values, events = play_blocks(stream, 10)
    # The row of a frame o before the packet is floor((o + offset) / 10 ms) - 2; the offset is 25 ms.
    assert values == [1, 1, *map(row_value, (6, 5, 4, 3, 2, 1)), 5, 5]
    assert sources_ms(events) == [("received", 20), ("dred", 60), ("received", 20)]
    assert {event.sequence for event in events if isinstance(event, Played) and event.source is Source.DRED} == {5}


@pytest.mark.parametrize(
    ("offset_ticks", "rows"),
    [
        pytest.param(10, (4, 3, 2, 1), id="steady state"),
        pytest.param(6, (3, 2, 1, 0), id="rounded down"),
        pytest.param(8, (4, 3, 2, 1), id="whole frames"),
        pytest.param(2, (2, 1, 0, None), id="no look-ahead for the last frame"),
        pytest.param(-6, (0, None, None, None), id="silence was left out"),
    ],
)
def test_the_offset_says_which_rows_belong_to_a_gap(offset_ticks: int, rows: tuple[int | None, ...]) -> None:
    stream = make_stream()
    receive(stream, 1)
    receive(stream, 4, make_packet(4, num_latents=3, offset_ticks=offset_ticks))
    values, _ = play_blocks(stream, 6)
    assert values == [1, 1] + [GUESSED if row is None else row_value(row) for row in rows]


def test_the_frames_beyond_the_reach_of_redundancy_are_guessed() -> None:
    stream = make_stream()
    receive(stream, 1)
    receive(stream, 6, make_packet(6, num_latents=1))
    values, events = play_blocks(stream, 12)
    # One latent holds rows 0 to 3.
    assert values == [1, 1] + [GUESSED] * 5 + [row_value(3), row_value(2), row_value(1), 6, 6]
    assert sources_ms(events) == [("received", 20), ("plc", 40), ("dred", 40), ("received", 20)]


def test_the_nearest_packet_speaks_and_a_later_one_fills_up() -> None:
    stream = make_stream()
    receive(stream, 1)
    receive(stream, 4, make_packet(4, num_latents=1))
    receive(stream, 5, make_packet(5, num_latents=4))
    values, events = play_blocks(stream, 10)
    # The frame that packet 4 does not reach is row 6 of packet 5: 60 ms before it.
    assert values == [1, 1, row_value(6), row_value(3), row_value(2), row_value(1), 4, 4, 5, 5]
    assert sources_ms(events) == [("received", 20), ("dred", 40), ("received", 40)]


def test_the_start_of_a_call_is_spoken_from_redundancy() -> None:
    stream = make_stream()
    receive(stream, 3, make_packet(3, num_latents=4))
    values, events = play_blocks(stream, 6)
    assert values == [*map(row_value, (4, 3, 2, 1)), 3, 3]
    assert sources_ms(events) == [("dred", 40), ("received", 20)]


def test_lbrr_fills_the_last_lost_packet_and_redundancy_those_before_it() -> None:
    stream = make_stream()
    receive(stream, 1)
    receive(stream, 4, make_packet(4, num_latents=3, lbrr=True))
    values, events = play_blocks(stream, 8)
    assert values == [1, 1, row_value(4), row_value(3), 3.5, 3.5, 4, 4]
    assert sources_ms(events) == [("received", 20), ("dred", 20), ("lbrr", 20), ("received", 20)]


def test_lbrr_reaches_back_by_one_frame_of_its_packet() -> None:
    stream = make_stream()
    receive(stream, 1)
    # Three hybrid frames of 20 ms each: LBRR in the first tells of the 20 ms before the packet, not of 60.
    receive(stream, 5, make_packet(5, config=HYBRID_20, num_frames=3, lbrr=True))
    values, events = play_blocks(stream, 10)
    assert values == [1, 1, GUESSED, GUESSED, GUESSED, GUESSED, 4.5, 4.5, 5, 5]
    assert sources_ms(events) == [("received", 20), ("plc", 40), ("lbrr", 20), ("received", 60)]


def test_celt_packets_have_no_lbrr() -> None:
    stream = make_stream()
    receive(stream, 1)
    receive(stream, 3, make_packet(3, config=CELT_20, lbrr=True))
    assert play_blocks(stream, 6)[0] == [1, 1, GUESSED, GUESSED, 3, 3]


def test_a_red_copy_comes_before_lbrr_and_redundancy() -> None:
    stream = make_stream()
    receive(stream, 1)
    rich = make_packet(4, num_latents=4, lbrr=True)
    receive(stream, 4, rich, copies=[copy_of(2, back=2), copy_of(3, back=1)])
    values, events = play_blocks(stream, 8)
    assert values == [1, 1, 2, 2, 3, 3, 4, 4]
    assert sources_ms(events) == [("received", 20), ("red", 40), ("received", 20)]


@pytest.mark.parametrize("copy_first", [True, False])
def test_a_packet_replaces_its_copy_but_not_the_other_way_round(copy_first: bool) -> None:
    stream = make_stream()
    stale = copy_of(9, back=1)
    if copy_first:
        receive(stream, 2, copies=[stale])
        receive(stream, 1)
    else:
        receive(stream, 1)
        receive(stream, 2, copies=[stale])
    values, events = play_blocks(stream, 4)
    assert values == [1, 1, 2, 2]
    assert drops(events) == []


def test_a_packet_that_replaces_its_copy_brings_its_redundancy() -> None:
    stream = make_stream(start=None, delay_ms=0)
    receive(stream, 1)
    receive(stream, 5, copies=[copy_of(4, back=1)])
    # Deciding about packet 2 has looked at the copy of packet 4, which came without redundancy.
    assert play_blocks(stream, 4)[0] == [1, 1, GUESSED, GUESSED]
    receive(stream, 4, make_packet(4, num_latents=4))
    # The first 10 ms were guessed already, for a cross-fade.
    assert play_blocks(stream, 4)[0] == [GUESSED, row_value(1), 4, 4]


def test_each_means_can_be_turned_off() -> None:
    rich = make_packet(3, num_latents=4, lbrr=True)
    for settings, value in (
        ({}, 2.0),
        ({"use_red": False}, 2.5),
        ({"use_red": False, "use_lbrr": False}, row_value(2)),
        ({"use_red": False, "use_lbrr": False, "use_dred": False}, GUESSED),
        ({"use_red": False, "use_lbrr": False, "use_dred": False, "plc": "classic"}, CONCEALED),
        ({"use_red": False, "use_lbrr": False, "use_dred": False, "plc": "zero"}, 0.0),
    ):
        stream = make_stream(**settings)
        receive(stream, 1)
        receive(stream, 3, rich, copies=[copy_of(2, back=1)])
        assert play_blocks(stream, 6)[0][2] == value, settings


def test_an_underrun_is_guessed_and_then_silent() -> None:
    stream = make_stream(max_conceal_ms=60)
    receive(stream, 1)
    values, events = play_blocks(stream, 12)
    assert values == [1, 1] + [GUESSED] * 6 + [0] * 4
    assert sources_ms(events) == [("received", 20), ("plc", 60), ("silence", 40)]


def test_a_received_packet_renews_the_right_to_guess() -> None:
    stream = make_stream(max_conceal_ms=20)
    receive(stream, 1)
    receive(stream, 4)
    values, _ = play_blocks(stream, 10)
    assert values == [1, 1, GUESSED, GUESSED, 0, 0, 4, 4, GUESSED, GUESSED]


def test_a_spoken_gap_is_primed_and_joins_without_a_cross_fade() -> None:
    stream = make_stream(priming=True)
    receive(stream, 1)
    receive(stream, 3, make_packet(3, num_latents=3))
    samples, events = stream.play(3 * 320, 0.0)
    assert samples[:, 0].tolist() == [1] * 320 + [PRIMED] * 320 + [3] * 320
    assert sources_ms(events) == [("received", 20), ("dred", 20), ("received", 20)]


def test_an_unprimed_gap_is_cross_faded_into_the_packet_behind_it() -> None:
    stream = make_stream()
    receive(stream, 1)
    receive(stream, 3, make_packet(3, num_latents=3))
    samples, _ = stream.play(3 * 320, 0.0)
    fade = samples[640:720, 0]
    assert row_value(0) < fade[0] < fade[-1] < 3
    assert np.all(np.diff(fade) > 0)
    assert np.all(samples[720:] == 3)


@pytest.mark.parametrize(
    ("config", "num_frames", "duration_rtp"),
    [
        pytest.param(CELT_2_5, 1, 120, id="2.5 ms"),
        pytest.param(SILK_10, 1, 480, id="10 ms"),
        pytest.param(SILK_60, 1, 2880, id="60 ms"),
        pytest.param(SILK_60, 2, 5760, id="120 ms"),
    ],
)
def test_gaps_between_packets_of_any_length_are_filled_exactly(config: int, num_frames: int, duration_rtp: int) -> None:
    stream = make_stream(start=0)
    for number in (0, 1, 4, 5):
        packet = make_packet(number, config=config, num_frames=num_frames, num_latents=10 if number == 4 else 0)
        stream.receive(packet, number, number * duration_rtp, 0.0)
    samples, events = stream.play(6 * duration_rtp // 3, 0.0)
    packet_samples = duration_rtp // 3
    middles = samples[packet_samples * 3 // 4 :: packet_samples, 0]
    assert middles[[0, 1, 5]].tolist() == [0, 1, 5]
    assert middles[4] == 4 or duration_rtp == 120, "the cross-fade of 5 ms is over"
    assert all(row_value(0) <= value <= row_value(40) for value in middles[2:4])
    assert sources_ms(events) == [
        (source, num_packets * duration_rtp / 48)
        for source, num_packets in (("received", 2), ("dred", 2), ("received", 2))
    ]


@pytest.mark.parametrize("lbrr", [False, True])
@pytest.mark.parametrize("covered", [False, True])
@pytest.mark.parametrize("priming", [False, True])
@pytest.mark.parametrize("gap_rtp", [1, 40, 119, 120, 121, 700, 960, 1000, 1080, 1400, 1919, 2300, 2881, 4321])
def test_a_gap_of_any_length_ends_where_the_packet_starts(
    gap_rtp: int, priming: bool, covered: bool, lbrr: bool
) -> None:
    stream = make_stream(priming=priming)
    receive(stream, 1)
    packet = make_packet(9, num_latents=4 if covered else 0, lbrr=lbrr)
    stream.receive(packet, 9, 2 * PACKET_RTP + gap_rtp, 0.0)
    _, events = stream.play(320 + gap_rtp // 3 + 320, 0.0)
    played = [event for event in events if isinstance(event, Played)]
    [after] = [index for index, event in enumerate(played) if event.source is Source.RECEIVED and event.sequence == 9]
    assert played[after].timestamp == 2 * PACKET_RTP + gap_rtp
    filled_rtp = sum(event.duration_rtp for event in played[1:after])
    # What is left is shorter than any Opus frame.
    assert gap_rtp - 120 < filled_rtp <= gap_rtp
