"""A receiver that adapts its delay, in virtual time: what the network and the clocks do, and what is heard of it."""

from collections.abc import Callable

import numpy as np
import pytest
from constant_parts import (
    PACKET_RTP,
    SILK_10,
    SILK_60,
    ConstantCodec,
    constant_parts,
    copy_of,
    make_dtx_packet,
    make_packet,
    make_stream,
    receive,
)
from virtual_call import PACKET_MS, Call, Line

from dred.channel import ChannelConfig, GilbertElliott, Uniform
from dred.receiver import (
    AdaptiveDelay,
    DelayChanged,
    PacketDropped,
    Played,
    ReceiveBank,
    ReceiverConfig,
    ReceiveStream,
    Scaling,
    StreamRestarted,
    TimeScaled,
)

ADAPTIVE = AdaptiveDelay()
FADE_SAMPLES = 64


def adaptive_stream(**settings: object) -> ReceiveStream:
    return make_stream(**({"start": None, "adaptive": ADAPTIVE, "delay_ms": 80.0} | settings))  # type: ignore[arg-type]


def settled(call: Call) -> np.ndarray:
    """Return the delays of the second half."""
    return np.array(call.delays_ms[len(call.delays_ms) // 2 :])


def test_a_calm_network_costs_little_delay() -> None:
    call = Line(stream=adaptive_stream()).talk(12)
    assert call.delays_ms[0] > 80
    assert 10 < settled(call).max() <= 45
    assert call.share_known == 1


@pytest.mark.parametrize("block_ms", [5, 10, 20, 30])
def test_the_delay_does_not_hang_on_how_much_is_asked_for_at_once(block_ms: int) -> None:
    call = Line(stream=adaptive_stream(), block_ms=block_ms).talk(10)
    assert settled(call).max() <= 45
    assert call.share_known == 1


def test_a_sound_card_that_asks_irregularly_is_allowed_for() -> None:
    call = Line(stream=adaptive_stream(), block_ms=20, card_jitter_ms=18).talk(12)
    assert settled(call).max() <= 60
    assert call.share_known == 1


@pytest.mark.parametrize("jitter_ms", [40, 100])
def test_jitter_is_waited_for(jitter_ms: int) -> None:
    call = Line(stream=adaptive_stream(), channel=ChannelConfig(delay_ms=200, jitter_ms=jitter_ms)).talk(12)
    delays_ms = settled(call) - 200
    assert jitter_ms - 20 < delays_ms.mean() < jitter_ms + 50
    assert call.share_known > 0.998


@pytest.mark.parametrize(("loss", "longest_ms"), [(0.05, 70), (0.1, 80), (0.2, 105), (0.3, 140)])
def test_lost_packets_are_waited_for_as_long_as_redundancy_takes(loss: float, longest_ms: float) -> None:
    call = Line(stream=adaptive_stream(), channel=ChannelConfig(loss=Uniform(loss=loss))).talk(12)
    assert settled(call).mean() < longest_ms
    assert call.share_known > 0.99


def test_without_redundancy_nobody_waits_for_what_is_lost() -> None:
    line = Line(stream=adaptive_stream(), channel=ChannelConfig(loss=Uniform(loss=0.2)), packet_of=make_packet)
    call = line.talk(12)
    assert settled(call).max() <= 45
    assert call.sources["plc"] == pytest.approx(0.2 * call.sources.total(), rel=0.1)


def test_in_band_fec_is_waited_for_by_one_packet() -> None:
    def packet_of(number: int) -> bytes:
        return make_packet(number, lbrr=True)

    call = Line(stream=adaptive_stream(), channel=ChannelConfig(loss=Uniform(loss=0.2)), packet_of=packet_of).talk(12)
    assert settled(call).max() <= 60
    # Only a packet whose successor is lost as well is beyond it.
    assert call.sources["plc"] == pytest.approx(0.04 * call.sources.total(), rel=0.3)


def test_packets_that_overtake_each_other_are_waited_for_where_nothing_else_brings_them() -> None:
    channel = ChannelConfig(reorder=0.1, reorder_delay_ms=70)
    call = Line(stream=adaptive_stream(), channel=channel, packet_of=make_packet).talk(12)
    assert settled(call).max() < 120
    assert call.share_known > 0.998
    assert call.sources["received"] == pytest.approx(call.sources.total(), rel=0.005)
    with_redundancy = Line(stream=adaptive_stream(), channel=channel).talk(12)
    assert settled(with_redundancy).mean() < 70
    assert with_redundancy.share_known > 0.998


@pytest.mark.parametrize("drift_ppm", [-800, 800])
def test_clocks_that_drift_apart_change_neither_delay_nor_speech(drift_ppm: float) -> None:
    call = Line(stream=adaptive_stream(), drift_ppm=drift_ppm).talk(20)
    # Four times what is asked for; the clocks are 16 ms apart by then.
    assert 5 < np.min(settled(call)) <= np.max(settled(call)) < 45
    assert call.share_known == 1


@pytest.mark.parametrize("is_dtx", [False, True])
def test_a_sender_may_pause(is_dtx: bool) -> None:
    def packet_of(number: int) -> bytes | None:
        if number % 200 < 100:
            return make_packet(number, num_latents=12)
        return make_dtx_packet() if is_dtx and number % 20 == 0 else None

    call = Line(stream=adaptive_stream(), packet_of=packet_of).talk(16)
    assert settled(call).max() < 45
    # Nothing of what was sent is lost.
    num_blocks = sum(packet_of(number) is not None for number in range(int(16_000 / PACKET_MS)))
    assert call.sources["received"] == pytest.approx(num_blocks * PACKET_RTP, abs=4 * PACKET_RTP)


def test_a_sender_may_pause_without_its_clock_going_on() -> None:
    stream = adaptive_stream()
    heard = []
    for number in range(100):
        now = 20.0 * number + (7_000 if number >= 50 else 0)
        if number == 50:
            for silent in range(350):
                stream.play(320, 1_000 + 20.0 * silent)
        receive(stream, number, now=now)
        _, events = stream.play(320, now)
        heard += [event.sequence for event in events if isinstance(event, Played) and event.source == "received"]
    assert heard[-40:] == list(range(heard[-1] - 39, heard[-1] + 1))
    assert heard[-1] > 90


def test_numbers_wrap_around() -> None:
    line = Line(stream=adaptive_stream(), first_timestamp=2**32 - 5 * 48_000, first_sequence=65_400)
    call = line.talk(12)
    assert settled(call).max() <= 45
    assert call.share_known == 1
    assert line.stream.statistics.packets_lost == 0


@pytest.mark.parametrize("config", [SILK_10, SILK_60])
def test_frames_may_change_their_duration(config: int) -> None:
    stream = adaptive_stream()
    frame_rtp = {SILK_10: 480, SILK_60: 2_880}[config]
    packets = [(number * PACKET_RTP, make_packet(number)) for number in range(200)]
    start = packets[-1][0] + PACKET_RTP
    packets += [(start + number * frame_rtp, make_packet(number, config=config)) for number in range(200)]
    unsent = list(enumerate(packets))
    sources = []
    for now in range(0, 4_000 + 200 * frame_rtp // 48, 10):
        while unsent and unsent[0][1][0] / 48 <= now:
            sequence, (timestamp, packet) = unsent.pop(0)
            stream.receive(packet, sequence, timestamp, float(now))
        _, events = stream.play(160, float(now))
        sources += [event.source for event in events if isinstance(event, Played)]
    assert len(sources) >= 395
    assert set(sources) == {"received"}


def test_a_sender_that_starts_anew_is_followed() -> None:
    stream = adaptive_stream()
    heard: list[int] = []
    restarts = 0
    for number in range(300):
        now = 20.0 * number
        timestamp = (number * PACKET_RTP + (2_000_000_000 if number >= 100 else 0)) % 2**32
        sequence = (number * 1 + (30_000 if number >= 100 else 0)) % 2**16
        stream.receive(make_packet(number), sequence, timestamp, now)
        _, events = stream.play(320, now)
        restarts += sum(isinstance(event, StreamRestarted) for event in events)
        heard += [event.sequence % 30_000 for event in events if isinstance(event, Played) and event.sequence]
    assert restarts == 1
    assert heard[-100:] == list(range(heard[-1] - 99, heard[-1] + 1))
    assert heard[-1] >= 293


def test_a_route_that_takes_longer_is_followed_and_loses_little() -> None:
    stream = adaptive_stream()
    sources = []
    for now in range(0, 20_000, 10):
        if now % 20 == 0 and (now < 5_000 or now >= 5_150):
            number = (now if now < 5_000 else now - 150) // 20
            receive(stream, number, now=float(now))
        _, events = stream.play(160, float(now))
        sources += [(event.source, event.sequence) for event in events if isinstance(event, Played)]
    received = [number for source, number in sources if source == "received"]
    assert received == list(range(received[-1] + 1))


def test_an_outage_is_over_when_it_is_over() -> None:
    stream = adaptive_stream()
    last = []
    for now in range(0, 20_000, 10):
        if now % 20 == 0 and not 5_000 <= now < 8_000:
            receive(stream, now // 20, now=float(now))
        _, events = stream.play(160, float(now))
        last += [(event.timestamp, now) for event in events if isinstance(event, Played) and event.source == "received"]
    late_ms = np.array([now - timestamp / 48 for timestamp, now in last if now > 8_000])
    assert late_ms.max() < 100
    assert late_ms[-1] < 40


def test_what_is_missing_is_spoken_from_buffered_redundancy_without_a_wait() -> None:
    stream = adaptive_stream(delay_ms=100.0)
    for number in (0, 1, 2, 4, 5):
        receive(stream, number, make_packet(number, num_latents=4), now=20.0 * number)
    _, events = stream.play(5 * 320, 100.0)
    assert [event.source for event in events if isinstance(event, Played)][:5] == ["received"] * 3 + [
        "dred",
        "received",
    ]
    assert sum(isinstance(event, TimeScaled) for event in events) == 1, "the silence in front of all"


def test_nothing_is_buffered_and_what_was_played_is_stretched_until_redundancy_comes() -> None:
    stream = adaptive_stream()
    for number in range(400):
        receive(stream, number, make_packet(number, num_latents=4), now=20.0 * number)
        stream.play(320, 20.0 * number)
    # Three packets that come late raise the target; the delay has not grown yet when the next one is missing.
    for number, late_ms in ((400, 65), (401, 45), (402, 25), (404, 20)):
        receive(stream, number, make_packet(number, num_latents=4), now=20.0 * number + late_ms)
    events = []
    for number in range(403, 406):
        events += stream.play(320, 20.0 * number + 20)[1]
    assert {event.source for event in events if isinstance(event, Played)} <= {"received", "dred"}


def test_what_was_played_is_stretched_while_the_next_packet_may_still_come() -> None:
    stream = adaptive_stream(adaptive=AdaptiveDelay(min_ms=60), delay_ms=60.0)
    receive(stream, 0, now=0.0)
    receive(stream, 1, now=20.0)
    events = []
    for now in (60, 80, 100, 120):
        events += stream.play(320, float(now))[1]
    # 2 is due at 100: nothing of the target is left to wait for it, and it is guessed.
    assert [event.source for event in events if isinstance(event, Played)] == ["received"] * 2 + ["plc"] * 2
    late = adaptive_stream(adaptive=AdaptiveDelay(min_ms=60), delay_ms=60.0)
    receive(late, 0, now=0.0)
    receive(late, 1, now=-20.0)
    events = []
    for now in (60, 80, 100):
        events += late.play(320, float(now))[1]
    stretched = [event.num_samples for event in events if isinstance(event, TimeScaled)]
    assert stretched, events


def run_hostile(extra: Callable[[ReceiveStream, float], None], *, seconds: float = 6) -> tuple[Call, ReceiveStream]:
    stream = adaptive_stream()
    channel = ChannelConfig(loss=Uniform(loss=0.1), jitter_ms=10)
    line = Line(stream=stream, channel=channel, block_ms=10, first_timestamp=1_000_000)
    return line.talk(seconds, lambda now: extra(stream, now)), stream


def test_wild_timestamps_at_ten_times_the_rate_change_nothing(rng: np.random.Generator) -> None:
    def wild(stream: ReceiveStream, now: float) -> None:
        for _ in range(5):
            sequence, timestamp = int(rng.integers(2**16)), int(rng.integers(2**32))
            stream.receive(make_packet(7, num_latents=12), sequence, timestamp, now)

    call, _ = run_hostile(wild)
    assert settled(call).mean() < 100
    assert call.share_known > 0.98


def test_replayed_packets_at_ten_times_the_rate_change_nothing(rng: np.random.Generator) -> None:
    def replay(stream: ReceiveStream, now: float) -> None:
        newest = int(now / PACKET_MS)
        for number in rng.integers(max(0, newest - 200), newest + 1, 5).tolist():
            timestamp = (1_000_000 + number * PACKET_RTP) % 2**32
            if number < newest - 5:
                stream.receive(make_packet(number, num_latents=12), number % 2**16, timestamp, now)

    call, _ = run_hostile(replay)
    assert settled(call).mean() < 100
    assert call.share_known > 0.99


def test_timestamps_somewhat_ahead_at_ten_times_the_rate_do_not_delay_for_good(rng: np.random.Generator) -> None:
    def ahead(stream: ReceiveStream, now: float) -> None:
        if 3_000 < now < 6_000:
            for step in rng.integers(1, 90_000, 5).tolist():
                timestamp = int(1_000_000 + now * 48 + step) % 2**32
                stream.receive(make_packet(3), int(rng.integers(2**16)), timestamp, now)

    call, _ = run_hostile(ahead, seconds=20)
    assert np.mean(call.delays_ms[1_850:]) < 100


def test_a_flood_of_a_stream_ten_times_as_fast_holds_no_memory() -> None:
    stream = adaptive_stream()
    num_events = 0
    for now in range(0, 5_000, 10):
        for step in range(5):
            number = now // 2 + step
            receive(stream, number, make_packet(number % 1_000), now=float(now))
        samples, events = stream.play(160, float(now))
        assert samples.shape == (160, 1)
        num_events += len(events)
    assert num_events < 10_000


def test_any_bytes_and_any_numbers_only_cost_themselves(rng: np.random.Generator) -> None:
    def garbage(stream: ReceiveStream, now: float) -> None:
        for _ in range(3):
            size = int(rng.integers(0, 60))
            near = int(1_000_000 + 48 * now + rng.integers(-20_000, 20_000)) % 2**32
            copies = [copy_of(3, back=int(rng.integers(0, 16)), packet=rng.bytes(size))]
            stream.receive(rng.bytes(size), int(rng.integers(2**16)), near, now, copies)

    call, stream = run_hostile(garbage)
    assert len(call.delays_ms) > 300
    assert stream.statistics.packets_received > 500


def test_what_is_played_adds_up() -> None:
    stream = adaptive_stream()
    channel = ChannelConfig(loss=GilbertElliott(loss=0.2, mean_burst=3), jitter_ms=60, reorder=0.05, duplicate=0.05)
    call = Line(stream=stream, channel=channel, card_jitter_ms=5, drift_ppm=100).talk(12)
    assert FADE_SAMPLES <= call.queued < 320 + 240 + FADE_SAMPLES
    statistics = stream.statistics
    assert statistics.inserted_samples_for_deceleration == call.scaled[Scaling.STRETCHED] > 0
    assert statistics.removed_samples_for_acceleration == call.scaled[Scaling.ACCELERATED] > 0
    assert statistics.total_samples_received == call.produced


@pytest.mark.parametrize("rate_hz", [8_000, 12_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_rate_and_both_channels_adapt(rate_hz: int, channels: int) -> None:
    stream = adaptive_stream(rate_hz=rate_hz, channels=channels)
    call = Line(stream=stream, channel=ChannelConfig(loss=Uniform(loss=0.2), jitter_ms=30)).talk(10)
    assert call.share_known > 0.97
    assert call.scaled[Scaling.ACCELERATED] > 0


def test_a_start_that_is_given_is_kept() -> None:
    stream = make_stream(adaptive=ADAPTIVE, delay_ms=80.0, start=PACKET_RTP)
    for number in (1, 2, 3, 4):
        receive(stream, number)
    _, events = stream.play(320, 0.0)
    played = [event for event in events if isinstance(event, Played)]
    assert played[0].timestamp == PACKET_RTP


def test_streams_of_a_bank_that_adapt_sound_and_tell_as_they_would_alone(rng: np.random.Generator) -> None:
    parts = constant_parts()
    settings = [{}, {"priming": True}, {"adaptive": None}, {"plc": "classic"}, {"use_dred": False}]
    alone, together = ([adaptive_stream(parts=parts, **setting) for setting in settings] for _ in range(2))
    bank = ReceiveBank(together)
    lost = rng.random((len(alone), 250)) < 0.3
    delayed_ms = rng.uniform(0, 60, (len(alone), 250))
    num_changes = 0
    for number in range(250):
        for index, stream in enumerate(alone):
            if not lost[index, number]:
                packet = make_packet(number, num_latents=number % 7, lbrr=number % 3 == 0)
                arguments = (packet, number, number * PACKET_RTP, 20.0 * number + delayed_ms[index, number])
                stream.receive(*arguments)
                bank.receive(index, *arguments)
        now = 20.0 * number + 60
        expected = [stream.play(320, now) for stream in alone]
        samples, events = bank.play(320, now)
        assert np.array_equal(samples, np.array([block for block, _ in expected]))
        assert events == [told for _, told in expected]
        num_changes += sum(isinstance(event, TimeScaled | DelayChanged) for told in events for event in told)
    assert num_changes > 10


def test_a_packet_of_another_stream_is_told() -> None:
    stream = adaptive_stream()
    receive(stream, 1)
    stream.receive(make_packet(2), 2, 2**31, 20.0)
    _, events = stream.play(160, 20.0)
    assert [event.reason for event in events if isinstance(event, PacketDropped)] == ["of another stream"]


def test_without_networks_the_delay_adapts_too() -> None:
    config = ReceiverConfig(rate_hz=16_000, use_dred=False, plc="classic", adaptive=ADAPTIVE)
    line = Line(stream=ReceiveStream(config, ConstantCodec(), None), packet_of=make_packet)
    assert settled(line.talk(10)).max() < 45
