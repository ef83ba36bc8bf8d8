"""A call between two ends: speech arrives, losses are repaired, both ends learn how the other is doing."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from dred import RtpReceiverConfig, RtpSenderConfig, UsageError
from dred.receiver import Event, Played, Source
from dred.rtp import is_rtcp, parse_red, parse_rtp, rtcp
from dred.sender import RedundancyPlan, SentPacket
from dred.session import PlanApplied, ReceiverEvent, ReceiverReport, ReportHeard, SourceEnded, SourceLocked
from two_ends import BLOCK_SAMPLES, RATE_HZ, SENDER_ADDRESS, SPEECH, hold_call, make_receiver, make_sender, speech


def played_ms(events: list[ReceiverEvent] | list[Event]) -> Counter[Source]:
    counts: Counter[Source] = Counter()
    for event in events:
        if isinstance(event, Played):
            counts[event.source] += event.duration_rtp // 48
    return counts


def test_speech_arrives_whole_from_the_first_packet_on() -> None:
    receiver = make_receiver()
    call = hold_call(make_sender(), receiver, 2.0)
    assert call.samples.shape == (2 * RATE_HZ, 1)
    assert set(played_ms(call.receiver_events)) == {Source.RECEIVED}
    assert [event for event in call.receiver_events if not isinstance(event, Played)] == [
        SourceLocked(ssrc=receiver.statistics.ssrc or 0, address=SENDER_ADDRESS)
    ]
    # 10 ms for a whole packet, 30 ms of network, 60 ms of delay, 6.5 ms of codec.
    heard, said = call.samples[:, 0], speech(2.0)
    lags = range(1200, 2200)
    overlap = [float(heard[lag:] @ said[: len(said) - lag]) for lag in lags]
    assert lags[int(np.argmax(overlap))] == pytest.approx(106.5e-3 * RATE_HZ, abs=0.011 * RATE_HZ)


def test_copies_repair_losses_and_are_told_apart() -> None:
    def lost(number: int) -> bool:
        return number % 7 in (3, 4)

    plain = hold_call(make_sender(), make_receiver(), 3.0, is_lost=lost)
    red = hold_call(make_sender(num_red_copies=2), make_receiver(), 3.0, is_lost=lost)
    assert played_ms(plain.receiver_events)[Source.LBRR] > 0
    assert played_ms(plain.receiver_events)[Source.PLC] > 0
    assert played_ms(red.receiver_events)[Source.RED] > 700
    assert Source.PLC not in played_ms(red.receiver_events)


def test_a_receiver_without_red_understands_none() -> None:
    receiver = make_receiver(red_payload_type=None)
    call = hold_call(make_sender(num_red_copies=1), receiver, 0.5)
    assert not call.samples.any()
    assert receiver.statistics.refused == {"other type": 25 - 2}


def test_packets_are_rtp_with_a_marker_where_speech_begins() -> None:
    sender = make_sender(ssrc=77, num_red_copies=1)
    packets = [parse_rtp(datagram) for datagram in sender.push(speech(0.2), 0.0)]
    assert [packet.marker for packet in packets] == [True, *[False] * 9]
    assert {packet.ssrc for packet in packets} == {77}
    assert {packet.payload_type for packet in packets} == {63}
    assert [(packet.sequence - packets[0].sequence) % 65536 for packet in packets] == list(range(10))
    assert [(packet.timestamp - packets[0].timestamp) % 2**32 for packet in packets] == [960 * n for n in range(10)]
    assert [len(parse_red(packet.payload)[0]) for packet in packets] == [0, *[1] * 9]


def test_beginnings_are_random_and_seeded() -> None:
    first = [parse_rtp(make_sender(seed).push(speech(0.02), 0.0)[0]) for seed in (1, 2, 1)]
    assert first[0] == first[2]
    assert first[0].ssrc != first[1].ssrc
    assert first[0].sequence != first[1].sequence
    assert first[0].timestamp != first[1].timestamp


def test_reports_tell_loss_and_round_trip_to_both_ends() -> None:
    sender, receiver = make_sender(), make_receiver()
    call = hold_call(sender, receiver, 12.0, one_way_ms=40.0, is_lost=lambda number: number > 50 and number % 5 == 0)
    heard = [event for event in call.sender_events if isinstance(event, ReportHeard)]
    # A second on average, the first one sooner.
    assert 8 <= len(heard) <= 18
    assert heard[-1].fraction_lost == pytest.approx(0.2, abs=0.03)
    assert heard[-1].round_trip_ms == pytest.approx(80.0, abs=1.0)
    assert receiver.statistics.round_trip_ms == pytest.approx(80.0, abs=1.0)
    assert sender.statistics.round_trip_ms == heard[-1].round_trip_ms
    reception = receiver.statistics.reception
    assert reception.num_lost == pytest.approx(110, abs=2)
    assert receiver.statistics.cname == "dred"
    assert receiver.statistics.jitter_ms == pytest.approx(0.0, abs=0.1)


def test_the_times_of_reports_vary_and_come_from_the_generator() -> None:
    def times(seed: int) -> list[int]:
        receiver = make_receiver(seed)
        for number, datagram in enumerate(make_sender().push(speech(0.1), 0.0)):
            receiver.receive(datagram, 20.0 * number)
        return [now for now in range(100, 60_000, 10) if receiver.reports(float(now))]

    assert times(1) == times(1) != times(2)
    gaps = np.diff(times(1))
    assert 400 <= gaps.min() < gaps.max() <= 1260
    assert gaps.mean() == pytest.approx(820, abs=80)


def test_a_goodbye_is_told_and_ends_nothing_that_was_heard() -> None:
    sender, receiver = make_sender(), make_receiver()
    for datagram in sender.push(speech(0.2), 0.0):
        receiver.receive(datagram, 0.0)
    last = sender.finish(200.0)
    assert is_rtcp(last[-1])
    for datagram in last:
        receiver.receive(datagram, 200.0)
    _, events = receiver.play(BLOCK_SAMPLES * 40, 300.0)
    assert SourceEnded(ssrc=sender.ssrc) in events
    assert played_ms(events)[Source.RECEIVED] >= 200


def test_a_listeners_goodbye_is_told() -> None:
    sender, receiver = make_sender(), make_receiver()
    hold_call(sender, receiver, 0.5)
    for datagram in receiver.finish(600.0):
        sender.receive(datagram, 600.0)
    assert SourceEnded(ssrc=receiver.ssrc) in sender.events()


def test_the_last_report_counts_everything() -> None:
    sender = make_sender()
    for _ in range(10):
        sender.push(speech(0.02), 0.0)
    *_, last = sender.finish(0.0)
    report = rtcp.parse_rtcp(last)[0]
    assert isinstance(report, rtcp.SenderReport)
    assert report.num_packets == sender.statistics.num_packets >= 10


def test_a_packet_beyond_the_mtu_loses_copies() -> None:
    stream = SPEECH.__class__(rate_hz=RATE_HZ, dred=None, bitrate_bps=64_000, vbr=False)
    sender = make_sender(stream=stream, num_red_copies=3, mtu_bytes=500)
    datagrams = sender.push(speech(0.4), 0.0)
    assert max(map(len, datagrams)) <= 500
    # About 160 bytes each: two copies fit mostly, three never.
    counts = [len(parse_red(parse_rtp(datagram).payload)[0]) for datagram in datagrams]
    assert max(counts) == 2
    assert sum(counts) > 30


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: RtpReceiverConfig(opus_payload_type=72), "64-95 look like RTCP"),
        (lambda: RtpReceiverConfig(opus_payload_type=63), "two payload types"),
        (lambda: RtpReceiverConfig(ssrc=1 << 32), "ssrc must be 0 to"),
        (lambda: RtpReceiverConfig(cname="x" * 256), "up to 255 bytes"),
        (lambda: RtpReceiverConfig(min_sequential=0), "min_sequential must be 1 to 100"),
        (lambda: RtpReceiverConfig(takeover_ms=float("nan")), "takeover_ms"),
        (lambda: RtpReceiverConfig(max_candidates=0), "max_candidates must be 1"),
        (lambda: RtpSenderConfig(num_red_copies=10), "num_red_copies must be 0 to 9"),
        (lambda: RtpSenderConfig(num_red_copies=1, red_payload_type=None), "needs a red_payload_type"),
        (lambda: RtpSenderConfig(mtu_bytes=100), "mtu_bytes must be 200"),
        (lambda: RtpSenderConfig(report_interval_ms=1), "report_interval_ms must be 100"),
    ],
)
def test_an_impossible_end_is_refused_with_the_range(build: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        build()


class Scripted:
    """A controller that has one plan and writes down what it is told."""

    def __init__(self, plan: RedundancyPlan) -> None:
        self._plan: RedundancyPlan | None = plan
        self.sent: list[SentPacket] = []
        self.reports: list[ReceiverReport] = []
        self.lost: list[bool] = []

    def observe_packet(self, sent: SentPacket) -> None:
        self.sent.append(sent)

    def observe_report(self, report: ReceiverReport, now: float) -> None:
        self.reports.append(report)

    def observe_losses(self, lost: Sequence[bool], now: float) -> None:
        self.lost += lost

    def decide(self, now: float) -> RedundancyPlan | None:
        if now < 1_000:
            return None
        plan, self._plan = self._plan, None
        return plan


def test_a_controller_hears_each_loss_once_and_its_plan_is_kept() -> None:
    plan = RedundancyPlan(bitrate_bps=12_000, num_red_copies=2, reason="a test")
    controller = Scripted(plan)
    call = hold_call(
        make_sender(controller=controller), make_receiver(), 8.0, is_lost=lambda number: number > 20 and number % 9 == 5
    )
    assert [event.plan for event in call.sender_events if isinstance(event, PlanApplied)] == [plan]
    assert len(controller.sent) == len(call.datagrams)
    assert 7 <= len(controller.reports) <= 12
    # From the first packet that was played on, without a gap and without repeats.
    told = len(controller.lost)
    assert told > 300
    assert controller.lost == [number > 20 and number % 9 == 5 for number in range(told)]
    late = [parse_rtp(datagram) for datagram in call.datagrams[60:]]
    assert {len(parse_red(packet.payload)[0]) for packet in late} == {2}
    early = [len(datagram) for datagram in call.datagrams[:50]]
    assert parse_rtp(call.datagrams[10]).payload_type == 111
    primary = [len(parse_red(packet.payload)[1].payload) for packet in late]
    assert np.mean(primary) < 0.8 * np.mean(early)
