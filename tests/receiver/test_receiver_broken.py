"""Numbers that wrap around or jump, packets and redundancy that are broken."""

import numpy as np
import pytest
from constant_parts import (
    GUESSED,
    PACKET_RTP,
    constant_parts,
    drops,
    make_packet,
    make_stream,
    play_blocks,
    receive,
    row_value,
)

from dred.opus import OpusDecoder, OpusEncoder, OpusEncoderConfig, add_extension
from dred.receiver import (
    Played,
    ReceiverConfig,
    ReceiveStream,
    RedundancyRefused,
    StreamRestarted,
)


def test_sequence_numbers_and_timestamps_wrap_around() -> None:
    first = 2**16 - 2
    stream = make_stream(start=2**32 - 2 * PACKET_RTP)
    for step in (0, 1, 3):
        timestamp = (step - 2) * PACKET_RTP % 2**32
        stream.receive(make_packet(step, num_latents=3 * (step == 3)), (first + step) % 2**16, timestamp, 0.0)
    values, events = play_blocks(stream, 8)
    assert values == [0, 0, 1, 1, row_value(2), row_value(1), 3, 3]
    assert [event.timestamp for event in events if isinstance(event, Played)] == [
        2**32 + step * PACKET_RTP for step in (-2, -1, 0, 1)
    ]


@pytest.mark.parametrize("jump_rtp", [11 * 48_000, -11 * 48_000, 2**31 - 48_000])
def test_a_jump_in_time_starts_the_stream_anew(jump_rtp: int) -> None:
    stream = make_stream()
    receive(stream, 1)
    assert play_blocks(stream, 2)[0] == [1, 1]
    there = 2 * PACKET_RTP + jump_rtp
    stream.receive(make_packet(2), 2, there % 2**32, 0.0)
    stream.receive(make_packet(3), 3, (there + PACKET_RTP) % 2**32, 0.0)
    values, events = play_blocks(stream, 4)
    assert values == [2, 2, 3, 3]
    assert sum(isinstance(event, StreamRestarted) for event in events) == 1


def test_after_a_jump_the_first_packet_waits_as_the_very_first_did() -> None:
    stream = make_stream(delay_ms=40)
    receive(stream, 1)
    play_blocks(stream, 2)
    stream.receive(make_packet(2), 2, 20 * 48_000, 0.0)
    values, _ = play_blocks(stream, 6)
    assert values == [GUESSED] * 4 + [2, 2]


def test_a_gap_is_over_when_the_stream_starts_anew() -> None:
    stream = make_stream(priming=False, max_conceal_ms=40)
    receive(stream, 1)
    assert play_blocks(stream, 6)[0] == [1, 1] + [GUESSED] * 4
    stream.receive(b"", 2, 20 * 48_000, 0.0)
    stream.receive(make_packet(4, num_latents=3), 4, 20 * 48_000 + 2 * PACKET_RTP, 0.0)
    values, _ = play_blocks(stream, 6)
    assert values == [*map(row_value, (4, 3, 2, 1)), 4, 4]


def test_a_stream_whose_packets_all_come_too_late_is_taken_up_again() -> None:
    stream = make_stream(delay_ms=20, max_conceal_ms=100)
    receive(stream, 1)
    play_blocks(stream, 2)
    # From here on the network takes 700 ms longer: packet n comes when packet n + 35 should.
    _, events = play_blocks(stream, 70)
    heard = []
    for number in range(2, 30):
        receive(stream, number)
        values, news = play_blocks(stream, 2)
        heard += values
        events += news
    assert heard[-2:] == [28, 28]
    assert sum(isinstance(event, StreamRestarted) for event in events) == 1
    assert drops(events) == []


@pytest.mark.parametrize("broken", [b"", b"\x4b", b"\x4b\x00", b"\x4a\xff"])
def test_a_broken_packet_is_dropped_with_the_rule_that_it_breaks(broken: bytes) -> None:
    stream = make_stream()
    receive(stream, 1)
    receive(stream, 2, broken)
    receive(stream, 3)
    values, events = play_blocks(stream, 6)
    assert values == [1, 1, GUESSED, GUESSED, 3, 3]
    [(sequence, reason)] = drops(events)
    assert sequence == 2
    assert reason.startswith("R")


def test_a_packet_that_the_decoder_refuses_is_concealed() -> None:
    stream = make_stream(refused=[2])
    for number in (1, 2, 3):
        receive(stream, number)
    values, events = play_blocks(stream, 6)
    assert values == [1, 1, GUESSED, GUESSED, 3, 3]
    assert [sequence for sequence, _ in drops(events)] == [2]


def test_lbrr_that_the_decoder_refuses_is_concealed() -> None:
    stream = make_stream(refused=[3])
    receive(stream, 1)
    receive(stream, 3, make_packet(3, lbrr=True))
    receive(stream, 4)
    values, events = play_blocks(stream, 8)
    assert values == [1, 1, GUESSED, GUESSED, GUESSED, GUESSED, 4, 4]
    assert sum(isinstance(event, RedundancyRefused) for event in events) == 1


@pytest.mark.parametrize(
    ("sequence", "timestamp"),
    [
        pytest.param(1 + 2**15, 2 * PACKET_RTP, id="sequence number"),
        pytest.param(2, PACKET_RTP + 2**31, id="timestamp"),
    ],
)
def test_a_number_half_the_range_away_is_dropped(sequence: int, timestamp: int) -> None:
    stream = make_stream()
    receive(stream, 1)
    stream.receive(make_packet(2), sequence, timestamp, 0.0)
    receive(stream, 3)
    values, events = play_blocks(stream, 6)
    assert values == [1, 1, GUESSED, GUESSED, 3, 3]
    assert [sequence for sequence, _ in drops(events)] == [sequence]


TRUNCATED_EXTENSION = bytes([126 << 1 | 1, 200]) + b"D\xff"
EMPTY_PAYLOAD = b"D\xff"


@pytest.mark.parametrize("kind", ["padding that breaks off", "payload that is too long"])
def test_broken_redundancy_is_refused_and_its_regular_audio_plays_bit_identically(
    kind: str, rng: np.random.Generator
) -> None:
    encoder = OpusEncoder(OpusEncoderConfig(bandwidth="wide"))
    pcm = (0.1 * rng.standard_normal((6, 320))).astype(np.float32)
    plain = [encoder.encode(frame) for frame in pcm]
    carried = plain[4]
    if kind == "padding that breaks off":
        # Code 3, one frame, padding; the last length byte promises more than there is.
        carried = bytes([carried[0] | 3, 0x41, len(TRUNCATED_EXTENSION)]) + carried[1:] + TRUNCATED_EXTENSION
    else:
        carried = add_extension(carried, 126, b"D\xff" + bytes(1001))
    played = []
    for fifth in (plain[4], carried):
        stream = _real_stream()
        for number, packet in enumerate([*plain[:4], fifth, plain[5]]):
            if number != 3:
                receive(stream, number, packet)
        samples, events = stream.play(6 * 320, 0.0)
        played.append(samples)
    assert np.array_equal(*played)
    assert [event.sequence for event in events if isinstance(event, RedundancyRefused)] == [4]


def _real_stream() -> ReceiveStream:
    config = ReceiverConfig(rate_hz=16_000)
    stream = ReceiveStream(config, OpusDecoder(16_000, 1), constant_parts())
    stream.start(0)
    return stream
