"""One source is heard at a time: how a stream is taken up, followed, and told from others."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.receiver import Played, Source
from dred.rtp import RtpPacket, parse_rtp, rtcp, write_rtp
from dred.session import RtpReceiver, SourceEnded, SourceLocked
from dred.session.heard_source import Continuity, HeardSource, SourceKey
from dred.session.pace import TokenBucket
from two_ends import BLOCK_SAMPLES, hold_call, make_receiver, make_sender, speech


def packet(sequence: int, *, ssrc: int = 1, timestamp: int | None = None, payload: bytes = b"\x48" + bytes(9)) -> bytes:
    return write_rtp(
        RtpPacket(
            payload_type=111,
            sequence=sequence % 65536,
            timestamp=(sequence * 960 if timestamp is None else timestamp) % 2**32,
            ssrc=ssrc,
            payload=payload,
        )
    )


def locked(receiver: RtpReceiver, now: float) -> list[int]:
    return [event.ssrc for event in receiver.play(BLOCK_SAMPLES, now)[1] if isinstance(event, SourceLocked)]


def test_one_packet_makes_no_source_and_two_in_a_row_do() -> None:
    receiver = make_receiver()
    receiver.receive(packet(5), 0.0)
    assert receiver.statistics.ssrc is None
    receiver.receive(packet(9), 20.0)
    assert receiver.statistics.ssrc is None
    receiver.receive(packet(10), 40.0)
    assert receiver.statistics.ssrc == 1
    assert locked(receiver, 40.0) == [1]


def test_packets_of_the_probation_are_played() -> None:
    receiver = make_receiver(min_sequential=4)
    datagrams = make_sender().push(speech(0.2), 0.0)
    for number, datagram in enumerate(datagrams):
        receiver.receive(datagram, 20.0 * number)
    _, events = receiver.play(BLOCK_SAMPLES * 20, 300.0)
    first = next(event for event in events if isinstance(event, Played) and event.source is Source.RECEIVED)
    assert first.sequence == parse_rtp(datagrams[0]).sequence


def test_another_source_is_followed_once_the_first_falls_silent() -> None:
    receiver = make_receiver(takeover_ms=500.0)
    hold_call(make_sender(1, ssrc=10), receiver, 1.0)
    call = hold_call(make_sender(2, ssrc=20), receiver, 3.0, start_ms=1000.0)
    assert [event.ssrc for event in call.receiver_events if isinstance(event, SourceLocked)] == [20]
    heard = [event for event in call.receiver_events if isinstance(event, Played) and event.source is Source.RECEIVED]
    # Half a second of silence, and the delays of network and buffer.
    assert sum(event.duration_rtp for event in heard) / 48 > 2_300
    assert receiver.statistics.num_sources == 2


def test_a_goodbye_lets_the_next_source_in_at_once() -> None:
    receiver = make_receiver()
    first = make_sender(1, ssrc=10)
    hold_call(first, receiver, 1.0)
    for datagram in first.finish(1000.0):
        receiver.receive(datagram, 1000.0, ("198.51.100.1", 5004))
    call = hold_call(make_sender(2, ssrc=20), receiver, 2.0, start_ms=1010.0)
    assert SourceEnded(ssrc=10) in call.receiver_events
    heard = [event for event in call.receiver_events if isinstance(event, Played) and event.source is Source.RECEIVED]
    assert sum(event.duration_rtp for event in heard) / 48 > 1_700


def test_while_the_first_is_heard_nobody_else_is() -> None:
    receiver = make_receiver()
    intruder = make_sender(9, ssrc=666).push(speech(4.0), 0.0)

    def attack(now: float, arrived: object) -> list[tuple[bytes, object]]:
        return [(intruder[int(now) // 20], ("203.0.113.9", 1))] if now >= 200 and now % 20 == 0 else []

    call = hold_call(make_sender(ssrc=10), receiver, 3.0, attack=attack)
    assert [event.ssrc for event in call.receiver_events if isinstance(event, SourceLocked)] == [10]
    assert receiver.statistics.refused == {"other source": 140}


def test_the_same_source_may_start_anew_after_a_silence() -> None:
    receiver = make_receiver(takeover_ms=300.0)
    hold_call(make_sender(1, ssrc=10), receiver, 1.0)
    # Other first numbers, the same SSRC: not a continuation.
    call = hold_call(make_sender(2, ssrc=10), receiver, 2.0, start_ms=1000.0)
    assert [event.ssrc for event in call.receiver_events if isinstance(event, SourceLocked)] == [10]


def test_a_pause_without_packets_is_no_other_source() -> None:
    receiver = make_receiver()
    for number in range(10):
        receiver.receive(packet(number), 20.0 * number)
    # 5 s later, numbered on, with the clock's time or without.
    receiver.receive(packet(10, timestamp=10 * 960 + 240_000), 5_200.0)
    receiver.receive(packet(11, timestamp=11 * 960 + 240_000), 5_220.0)
    assert receiver.statistics.reception.num_received == 11
    assert receiver.statistics.refused == {}


def test_other_payload_types_of_the_source_count_and_are_not_played() -> None:
    receiver = make_receiver()
    for number in range(4):
        receiver.receive(packet(number), 20.0 * number)
    tone = replace(parse_rtp(packet(4)), payload_type=126)
    receiver.receive(write_rtp(tone), 80.0)
    receiver.receive(packet(5), 100.0)
    assert receiver.statistics.reception.num_lost == 0
    assert receiver.statistics.refused == {"other type": 1}


def test_reports_of_others_are_not_believed() -> None:
    receiver = make_receiver()
    for number in range(4):
        receiver.receive(packet(number), 20.0 * number, "genuine")
    receiver.receive(rtcp.write_rtcp([rtcp.Goodbye(ssrcs=(1,))]), 80.0, "somebody else")
    receiver.receive(rtcp.write_rtcp([rtcp.Goodbye(ssrcs=(2,))]), 80.0, "genuine")
    assert not [event for event in receiver.play(BLOCK_SAMPLES, 80.0)[1] if isinstance(event, SourceEnded)]


def source_at(highest: int = 100) -> HeardSource:
    source = HeardSource(SourceKey(None, 1), min_sequential=1)
    source.accept(highest, highest * 960, 0.0)
    return source


@pytest.mark.parametrize(
    ("sequence", "timestamp", "now", "expected"),
    [
        (101, 101 * 960, 20.0, Continuity.NEW),
        (100, 100 * 960, 20.0, Continuity.REPLAYED),
        (99, 99 * 960, 20.0, Continuity.NEW),
        (101, 101 * 960 + 10 * 48_000, 20.0, Continuity.FOREIGN),
        (101, 101 * 960 + 10 * 48_000, 10_020.0, Continuity.NEW),
        (101, 100 * 960, 20.0, Continuity.FOREIGN),
        (101, 99 * 960, 20.0, Continuity.FOREIGN),
        (99, 101 * 960, 20.0, Continuity.FOREIGN),
        (100, 101 * 960, 20.0, Continuity.FOREIGN),
        (65036, (100 - 600) * 960 % 2**32, 20.0, Continuity.OUTDATED),
        (400, 400 * 960, 20.0, Continuity.FOREIGN),
        (400, 400 * 960, 6_000.0, Continuity.NEW),
        (4000, 4000 * 960, 78_000.0, Continuity.FOREIGN),
    ],
)
def test_a_packet_continues_a_stream_if_numbers_and_time_agree(
    sequence: int, timestamp: int, now: float, expected: Continuity
) -> None:
    assert source_at().judge(sequence, timestamp, now) is expected


@given(st.integers(0, 65535), st.permutations(range(40)), st.sets(st.integers(0, 39)))
def test_each_packet_of_a_shuffled_window_is_new_once(first: int, order: list[int], lost: set[int]) -> None:
    source = HeardSource(SourceKey(None, 1), min_sequential=1)
    source.accept(first, first * 960 % 2**32, 0.0)
    for number in order:
        sequence, timestamp = (first + 1 + number) % 65536, (first + 1 + number) * 960 % 2**32
        if number in lost:
            continue
        assert source.judge(sequence, timestamp, 10.0) is Continuity.NEW
        source.accept(sequence, timestamp, 10.0)
        assert source.judge(sequence, timestamp, 10.0) is Continuity.REPLAYED


def test_guessing_the_numbers_of_a_known_source_is_hopeless(rng: np.random.Generator) -> None:
    source = source_at()
    guesses = zip(rng.integers(0, 1 << 16, 20_000).tolist(), rng.integers(0, 1 << 32, 20_000).tolist())
    accepted = sum(source.judge(sequence, timestamp, 20.0) is Continuity.NEW for sequence, timestamp in guesses)
    assert accepted <= 1


def test_loss_blocks_overlap_so_that_a_report_may_be_lost() -> None:
    source = HeardSource(SourceKey(None, 1), min_sequential=1)
    told = []
    for number in range(65_500, 65_650):
        if number % 10 != 3:
            source.accept(number % 65536, number * 960 % 2**32, 20.0 * (number - 65_500))
        if number % 50 == 49:
            block = source.loss_block()
            assert block is not None
            told.append(block)
    assert [(block.first_sequence, len(block.received)) for block in told] == [(65_500, 48), (65_500, 98), (12, 100)]
    for block in told:
        for number, is_in in enumerate(block.received, start=block.first_sequence):
            assert is_in == (number % 10 != 3 if number >= 65_500 else (number + 65_536) % 10 != 3)


def test_a_bucket_lets_its_rate_through_and_twice_as_much_after_a_rest() -> None:
    bucket = TokenBucket(100)
    assert sum(bucket.take(0.0) for _ in range(1000)) == 200
    assert sum(bucket.take(float(now)) for now in range(1000) for _ in range(10)) == pytest.approx(100, abs=1)
    # A clock that goes back gives nothing away.
    assert not bucket.take(-1e9)
