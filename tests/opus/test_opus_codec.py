"""The codec through libopus: every rate, duration and number of channels, loss, silence and misuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from dred.errors import LibopusError, OpusFormatError, UsageError
from dred.opus import (
    OpusDecoder,
    OpusEncoder,
    OpusEncoderConfig,
    has_lbrr,
    load_libopus,
    packet_duration_rtp,
    parse_toc,
)

RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
DURATIONS_MS = (2.5, 5, 10, 20, 40, 60, 80, 100, 120)


def voice(num_samples: int, rate_hz: int = 16_000) -> np.ndarray:
    """A buzz with a moving pitch and loudness, which the encoder takes for speech."""
    seconds = np.arange(num_samples) / rate_hz
    phase = 2 * np.pi * (130 * seconds + 15 * np.sin(3 * seconds))
    buzz = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 12))
    return (0.12 * buzz * (1.2 + np.sin(11 * seconds))).astype(np.float32)


def encode_all(encoder: OpusEncoder, pcm: np.ndarray) -> list[bytes]:
    size = encoder.config.packet_samples
    return [encoder.encode(pcm[start : start + size]) for start in range(0, len(pcm) - size + 1, size)]


def agreement(expected: np.ndarray, got: np.ndarray, delay: int) -> float:
    """Correlation of two signals, the second one delayed."""
    return float(np.corrcoef(expected[: len(got) - delay], got[delay:])[0, 1])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("frame_duration_ms", DURATIONS_MS)
def test_what_is_encoded_decodes_into_the_same_sound(rate_hz: int, channels: int, frame_duration_ms: float) -> None:
    config = OpusEncoderConfig(
        rate_hz=rate_hz,
        channels=channels,
        frame_duration_ms=frame_duration_ms,
        application="audio",  # "voip" turns the phase of low frequencies, which spoils the comparison.
        bitrate_bps=128_000 * channels,
        complexity=2,
    )
    encoder, decoder = OpusEncoder(config), OpusDecoder(rate_hz, channels)
    num_samples = round(rate_hz * 0.48)
    pcm = np.repeat(voice(num_samples, rate_hz)[:, None], channels, axis=1)
    packets = encode_all(encoder, pcm)
    decoded = []
    for packet in packets:
        assert packet_duration_rtp(packet) == frame_duration_ms * 48
        decoded.append(decoder.decode(packet))
        assert decoded[-1].shape == (config.packet_samples, channels)
        assert decoder.last_packet_duration == config.packet_samples
    assert decoder.final_range == encoder.final_range != 0
    signal = np.concatenate(decoded)
    for channel in range(channels):
        assert agreement(pcm[:, channel], signal[:, channel], encoder.lookahead_samples) > 0.95


def test_int16_and_float_pcm_encode_alike() -> None:
    samples = np.round(voice(320) * 32_768).astype(np.int16)
    floats = samples.astype(np.float32) / 32_768
    packets = {OpusEncoder(OpusEncoderConfig()).encode(pcm) for pcm in (samples, floats, floats[:, None])}
    assert len(packets) == 1


def test_pcm_need_not_be_contiguous() -> None:
    wide = np.zeros((320, 3), np.float32)
    wide[:, 1] = voice(320)
    assert OpusEncoder(OpusEncoderConfig()).encode(wide[:, 1]) == OpusEncoder(OpusEncoderConfig()).encode(voice(320))


@pytest.mark.parametrize(("mode", "bandwidth"), [("silk", "wide"), ("hybrid", "full"), ("celt", "superwide")])
def test_mode_and_bandwidth_can_be_forced(mode: str, bandwidth: str) -> None:
    config = OpusEncoderConfig(rate_hz=48_000, force_mode=mode, bandwidth=bandwidth, bitrate_bps=40_000)
    tocs = {parse_toc(packet) for packet in encode_all(OpusEncoder(config), voice(48_000, 48_000))[1:]}
    assert {(toc.mode, toc.bandwidth) for toc in tocs} == {(mode, bandwidth)}


def test_constant_bitrate_makes_all_packets_alike() -> None:
    packets = encode_all(OpusEncoder(OpusEncoderConfig(vbr=False, bitrate_bps=32_000)), voice(16_000))
    assert {len(packet) for packet in packets} == {80}


def test_the_bitrate_can_be_changed_on_the_way() -> None:
    encoder = OpusEncoder(OpusEncoderConfig(vbr=False, bitrate_bps=16_000))
    assert len(encoder.encode(voice(320))) == 40
    encoder.set_bitrate(64_000)
    assert len(encoder.encode(voice(320))) == 160


def test_no_packet_exceeds_what_is_allowed() -> None:
    encoder = OpusEncoder(OpusEncoderConfig(bitrate_bps=64_000))
    assert max(len(encoder.encode(voice(320), max_bytes=30)) for _ in range(5)) <= 30


def test_silence_is_hardly_sent_with_dtx() -> None:
    encoder = OpusEncoder(OpusEncoderConfig(dtx=True))
    decoder = OpusDecoder(16_000, 1)
    packets = encode_all(encoder, np.concatenate([voice(3_200), np.zeros(32_000, np.float32)]))
    unsent = [packet for packet in packets if len(packet) <= 2]
    assert len(unsent) > 50
    assert np.abs(decoder.decode(unsent[-1])).max() < 0.01


@pytest.fixture(scope="module")
def lbrr_packets() -> list[bytes]:
    config = OpusEncoderConfig(force_mode="silk", in_band_fec=True, expected_loss_percent=25, bitrate_bps=32_000)
    return encode_all(OpusEncoder(config), voice(32_000))


def test_lbrr_is_sent_when_loss_is_expected(lbrr_packets: list[bytes]) -> None:
    assert sum(map(has_lbrr, lbrr_packets)) > len(lbrr_packets) // 2
    config = OpusEncoderConfig(force_mode="silk", in_band_fec=True, bitrate_bps=32_000)
    encoder = OpusEncoder(config)
    assert not any(map(has_lbrr, encode_all(encoder, voice(32_000))))
    encoder.set_expected_loss(25)
    assert any(map(has_lbrr, encode_all(encoder, voice(32_000))))


def test_lbrr_mends_a_lost_packet_better_than_concealment(lbrr_packets: list[bytes]) -> None:
    errors = {}
    for how in ("lbrr", "concealment"):
        intact, lossy = OpusDecoder(16_000, 1), OpusDecoder(16_000, 1)
        errors[how] = 0.0
        for index, packet in enumerate(lbrr_packets[:-1]):
            expected = intact.decode(packet)
            if index % 7 != 6 or not has_lbrr(lbrr_packets[index + 1]):
                lossy.decode(packet)
                continue
            mended = lossy.decode_fec(lbrr_packets[index + 1], 320) if how == "lbrr" else lossy.conceal(320)
            assert mended.shape == (320, 1)
            errors[how] += float(np.square(mended - expected).sum())
    assert 0 < errors["lbrr"] < 0.5 * errors["concealment"]


@pytest.mark.parametrize("num_samples", [40, 320, 960, 1920])
def test_a_gap_of_any_length_can_be_filled(lbrr_packets: list[bytes], num_samples: int) -> None:
    decoder = OpusDecoder(16_000, 1)
    for packet in lbrr_packets[:10]:
        decoder.decode(packet)
    for filled in (decoder.decode_fec(lbrr_packets[11], num_samples), decoder.conceal(num_samples)):
        assert filled.shape == (num_samples, 1)
        assert np.isfinite(filled).all()
        assert decoder.last_packet_duration == num_samples


def test_concealment_fades_out(lbrr_packets: list[bytes]) -> None:
    decoder = OpusDecoder(16_000, 1)
    loud = np.abs(np.concatenate([decoder.decode(packet) for packet in lbrr_packets[:20]])).max()
    gap = [np.abs(decoder.conceal(320)).max() for _ in range(100)]
    assert gap[0] > 0.1 * loud
    assert gap[-1] < 0.05 * loud


def test_a_reset_codec_starts_anew() -> None:
    encoder, decoder = OpusEncoder(OpusEncoderConfig()), OpusDecoder(16_000, 1)
    first = encode_all(encoder, voice(3_200))
    heard = [decoder.decode(packet) for packet in first]
    assert encode_all(encoder, voice(3_200)) != first
    encoder.reset()
    decoder.reset()
    assert encode_all(encoder, voice(3_200)) == first
    assert np.array_equal([decoder.decode(packet) for packet in first], heard)


def test_mono_packets_play_in_stereo_and_stereo_packets_in_mono() -> None:
    mono = encode_all(OpusEncoder(OpusEncoderConfig()), voice(6_400))
    both = OpusDecoder(16_000, 2)
    heard = np.concatenate([both.decode(packet) for packet in mono])
    assert np.array_equal(heard[:, 0], heard[:, 1])
    pcm = np.stack([voice(6_400), np.zeros(6_400, np.float32)], axis=1)
    config = OpusEncoderConfig(channels=2, bitrate_bps=64_000)
    stereo = encode_all(OpusEncoder(config), pcm)
    encoder = OpusEncoder(config)
    assert any(parse_toc(packet).stereo for packet in stereo)
    one = OpusDecoder(16_000, 1)
    downmix = np.concatenate([one.decode(packet) for packet in stereo])[:, 0]
    assert agreement(voice(6_400), downmix, encoder.lookahead_samples) > 0.9


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_packet_plays_at_any_rate(rate_hz: int) -> None:
    decoder = OpusDecoder(rate_hz, 1)
    assert decoder.decode(OpusEncoder(OpusEncoderConfig()).encode(voice(320))).shape == (rate_hz // 50, 1)


def test_extensions_can_be_ignored() -> None:
    packet = OpusEncoder(OpusEncoderConfig()).encode(voice(320))
    decoder = OpusDecoder(16_000, 1)
    if not load_libopus().capabilities.ignore_extensions:
        with pytest.raises(LibopusError, match="SET_IGNORE_EXTENSIONS"):
            decoder.ignore_extensions(True)
        return
    decoder.ignore_extensions(True)
    assert decoder.decode(packet).shape == (320, 1)


@pytest.mark.parametrize(
    ("packet", "rule"),
    [
        (b"", "R1"),
        (b"\x48" + bytes(65_535), "R1"),
        (b"\x48" + bytes(1276), "R2"),
        (b"\x49abc", "R3"),
        (b"\x4a\x09a", "R4"),
        (b"\x4b\x00", "R5"),
        (b"\x4b", "R6"),
        (b"\x4b\x82\x09", "R7"),
    ],
)
def test_a_bad_packet_is_named_and_the_decoder_goes_on(packet: bytes, rule: str, lbrr_packets: list[bytes]) -> None:
    decoder, undisturbed = OpusDecoder(16_000, 1), OpusDecoder(16_000, 1)
    for good in lbrr_packets[:3]:
        assert np.array_equal(decoder.decode(good), undisturbed.decode(good))
    for decode in (decoder.decode, lambda data: decoder.decode_fec(data, 320)):
        with pytest.raises(OpusFormatError) as caught:
            decode(packet)
        assert caught.value.rule.startswith(rule)
    assert np.array_equal(decoder.decode(lbrr_packets[3]), undisturbed.decode(lbrr_packets[3]))


@settings(max_examples=150)
@given(data=st.data())
def test_any_bytes_decode_or_are_a_format_error(lbrr_packets: list[bytes], data: st.DataObject) -> None:
    decoder = OpusDecoder(16_000, 1)
    for good in lbrr_packets[:3]:
        decoder.decode(good)
    packet = data.draw(st.binary(max_size=80) | st.sampled_from(lbrr_packets[3:10]))
    mutated = bytearray(packet)
    for _ in range(data.draw(st.integers(0, 4))):
        if mutated:
            mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    for decode in (decoder.decode, lambda packet: decoder.decode_fec(packet, 320)):
        try:
            pcm = decode(bytes(mutated))
        except OpusFormatError:
            continue
        assert np.isfinite(pcm).all()
    assert np.isfinite(decoder.decode(lbrr_packets[-1])).all()


@pytest.mark.parametrize("num_samples", [0, -40, 39, 1960, 321])
def test_a_gap_out_of_range_is_refused(num_samples: int, lbrr_packets: list[bytes]) -> None:
    decoder = OpusDecoder(16_000, 1)
    with pytest.raises(UsageError, match="multiple of 40 samples up to 1920"):
        decoder.conceal(num_samples)
    with pytest.raises(UsageError, match="multiple of 40 samples up to 1920"):
        decoder.decode_fec(lbrr_packets[0], num_samples)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"rate_hz": 44_100}, "8000, 12000, 16000, 24000, 48000, not 44100"),
        ({"channels": 3}, "1, 2, not 3"),
        ({"bitrate_bps": 499}, "500 to 512000, not 499"),
        ({"bitrate_bps": 512_001}, "500 to 512000"),
        ({"complexity": 11}, "0 to 10, not 11"),
        ({"expected_loss_percent": 101}, "0 to 100, not 101"),
        ({"frame_duration_ms": 30}, "not 30"),
        ({"application": "lowdelay", "force_mode": "silk"}, "only celt"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        OpusEncoderConfig(**settings)


@pytest.mark.parametrize("name", ["application", "bandwidth", "signal", "force_mode"])
def test_an_unknown_choice_is_refused(name: str) -> None:
    with pytest.raises((UsageError, TypeCheckError)):
        OpusEncoderConfig(**{name: "best"})


def test_misuse_of_an_encoder_is_refused() -> None:
    encoder = OpusEncoder(OpusEncoderConfig(channels=2))
    for shape in ((320,), (320, 1), (160, 2), (2, 320)):
        with pytest.raises(UsageError, match="shape"):
            encoder.encode(np.zeros(shape, np.float32))
    with pytest.raises((UsageError, TypeCheckError)):
        encoder.encode(np.zeros((320, 2)))
    for max_bytes in (0, 7663):
        with pytest.raises(UsageError, match="1 to 7662"):
            encoder.encode(np.zeros((320, 2), np.float32), max_bytes)
    with pytest.raises(UsageError, match="500 to 512000"):
        encoder.set_bitrate(0)
    with pytest.raises(UsageError, match="0 to 100"):
        encoder.set_expected_loss(-1)
    with pytest.raises(UsageError, match="0 to 104"):
        encoder.set_dred_duration(105)


def test_misuse_of_a_decoder_is_refused() -> None:
    for arguments in ((44_100, 1, None, 0), (16_000, 0, None, 0), (16_000, 1, None, 11)):
        with pytest.raises(UsageError):
            OpusDecoder(*arguments)


def test_libopus_own_refusals_carry_its_code() -> None:
    encoder = OpusEncoder(OpusEncoderConfig(frame_duration_ms=100))
    with pytest.raises(LibopusError, match="cannot encode") as caught:
        encoder.encode(voice(1_600), max_bytes=1)
    assert caught.value.code == -2


def test_a_decoder_takes_over_from_another_and_goes_on_alike() -> None:
    encoder = OpusEncoder(OpusEncoderConfig(rate_hz=16_000))
    noise = np.random.default_rng(3).uniform(-0.2, 0.2, (4, 320)).astype(np.float32)
    packets = [encoder.encode(frame) for frame in noise]
    one, other = OpusDecoder(16_000, 1), OpusDecoder(16_000, 1)
    for packet in packets[:3]:
        one.decode(packet)
    assert not other.stands_like(one)
    other.take_over(one)
    assert other.stands_like(one)
    assert np.array_equal(other.decode(packets[3]), one.decode(packets[3]))
    assert other.stands_like(one)


def test_a_decoder_takes_over_only_from_its_like() -> None:
    with pytest.raises(UsageError, match="same library, rate and channels"):
        OpusDecoder(16_000, 1).take_over(OpusDecoder(48_000, 1))
