"""Whole streams: `protect` for packets of another encoder, `recover` and `recover_stream` for what survived."""

from pathlib import Path

import numpy as np
import pytest
from sent_clips import list_clips, read_clip, send_clip

import dred
from dred import ArrivedPacket, PacketDropped, Played, ReceiverConfig, UsageError, protect, recover, recover_stream
from dred.channel import read_trace
from dred.opus import OpusDecoder, OpusEncoder, OpusEncoderConfig, parse_packet, strip_extensions
from dred.rtp import RedBlock
from dred.weights import WeightSet

pytestmark = pytest.mark.reference

CONFIG = ReceiverConfig(rate_hz=16_000)


@pytest.fixture(scope="module")
def clip(shared: Path) -> Path:
    return list_clips(shared)[0]


@pytest.fixture(scope="module")
def sent(clip: Path, weights_v12: WeightSet) -> list[bytes]:
    """Three seconds in packets of 20 ms."""
    return [packet.payload for packet in send_clip(read_clip(clip, seconds=3), weights_v12)]


def total_ms(events: list[dred.Event], source: str) -> float:
    return sum(event.duration_rtp for event in events if isinstance(event, Played) and event.source == source) / 48


def level_distance_db(reference: np.ndarray, test: np.ndarray) -> float:
    """Return how far the levels in six bands of 20 ms frames are apart, root mean square."""
    levels = []
    for signal in (reference, test):
        frames = signal[: signal.size // 320 * 320].reshape(-1, 320) * np.hanning(320)
        power = np.abs(np.fft.rfft(frames)[:, 1:121]) ** 2
        levels.append(10 * np.log10(power.reshape(len(power), 6, -1).sum(axis=2) + 1e-3))
    return float(np.sqrt(np.mean((levels[0] - levels[1]) ** 2)))


def test_without_loss_the_packets_are_decoded_as_they_are(sent: list[bytes], weights_v12: WeightSet) -> None:
    played, events = recover(sent, config=CONFIG, weights=[weights_v12])
    decoder = OpusDecoder(16_000, 1)
    assert np.array_equal(played, np.concatenate([decoder.decode(packet) for packet in sent]))
    assert total_ms(events, "received") == 20 * len(sent)


@pytest.mark.parametrize("priming", [False, True])
def test_redundancy_brings_back_what_concealment_cannot(
    sent: list[bytes], clip: Path, weights_v12: WeightSet, shared: Path, priming: bool
) -> None:
    lost = read_trace(shared / "bench/traces/ge20b5" / f"{clip.stem}.txt")[: len(sent)]
    survived = [None if is_lost else packet for packet, is_lost in zip(sent, lost)]
    clean, _ = recover(sent[: len(survived)], config=CONFIG, weights=[weights_v12])
    distances = {}
    for use_dred in (True, False):
        config = ReceiverConfig(rate_hz=16_000, use_dred=use_dred, priming=priming)
        played, events = recover(survived, config=config, weights=[weights_v12])
        assert len(played) == 320 * len(survived)
        distances[use_dred] = level_distance_db(clean[:, 0], played[:, 0])
        assert total_ms(events, "dred" if use_dred else "plc") >= 20 * (np.sum(lost) - 3)
    assert distances[True] < 0.7 * distances[False]


@pytest.mark.parametrize("rate_hz", [8_000, 12_000, 24_000, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_length_is_that_of_the_packets_at_any_rate(
    rate_hz: int, channels: int, sent: list[bytes], weights_v12: WeightSet
) -> None:
    survived = [None if number % 9 in (3, 4) else packet for number, packet in enumerate(sent[:40])]
    played, _ = recover(survived, config=ReceiverConfig(rate_hz=rate_hz, channels=channels), weights=[weights_v12])
    assert played.shape == (40 * rate_hz // 50, channels)
    assert np.all(played[:, 0] == played[:, -1])


def test_a_lost_packet_is_as_long_as_the_first_that_survived(clip: Path, weights_v12: WeightSet) -> None:
    packets = [packet.payload for packet in send_clip(read_clip(clip, seconds=1), weights_v12, frame_ms=60)]
    played, events = recover([None, *packets[1:4], None, packets[5]], config=CONFIG, weights=[weights_v12])
    assert len(played) == 6 * 960
    assert total_ms(events, "received") == 240


@pytest.mark.parametrize("packets", [[], [None, None], [b"", None]])
def test_a_stream_without_any_sound_packet_is_refused(packets: list[bytes | None]) -> None:
    with pytest.raises(UsageError, match="at least one sound packet"):
        recover(packets, config=CONFIG)


def test_a_broken_packet_counts_as_lost_and_is_told(sent: list[bytes], weights_v12: WeightSet) -> None:
    played, events = recover([*sent[:5], b"", *sent[6:10]], config=CONFIG, weights=[weights_v12])
    assert len(played) == 10 * 320
    assert [event.sequence for event in events if isinstance(event, PacketDropped)] == [5]
    assert total_ms(events, "received") == 180


def test_a_stream_with_numbers_is_played_as_one_without(sent: list[bytes], weights_v12: WeightSet) -> None:
    survived = [None if number in (5, 6, 20) else packet for number, packet in enumerate(sent[:50])]
    plain, _ = recover(survived, config=CONFIG, weights=[weights_v12])
    start = 2**32 - 10 * 960
    arrived = [
        ArrivedPacket(payload=packet, sequence=(65_530 + number) % 2**16, timestamp=(start + 960 * number) % 2**32)
        for number, packet in enumerate(survived)
        if packet is not None
    ]
    played, _ = recover_stream(arrived, start=start, duration_rtp=50 * 960, config=CONFIG, weights=[weights_v12])
    assert np.array_equal(played, plain)


def test_copies_of_a_lost_packet_are_played(sent: list[bytes], weights_v12: WeightSet) -> None:
    def arrive(number: int) -> ArrivedPacket:
        copy = RedBlock(payload_type=111, timestamp_offset=960, payload=strip_extensions(sent[number - 1]))
        return ArrivedPacket(payload=sent[number], sequence=number, timestamp=960 * number, copies=[copy])

    arrived = [arrive(number) for number in range(1, 30) if number % 4]
    played, events = recover_stream(arrived, start=960, duration_rtp=28 * 960, config=CONFIG, weights=[weights_v12])
    assert total_ms(events, "red") == 7 * 20
    whole, _ = recover(sent[1:29], config=CONFIG, weights=[weights_v12])
    assert np.array_equal(played, whole)


def test_no_more_is_played_than_asked_for(sent: list[bytes], weights_v12: WeightSet) -> None:
    arrived = [ArrivedPacket(payload=packet, sequence=n, timestamp=960 * n) for n, packet in enumerate(sent[:9])]
    for duration_rtp, num_samples in ((0, 0), (123, 41), (5_000, 1_666), (20 * 960, 6_400)):
        played, _ = recover_stream(arrived, start=0, duration_rtp=duration_rtp, config=CONFIG, weights=[weights_v12])
        assert played.shape == (num_samples, 1)


def test_protected_packets_of_another_encoder_are_recovered(clip: Path, weights_v12: WeightSet) -> None:
    pcm = read_clip(clip, seconds=2)
    encoder = OpusEncoder(OpusEncoderConfig(bitrate_bps=24_000))
    plain = [encoder.encode(frame) for frame in pcm.reshape(-1, 320)]
    protected = list(protect(plain, pcm, rate_hz=16_000, weights=weights_v12))
    assert [parse_packet(packet).frames for packet in protected] == [parse_packet(packet).frames for packet in plain]
    survived = [None if 40 <= number < 50 else packet for number, packet in enumerate(protected)]
    _, events = recover(survived, config=CONFIG, weights=[weights_v12])
    assert total_ms(events, "dred") == 200
