"""Hostile input: whatever else arrives, the genuine stream sounds the same, sample for sample, and nothing grows."""

import tracemalloc
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.receiver import Played
from dred.rtp import RtpPacket, parse_rtp, rtcp, write_rtp
from dred.session import DatagramsRefused, RtpReceiver, SourceLocked
from two_ends import SENDER_ADDRESS, Attack, Call, hold_call, make_receiver, make_sender, speech

SECONDS = 3.5
ATTACKER = ("203.0.113.66", 6666)


def lose_some(number: int) -> bool:
    return number % 11 in (4, 5)


def held(attack: Attack | None = None) -> tuple[Call, RtpReceiver]:
    receiver = make_receiver()
    call = hold_call(make_sender(ssrc=4711, num_red_copies=1), receiver, SECONDS, is_lost=lose_some, attack=attack)
    return call, receiver


def once_locked(now: float) -> bool:
    return now >= 200


class RandomBytes:
    def __init__(self) -> None:
        self._rng = np.random.default_rng(3)

    def __call__(self, now: float, arrived: Sequence[bytes]) -> Iterable[tuple[bytes, object]]:
        return [(self._rng.bytes(int(self._rng.integers(0, 1500))), ATTACKER) for _ in range(10)]


def truncated(now: float, arrived: Sequence[bytes]) -> Iterable[tuple[bytes, object]]:
    """Beginnings of every genuine packet, from where the genuine one came."""
    return [(datagram[:length], SENDER_ADDRESS) for datagram in arrived for length in range(0, len(datagram), 5)]


