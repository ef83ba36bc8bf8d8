"""What a sender sends: the main stream as Opus makes it, redundancy beside it, sizes and numbers as asked for."""

from collections.abc import Iterator

import numpy as np
import pytest
from counting_encoder import CountingEncoder, SamplingEncoder, parse_packet_redundancy
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.audio import float_to_int16, int16_to_float
from dred.bitstream import DRED_FINAL, DRED_V10, DRED_V12, DredVersion
from dred.errors import UsageError
from dred.opus import OpusDecoder, OpusEncoder, OpusEncoderConfig, find_extension, parse_packet, strip_extensions
from dred.sender import DredConfig, SenderConfig, SendStream, SentPacket, protect_packets


def make_speech(num_samples: int, *, rate_hz: int = 16_000, channels: int = 1) -> np.ndarray:
    """Make noise with the syllables of speech and a second of digital silence, int16."""
    rng = np.random.default_rng(3)
    times = np.arange(num_samples) / rate_hz
    envelope = 0.2 * np.maximum(0, np.sin(2 * np.pi * 3 * times)) * ((times < 1) | (times > 2))
    return float_to_int16((rng.standard_normal((num_samples, channels)) * envelope[:, None]).astype(np.float32))


def send(pcm: np.ndarray, *, version: DredVersion = DRED_V12, block: int = 0, **settings: object) -> list[SentPacket]:
    stream = SendStream(SenderConfig(**{"rate_hz": 16_000} | settings), SamplingEncoder(version))
    sent: list[SentPacket] = []
    for start in range(0, len(pcm), block or len(pcm)):
        sent += stream.push(pcm[start : start + (block or len(pcm))])
    return sent + list(stream.finish())


def encode_plainly(pcm: np.ndarray, config: OpusEncoderConfig) -> Iterator[bytes]:
    """Encode with Opus alone, silence behind the end, as long as it takes."""
    encoder = OpusEncoder(config)
    frame_samples = config.packet_samples
    num_silent = encoder.lookahead_samples
    num_silent += -(len(pcm) + num_silent) % frame_samples
    padded = np.concatenate([int16_to_float(pcm), np.zeros((num_silent, config.channels), np.float32)])
    for start in range(0, len(padded), frame_samples):
        yield encoder.encode(padded[start : start + frame_samples])


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_packets_do_not_depend_on_blocks_or_on_the_type_of_samples(rate_hz: int, channels: int) -> None:
    pcm = make_speech(rate_hz // 2 + 77, rate_hz=rate_hz, channels=channels)
    whole = send(pcm, rate_hz=rate_hz, channels=channels)
    assert whole
    for block in (1_000, 333):
        assert send(pcm, rate_hz=rate_hz, channels=channels, block=block) == whole
    assert send(int16_to_float(pcm), rate_hz=rate_hz, channels=channels, block=480) == whole
    assert send(int16_to_float(pcm).astype(np.float64), rate_hz=rate_hz, channels=channels) == whole


@settings(max_examples=20)
@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=12))
def test_any_cutting_gives_the_same_packets(sizes: list[int]) -> None:
    pcm = make_speech(sum(sizes))
    stream = SendStream(SenderConfig(rate_hz=16_000), SamplingEncoder())
    sent = []
    start = 0
    for size in sizes:
        sent += stream.push(pcm[start : start + size])
        start += size
    sent += stream.finish()
    assert sent == send(pcm, block=max(1, len(pcm)))


@pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
@pytest.mark.parametrize(
    ("rate_hz", "channels", "application", "in_band_fec"),
    [
        pytest.param(16_000, 1, "voip", False, id="voip"),
        pytest.param(48_000, 2, "audio", False, id="stereo"),
        pytest.param(48_000, 1, "lowdelay", False, id="low delay"),
        pytest.param(16_000, 1, "voip", True, id="LBRR"),
    ],
)
def test_the_main_stream_is_bit_for_bit_what_opus_makes(
    frame_ms: int, rate_hz: int, channels: int, application: str, in_band_fec: bool
) -> None:
    pcm = make_speech(rate_hz, rate_hz=rate_hz, channels=channels)
    shared = {
        "rate_hz": rate_hz,
        "channels": channels,
        "application": application,
        "bitrate_bps": 32_000,
        "in_band_fec": in_band_fec,
        "expected_loss_percent": 20,
    }
    sent = send(pcm, frame_ms=frame_ms, **shared)
    plain = encode_plainly(pcm, OpusEncoderConfig(frame_duration_ms=frame_ms, **shared))
    # An encoder may write a packet in a larger form than it needs; what is compared is the smallest.
    assert [strip_extensions(packet.payload) for packet in sent] == [strip_extensions(packet) for packet in plain]
    assert sum(packet.num_latents > 0 for packet in sent) > len(sent) // 2


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
def test_protecting_the_packets_of_an_encoder_gives_the_packets_of_a_sender(frame_ms: int, channels: int) -> None:
    pcm = make_speech(16_000, channels=channels)
    config = OpusEncoderConfig(frame_duration_ms=frame_ms, channels=channels)
    plain = list(encode_plainly(pcm, config))
    protected = protect_packets(plain, pcm, rate_hz=16_000, config=DredConfig(), encoder=SamplingEncoder())
    sent = send(pcm, frame_ms=frame_ms, channels=channels, bitrate_bps=24_000)
    assert list(protected) == [packet.payload for packet in sent]


@pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
@pytest.mark.parametrize("total_bitrate_bps", [8_000, 32_000, 60_000, 510_000])
@pytest.mark.parametrize("dtx", [False, True])
def test_a_total_rate_makes_every_packet_of_one_size(frame_ms: int, total_bitrate_bps: int, dtx: bool) -> None:
    # Speech for a second, then half a second of silence.
    sent = send(make_speech(24_000), frame_ms=frame_ms, total_bitrate_bps=total_bitrate_bps, dtx=dtx)
    assert {len(packet.payload) for packet in sent} == {total_bitrate_bps * frame_ms // 8_000}


@pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
def test_a_total_rate_goes_to_the_main_stream_in_silence(frame_ms: int) -> None:
    pcm = np.concatenate([np.zeros((4_800, 1), np.int16), make_speech(8_000)])
    sent = send(pcm, frame_ms=frame_ms, total_bitrate_bps=60_000)
    talking = [packet for packet in sent if packet.num_latents]
    silent = [packet for packet in sent if not packet.num_latents]
    assert talking
    assert silent
    total_bytes = 60_000 * frame_ms // 8_000
    assert all(packet.main_bytes + packet.dred_bytes == total_bytes for packet in talking)
    assert all(packet.main_bytes >= 6_000 * frame_ms // 8_000 for packet in talking)
    assert all((packet.main_bytes, packet.dred_bytes) == (total_bytes, 0) for packet in silent)


def test_a_total_rate_can_be_all_main_stream() -> None:
    sent = send(make_speech(16_000), total_bitrate_bps=24_000, dred=None)
    assert {(len(packet.payload), packet.main_bytes, packet.dred_bytes) for packet in sent} == {(60, 60, 0)}


@pytest.mark.parametrize("max_bytes", [60, 100, 200])
def test_redundancy_takes_no_more_bytes_than_it_may(max_bytes: int) -> None:
    sent = send(make_speech(16_000), dred=DredConfig(q0=0, dq=0, max_bytes=max_bytes))
    payloads = [find_extension(packet.payload, 126, b"D\x0c") for packet in sent]
    sizes = [len(found.payload) - 2 for found in payloads if found is not None]
    assert max_bytes // 2 < max(sizes) <= max_bytes


def test_sizes_and_latents_are_told() -> None:
    encoder = SamplingEncoder()
    for packet in send(make_speech(16_000)):
        parsed = parse_packet_redundancy(packet.payload, encoder)
        assert packet.num_latents == (0 if parsed is None else parsed.num_latents)
        assert packet.main_bytes == len(strip_extensions(packet.payload))
        assert packet.main_bytes + packet.dred_bytes == len(packet.payload)
        assert packet.duration_ms == 20


def test_digital_silence_is_sent_without_redundancy() -> None:
    sent = send(np.zeros(3 * 16_000, np.int16))
    plain = list(encode_plainly(np.zeros((3 * 16_000, 1), np.int16), OpusEncoderConfig()))
    assert [packet.payload for packet in sent] == plain


@pytest.mark.parametrize("application", ["voip", "audio"])
@pytest.mark.parametrize(("rate_hz", "frame_ms"), [(8_000, 20), (16_000, 20), (48_000, 20), (48_000, 40), (16_000, 60)])
def test_the_steady_offset_is_25_ms(application: str, rate_hz: int, frame_ms: int) -> None:
    sent = send(make_speech(rate_hz, rate_hz=rate_hz), rate_hz=rate_hz, application=application, frame_ms=frame_ms)
    parsed = [parse_packet_redundancy(packet.payload, SamplingEncoder()) for packet in sent[180 // frame_ms :]]
    offsets = {found.offset_ticks for found in parsed if found is not None}
    assert 10 in offsets
    assert all(offset <= 10 and (10 - offset) % 8 == 0 for offset in offsets)


@pytest.mark.parametrize(
    ("version", "extension_id", "prefix"),
    [
        pytest.param(DRED_V12, 126, b"D\x0c", id="12"),
        pytest.param(DRED_V10, 126, b"D\x0a", id="10"),
        pytest.param(DRED_FINAL, 32, b"", id="final"),
    ],
)
def test_each_version_has_its_extension_and_prefix(version: DredVersion, extension_id: int, prefix: bytes) -> None:
    encoder = SamplingEncoder(version)
    sent = send(make_speech(16_000), version=version, dred=DredConfig(version=version.name))
    rich = [packet for packet in sent if packet.num_latents]
    assert rich
    for packet in rich:
        parsed = parse_packet(packet.payload)
        # The last extension needs no length: L is 0.
        # In front of it there may be the byte of padding that keeps it out of reach of the frame.
        assert parsed.padding.lstrip(b"\x01").startswith(bytes([extension_id << 1]) + prefix)
        found = parse_packet_redundancy(packet.payload, encoder)
        assert found is not None
        assert found.num_latents == packet.num_latents


@pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
@pytest.mark.parametrize("num_samples", [0, 1, 319, 320, 3_200, 5_000])
def test_the_end_is_sent_with_the_codecs_delay(frame_ms: int, num_samples: int) -> None:
    sent = send(make_speech(num_samples), frame_ms=frame_ms, block=100)
    frame_samples = 16 * frame_ms
    assert len(sent) == -(-(num_samples + 104) // frame_samples)
    decoder = OpusDecoder(16_000, 1)
    assert sum(len(decoder.decode(packet.payload)) for packet in sent) >= num_samples + 104


def test_sequence_and_timestamp_count_on_and_wrap_around() -> None:
    sent = send(make_speech(1_600), sequence=65_534, timestamp=2**32 - 1_920)
    assert [packet.sequence for packet in sent[:4]] == [65_534, 65_535, 0, 1]
    assert [packet.timestamp for packet in sent[:4]] == [2**32 - 1_920, 2**32 - 960, 0, 960]


def test_without_redundancy_a_sender_is_an_opus_encoder() -> None:
    pcm = make_speech(16_000)
    stream = SendStream(SenderConfig(rate_hz=16_000, dred=None), None)
    sent = [*stream.push(pcm), *stream.finish()]
    assert [packet.payload for packet in sent] == list(encode_plainly(pcm, OpusEncoderConfig()))


def test_redundancy_describes_the_mean_of_both_channels() -> None:
    mono = make_speech(16_000)
    both = np.repeat(mono, 2, axis=1)
    encoder = SamplingEncoder()
    of_mono, of_both = (
        [parse_packet_redundancy(packet.payload, encoder) for packet in sent]
        for sent in (send(mono), send(both, channels=2))
    )
    assert len(of_mono) == len(of_both)
    for one, other in zip(of_mono, of_both):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert np.array_equal(one.latent_symbols, other.latent_symbols)


@pytest.mark.parametrize(
    "pcm",
    [
        pytest.param(np.array([0.0, np.nan], np.float32), id="NaN"),
        pytest.param(np.array([0.0, -np.inf], np.float32), id="infinity"),
        pytest.param(np.zeros(320, np.int32), id="32-bit integers"),
        pytest.param(np.zeros((320, 2), np.int16), id="two channels"),
        pytest.param(np.zeros((1, 1, 1), np.int16), id="three axes"),
    ],
)
def test_samples_that_are_none_are_refused_and_cost_nothing(pcm: np.ndarray) -> None:
    speech = make_speech(3_200)
    stream = SendStream(SenderConfig(rate_hz=16_000), SamplingEncoder())
    sent = list(stream.push(speech))
    with pytest.raises(UsageError):
        stream.push(pcm)
    assert [*sent, *stream.finish()] == send(speech)


def test_a_receiver_without_networks_plays_protected_packets_as_plain_ones() -> None:
    decoders = [OpusDecoder(16_000, 1) for _ in range(2)]
    for packet in send(make_speech(16_000)):
        protected, plain = packet.payload, strip_extensions(packet.payload)
        assert np.array_equal(decoders[0].decode(protected), decoders[1].decode(plain))


def test_the_networks_run_once_per_20_ms_whatever_is_taken() -> None:
    for duration_ms in (20, 1_040):
        encoder = CountingEncoder()
        stream = SendStream(SenderConfig(rate_hz=16_000, dred=DredConfig(duration_ms=duration_ms)), encoder)
        assert len(list(stream.push(make_speech(16_000)))) == 50
        assert encoder.num_steps == 50
