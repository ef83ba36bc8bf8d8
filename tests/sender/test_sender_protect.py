"""Redundancy for packets that another encoder made."""

from collections.abc import Iterator

import numpy as np
import pytest
from counting_encoder import CountingEncoder, SamplingEncoder, parse_packet_redundancy, steps_of

from dred.errors import OpusFormatError, UsageError
from dred.opus import OpusEncoder, OpusEncoderConfig, parse_extensions, parse_packet, write_packet
from dred.sender import DredConfig, protect_packets

CONFIG = DredConfig(q0=0, dq=0)


def speech(num_samples: int, rng: np.random.Generator, channels: int = 1) -> np.ndarray:
    return (0.1 * rng.standard_normal((num_samples, channels))).astype(np.float32)


def encode(pcm: np.ndarray, rate_hz: int, **settings: object) -> Iterator[bytes]:
    config = OpusEncoderConfig(**{"rate_hz": rate_hz, "channels": pcm.shape[1]} | settings)
    encoder = OpusEncoder(config)
    for start in range(0, len(pcm) - config.packet_samples + 1, config.packet_samples):
        yield encoder.encode(pcm[start : start + config.packet_samples])


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8_000, 12_000, 16_000, 24_000, 48_000])
def test_the_frames_stay_bit_for_bit(rate_hz: int, channels: int, rng: np.random.Generator) -> None:
    pcm = speech(rate_hz, rng, channels)
    packets = list(encode(pcm, rate_hz))
    protected = list(protect_packets(packets, pcm, rate_hz=rate_hz, config=CONFIG, encoder=SamplingEncoder()))
    assert len(protected) == len(packets)
    for before, after in zip(packets, protected):
        assert parse_packet(after).frames == parse_packet(before).frames
        assert parse_packet(after).toc == parse_packet(before).toc
    encoder = SamplingEncoder()
    assert all(parse_packet_redundancy(packet, encoder) is not None for packet in protected[2:])


def test_packets_of_several_lengths_keep_their_places(rng: np.random.Generator) -> None:
    pcm = speech(16_000, rng)
    packets = []
    position = 0
    encoders = {ms: OpusEncoder(OpusEncoderConfig(frame_duration_ms=ms)) for ms in (10, 20, 60)}
    for number in range(27):
        ms = (20, 60, 10)[number % 3]
        packets.append(encoders[ms].encode(pcm[position : position + 16 * ms]))
        position += 16 * ms
    encoder = CountingEncoder()
    protected = protect_packets(packets, pcm, rate_hz=16_000, config=CONFIG, encoder=encoder)
    end_ms = 0
    for packet in protected:
        start_ms, end_ms = end_ms, end_ms + parse_packet(packet).duration_rtp // 48
        parsed = parse_packet_redundancy(packet, encoder)
        if end_ms >= 60:
            assert parsed is not None
            # As in the sender: step n ends 20 n ms after the start, and the decoder lags by 6.5 ms.
            step_end_ms = 20 * steps_of(parsed)[0] + (104 - 11) / 16
            assert start_ms + 2.5 * parsed.offset_ticks == pytest.approx(step_end_ms, abs=1.35)


def test_what_lies_in_the_padding_stays_in_front(rng: np.random.Generator) -> None:
    pcm = speech(1_600, rng)
    packets = [
        write_packet(parse_packet(packet).toc, parse_packet(packet).frames, b"\x06") for packet in encode(pcm, 16_000)
    ]
    protected = list(protect_packets(packets, pcm, rate_hz=16_000, config=CONFIG, encoder=CountingEncoder()))
    assert [extension.id for extension in parse_extensions(parse_packet(protected[-1]).padding, 1)] == [3, 126]


def test_int16_and_float_give_the_same(rng: np.random.Generator) -> None:
    pcm = rng.integers(-3_000, 3_000, 8_000).astype(np.int16)
    floats = (pcm / 32768).astype(np.float32)
    packets = list(encode(floats[:, None], 16_000))
    first, second = (
        list(protect_packets(packets, samples, rate_hz=16_000, config=CONFIG, encoder=SamplingEncoder()))
        for samples in (pcm, floats)
    )
    assert first == second


def test_where_the_signal_ends_early_the_packets_describe_silence(rng: np.random.Generator) -> None:
    pcm = speech(16_000, rng)
    packets = list(encode(pcm, 16_000))
    short, whole = (
        list(protect_packets(packets, samples, rate_hz=16_000, config=CONFIG, encoder=CountingEncoder()))
        for samples in (pcm[:8_000], pcm)
    )
    assert len(short) == len(packets)
    assert short[:25] == whole[:25]
    offsets = [parse_packet_redundancy(packet, CountingEncoder()) for packet in short[-5:]]
    assert all(parsed is not None and parsed.offset_ticks < 0 for parsed in offsets)


def test_packets_are_taken_one_at_a_time(rng: np.random.Generator) -> None:
    pcm = speech(3_200, rng)
    taken = []

    def source() -> Iterator[bytes]:
        for packet in encode(pcm, 16_000):
            taken.append(packet)
            yield packet

    protected = protect_packets(source(), pcm, rate_hz=16_000, config=CONFIG, encoder=CountingEncoder())
    next(protected)
    assert len(taken) == 1


@pytest.mark.parametrize("rate_hz", [0, 11_025, 44_100, 96_000])
def test_a_rate_that_opus_lacks_is_refused(rate_hz: int) -> None:
    with pytest.raises(UsageError, match="rate_hz"):
        list(protect_packets([], np.zeros(0), rate_hz=rate_hz, config=CONFIG, encoder=CountingEncoder()))


def test_a_signal_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="finite"):
        list(protect_packets([], np.array([np.nan]), rate_hz=16_000, config=CONFIG, encoder=CountingEncoder()))


def test_a_broken_packet_is_told() -> None:
    pcm = np.zeros(320, np.int16)
    with pytest.raises(OpusFormatError):
        list(protect_packets([b"\x4b"], pcm, rate_hz=16_000, config=CONFIG, encoder=CountingEncoder()))