class Replay:
    """What was sent, again: at once and, all of it, over and over."""

    def __init__(self) -> None:
        self._seen: list[bytes] = []

    def __call__(self, now: float, arrived: Sequence[bytes]) -> Iterable[tuple[bytes, object]]:
        self._seen += arrived
        return [
            (datagram, SENDER_ADDRESS) for datagram in (*arrived * 10, *self._seen[:: max(1, len(self._seen) // 9)])
        ]


class OldRun:
    """A stretch of the stream from a moment ago, in order, as if the sender had started anew."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, bytes]] = []

    def __call__(self, now: float, arrived: Sequence[bytes]) -> Iterable[tuple[bytes, object]]:
        self._seen += [(now, datagram) for datagram in arrived]
        return [(datagram, SENDER_ADDRESS) for sent_ms, datagram in self._seen if now - 1500 == sent_ms]


class SpoofedSsrc:
    """A well-formed stream of another SSRC, from the same address, at five times the rate."""

    def __init__(self, address: object, *, has_genuine_ssrc: bool = False) -> None:
        self._packets = make_sender(8, ssrc=4711 if has_genuine_ssrc else 666).push(speech(20.0), 0.0)
        self._address = address

    def __call__(self, now: float, arrived: Sequence[bytes]) -> Iterable[tuple[bytes, object]]:
        if not once_locked(now):
            return []
        start = round(now / 10) * 5 // 2
        return [(datagram, self._address) for datagram in self._packets[start : start + 3]]


class ManySources:
    """Ten times the rate, each packet of another source."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(4)

    def __call__(self, now: float, arrived: Sequence[bytes]) -> Iterable[tuple[bytes, object]]:
        numbers = self._rng.integers(0, 1 << 32, (5, 2)).tolist()
        packets = [
            RtpPacket(payload_type=111, sequence=ssrc % 65536, timestamp=timestamp, ssrc=ssrc, payload=bytes(100))
            for ssrc, timestamp in numbers
        ]
        return [(write_rtp(packet), SENDER_ADDRESS) for packet in packets] if once_locked(now) else []


class Guesses:
    """The genuine SSRC with guessed numbers, from the genuine address: five hundred a second."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(5)

    def __call__(self, now: float, arrived: Sequence[bytes]) -> Iterable[tuple[bytes, object]]:
        numbers = self._rng.integers(0, 1 << 32, (5, 2)).tolist()
        packets = [
            RtpPacket(payload_type=111, sequence=first % 65536, timestamp=second, ssrc=4711, payload=bytes(50))
            for first, second in numbers
        ]
        return [(write_rtp(packet), SENDER_ADDRESS) for packet in packets] if once_locked(now) else []


class ForgedReports:
    """Goodbyes and sender reports, for the genuine SSRC from elsewhere and for others from the genuine address."""

    def __call__(self, now: float, arrived: Sequence[bytes]) -> Iterable[tuple[bytes, object]]:
        report = rtcp.SenderReport(ssrc=4711, ntp=1, rtp_timestamp=2, num_packets=3, num_bytes=4)
        goodbye = rtcp.write_rtcp([report, rtcp.Goodbye(ssrcs=(4711,))])
        others = rtcp.write_rtcp([rtcp.Goodbye(ssrcs=(1, 2, 3))])
        return [(goodbye, ATTACKER)] * 5 + [(others, SENDER_ADDRESS)] * 5


ATTACKS = {
    "random bytes": RandomBytes,
    "truncated": lambda: truncated,
    "replayed": Replay,
    "an old run": OldRun,
    "spoofed SSRC, elsewhere": lambda: SpoofedSsrc(ATTACKER),
    "spoofed SSRC, same address": lambda: SpoofedSsrc(SENDER_ADDRESS),
    "the genuine SSRC, elsewhere": lambda: SpoofedSsrc(ATTACKER, has_genuine_ssrc=True),
    "the genuine SSRC, other numbers": lambda: SpoofedSsrc(SENDER_ADDRESS, has_genuine_ssrc=True),
    "many sources": ManySources,
    "guessed numbers": Guesses,
    "forged reports": ForgedReports,
}


@pytest.fixture(scope="module")
def undisturbed() -> Call:
    return held()[0]


@pytest.mark.parametrize("name", ATTACKS)
def test_the_genuine_stream_sounds_the_same_sample_for_sample(name: str, undisturbed: Call) -> None:
    call, receiver = held(ATTACKS[name]())
    assert sum(receiver.statistics.refused.values()) > 30
    assert np.array_equal(call.samples, undisturbed.samples)
    assert [event for event in call.receiver_events if isinstance(event, Played)] == [
        event for event in undisturbed.receiver_events if isinstance(event, Played)
    ]
    assert sum(isinstance(event, SourceLocked) for event in call.receiver_events) == 1


def test_a_goodbye_that_was_forged_from_the_same_address_costs_nothing_while_packets_come(undisturbed: Call) -> None:
    goodbye = rtcp.write_rtcp([rtcp.Goodbye(ssrcs=(4711,))])
    spoofed = SpoofedSsrc(SENDER_ADDRESS)

    def attack(now: float, arrived: Sequence[bytes]) -> Iterable[tuple[bytes, object]]:
        return [(goodbye, SENDER_ADDRESS), *spoofed(now, arrived)]

    call, _ = held(attack)
    assert np.array_equal(call.samples, undisturbed.samples)


def test_floods_are_told_in_few_events() -> None:
    call, receiver = held(RandomBytes())
    refused = [event for event in call.receiver_events if isinstance(event, DatagramsRefused)]
    assert sum(event.num_datagrams for event in refused) == sum(receiver.statistics.refused.values()) == 3500
    # Less than one per reason and call of play.
    assert len(refused) <= 350 * 5


def test_memory_does_not_grow_under_a_flood() -> None:
    receiver = make_receiver()
    flood, genuine = ManySources(), make_sender().push(speech(4.0), 0.0)

    def run(start: int, end: int) -> None:
        for now in range(start, end, 10):
            for datagram, address in [*flood(now + 200, ()), *flood(now + 200, ())]:
                receiver.receive(datagram, float(now), address)
            if now % 20 == 0:
                receiver.receive(genuine[now // 20], float(now))
            receiver.play(160, float(now))

    run(0, 800)
    tracemalloc.start()
    run(800, 1_200)
    before, _ = tracemalloc.get_traced_memory()
    run(1_200, 3_200)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # 2,000 packets of 112 bytes would be 224 kB.
    assert after - before < 60_000


def test_a_sender_that_nobody_asks_keeps_few_events() -> None:
    sender = make_sender()
    first = parse_rtp(sender.push(speech(0.02), 0.0)[0])
    for now in range(2_000):
        block = rtcp.ReportBlock(ssrc=sender.ssrc, highest_sequence=first.sequence)
        sender.receive(rtcp.write_rtcp([rtcp.ReceiverReport(ssrc=1, blocks=(block,))]), float(now * 100))
    assert len(sender.events()) <= 257


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=80), max_size=20))
def test_any_datagrams_leave_both_ends_in_order(datagrams: list[bytes]) -> None:
    receiver, sender = make_receiver(), make_sender()
    sender.push(speech(0.1), 0.0)
    for datagram in datagrams:
        receiver.receive(datagram, 0.0)
        sender.receive(datagram, 0.0)
    assert receiver.play(160, 0.0)[0].shape == (160, 1)
    assert sum(receiver.statistics.refused.values()) <= len(datagrams)
    assert len(sender.push(speech(0.02), 100.0)) == 1
