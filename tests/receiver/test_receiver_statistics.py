"""What a receiver counts, by the names of webrtc-stats."""

import numpy as np
import pytest
from constant_parts import PACKET_RTP, copy_of, make_dtx_packet, make_packet, make_stream, play_blocks, receive
from virtual_call import Line

from dred.channel import ChannelConfig, Uniform
from dred.receiver import AdaptiveDelay, ReceiverStatistics, ReceiveStream

# Source: W3C webrtc-stats, RTCReceivedRtpStreamStats and RTCInboundRtpStreamStats.
WEBRTC_NAMES = {
    "packetsReceived",
    "packetsLost",
    "packetsDiscarded",
    "jitter",
    "jitterBufferDelay",
    "jitterBufferTargetDelay",
    "jitterBufferMinimumDelay",
    "jitterBufferEmittedCount",
    "totalSamplesReceived",
    "concealedSamples",
    "silentConcealedSamples",
    "concealmentEvents",
    "insertedSamplesForDeceleration",
    "removedSamplesForAcceleration",
    "fecPacketsReceived",
    "fecPacketsDiscarded",
}


def sources(statistics: ReceiverStatistics) -> dict[str, int]:
    values = statistics.as_webrtc()
    names = ("received", "red", "lbrr", "dred", "plc", "dtx", "silence")
    return {name: int(values[f"{name}Samples"]) for name in names if values[f"{name}Samples"]}


def test_the_names_are_those_of_webrtc() -> None:
    names = set(make_stream().statistics.as_webrtc())
    assert names >= WEBRTC_NAMES
    assert all(name.endswith("Samples") for name in names - WEBRTC_NAMES)


def test_a_stream_that_has_not_begun_counts_nothing() -> None:
    assert set(make_stream(start=None).statistics.as_webrtc().values()) == {0}


def test_samples_are_counted_by_their_source() -> None:
    stream = make_stream(max_conceal_ms=20)
    receive(stream, 1)
    # 3 and 4 come from redundancy, 2 as a copy, 5 from in-band FEC; 8 is guessed, and behind 9 the sender pauses.
    receive(stream, 6, make_packet(6, num_latents=4, lbrr=True), copies=[copy_of(2, back=4)])
    receive(stream, 7)
    stream.receive(make_packet(10), 10, 10 * PACKET_RTP, 0.0)
    stream.receive(make_dtx_packet(), 11, 11 * PACKET_RTP, 0.0)
    play_blocks(stream, 26)
    assert sources(stream.statistics) == {
        "received": 5 * 320,
        "red": 320,
        "lbrr": 320,
        "dred": 2 * 320,
        "plc": 320,
        "silence": 320,
        "dtx": 2 * 320,
    }
    statistics = stream.statistics
    assert statistics.total_samples_received == 26 * 160
    assert statistics.concealed_samples == 640
    assert statistics.silent_concealed_samples == 320
    assert statistics.concealment_events == 1


def test_packets_are_counted_as_they_come() -> None:
    stream = make_stream()
    for number in (1, 2, 2, 5):
        receive(stream, number)
    play_blocks(stream, 10)
    receive(stream, 3)
    statistics = stream.statistics
    assert statistics.packets_received == 5
    assert statistics.packets_lost == 0, "five are expected, and five came"
    assert statistics.packets_discarded == 1, "3 came too late; that 2 came twice does not count"


@pytest.mark.parametrize("adaptive", [False, True])
def test_lost_packets_are_counted_over_the_wrap_around(adaptive: bool) -> None:
    stream = _line(adaptive).stream
    line = Line(stream=stream, channel=ChannelConfig(loss=Uniform(loss=0.25)), first_sequence=65_500)
    line.talk(8)
    statistics = stream.statistics
    assert statistics.packets_received + statistics.packets_lost == pytest.approx(400, abs=10)
    assert statistics.packets_lost == pytest.approx(100, abs=30)


def test_a_wild_number_loses_no_packets() -> None:
    stream = make_stream()
    for number in range(1, 50):
        receive(stream, number)
        if number % 10 == 0:
            stream.receive(make_packet(1), (number + 20_000) % 2**16, number * PACKET_RTP, 0.0)
    assert stream.statistics.packets_lost == 0


def test_jitter_is_that_of_rfc_3550() -> None:
    stream = make_stream()
    jitter_ms = 0.0
    rng = np.random.default_rng(3)
    delays_ms = rng.uniform(0, 30, 200)
    for number, delay_ms in enumerate(delays_ms):
        receive(stream, number, now=20.0 * number + delay_ms)
        if number:
            jitter_ms += (abs(delay_ms - delays_ms[number - 1]) - jitter_ms) / 16
    assert stream.statistics.jitter == pytest.approx(jitter_ms / 1000, rel=0.05)


def test_the_buffer_holds_packets_for_the_fixed_delay() -> None:
    stream = make_stream(start=None, delay_ms=60.0)
    Line(stream=stream).talk(5)
    statistics = stream.statistics
    # On average a packet's samples are heard half a packet after its first.
    mean_s = statistics.jitter_buffer_delay / statistics.jitter_buffer_emitted_count
    assert mean_s == pytest.approx(0.070, abs=0.001)
    target_s = statistics.jitter_buffer_target_delay / statistics.jitter_buffer_emitted_count
    assert target_s == pytest.approx(0.060)


def test_the_target_of_an_adaptive_delay_is_summed_as_it_moves() -> None:
    stream = _line(adaptive=True).stream
    Line(stream=stream).talk(12)
    statistics = stream.statistics
    target_s = statistics.jitter_buffer_target_delay / statistics.jitter_buffer_emitted_count
    assert 0.015 < target_s < 0.08
    assert 0.02 < statistics.jitter_buffer_delay / statistics.jitter_buffer_emitted_count < 0.11


def test_packets_with_something_about_the_past_are_counted_and_what_was_of_use() -> None:
    stream = make_stream()
    for number in (1, 2, 4, 5, 6):
        receive(stream, number, make_packet(number, num_latents=4))
    receive(stream, 7, make_packet(7, lbrr=True))
    receive(stream, 9, make_packet(9, lbrr=True))
    receive(stream, 10)
    play_blocks(stream, 20)
    statistics = stream.statistics
    assert statistics.fec_packets_received == 7
    assert statistics.fec_packets_discarded == 5


def test_packets_with_copies_are_counted() -> None:
    stream = make_stream()
    receive(stream, 1)
    receive(stream, 3, copies=[copy_of(2, back=1)])
    receive(stream, 4, copies=[copy_of(3, back=1)])
    play_blocks(stream, 8)
    assert stream.statistics.fec_packets_received == 2
    assert stream.statistics.fec_packets_discarded == 1


def _line(adaptive: bool) -> Line:
    settings = {"adaptive": AdaptiveDelay()} if adaptive else {}
    stream: ReceiveStream = make_stream(start=None, delay_ms=80.0, **settings)
    return Line(stream=stream)
