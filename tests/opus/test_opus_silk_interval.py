"""What may follow a SILK frame: libopus's decoder stays where it is up to that byte, and not beyond."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.opus import (
    OpusDecoder,
    OpusEncoder,
    OpusEncoderConfig,
    OpusPacket,
    Toc,
    largest_follower,
    parse_packet,
    write_packet,
)

SETTINGS: list[dict[str, Any]] = [
    {"rate_hz": 16_000, "bitrate_bps": 24_000},
    {"rate_hz": 16_000, "bitrate_bps": 80_000},
    {"rate_hz": 16_000, "bitrate_bps": 24_000, "frame_duration_ms": 10},
    {"rate_hz": 16_000, "bitrate_bps": 20_000, "frame_duration_ms": 60},
    {"rate_hz": 12_000, "bitrate_bps": 16_000},
    {"rate_hz": 12_000, "bitrate_bps": 16_000, "frame_duration_ms": 10},
    {"rate_hz": 8_000, "bitrate_bps": 12_000, "frame_duration_ms": 40},
    {"rate_hz": 8_000, "bitrate_bps": 12_000, "frame_duration_ms": 10},
    {"rate_hz": 16_000, "bitrate_bps": 32_000, "channels": 2},
    {"rate_hz": 16_000, "bitrate_bps": 14_000, "channels": 2, "frame_duration_ms": 60},
    {"rate_hz": 16_000, "bitrate_bps": 32_000, "in_band_fec": True, "expected_loss_percent": 20},
    {
        "rate_hz": 16_000,
        "bitrate_bps": 32_000,
        "in_band_fec": True,
        "expected_loss_percent": 20,
        "frame_duration_ms": 60,
    },
    {"rate_hz": 16_000, "bitrate_bps": 48_000, "in_band_fec": True, "expected_loss_percent": 20, "channels": 2},
]


def speech(config: OpusEncoderConfig, seconds: int) -> np.ndarray:
    """Voiced and unvoiced stretches, softer and at another time in the second channel."""
    rng = np.random.default_rng(5)
    times = np.arange(seconds * config.rate_hz) / config.rate_hz
    voice = np.sign(np.sin(2 * np.pi * (120 + 40 * np.sin(2 * np.pi * times)) * times)) * (np.sin(7 * times) > -0.3)
    mono = 0.1 * voice + 0.03 * rng.standard_normal(times.size) * (1 + np.sin(11 * times))
    return np.stack([mono, 0.5 * np.roll(mono, 300)][: config.channels], axis=1).astype(np.float32)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: " ".join(map(str, setting.values())))
def test_the_largest_follower_leaves_a_decoder_where_it_is_and_a_larger_one_does_not(setting: dict[str, Any]) -> None:
    config = OpusEncoderConfig(force_mode="silk", **setting)
    encoder = OpusEncoder(config)
    decoder, before, trial = (OpusDecoder(16_000, config.channels) for _ in range(3))
    num_open = 0
    for frame in speech(config, 6).reshape(-1, config.packet_samples, config.channels):
        packet = encoder.encode(frame)
        parsed = parse_packet(packet)
        largest = largest_follower(parsed)
        before.take_over(decoder)
        decoder.decode(packet)

        def stands_with(follower: int, parsed: OpusPacket = parsed) -> bool:
            trial.take_over(before)
            trial.decode(write_packet(parsed.toc, [*parsed.frames[:-1], parsed.frames[-1] + bytes([follower])]))
            return trial.stands_like(decoder)

        if largest >= 0:
            assert stands_with(largest)
        # Zeros follow here, not the largest: so one more may still do, but two more cannot.
        if largest < 254:
            assert not stands_with(largest + 2)
            num_open += 1
    assert num_open > 0


@pytest.mark.parametrize("mode", ["hybrid", "celt"])
def test_frames_with_celt_do_not_mind(mode: str) -> None:
    encoder = OpusEncoder(OpusEncoderConfig(rate_hz=48_000, bitrate_bps=48_000, force_mode=mode))
    signal = speech(encoder.config, 1).reshape(-1, 960, 1)
    assert {largest_follower(parse_packet(encoder.encode(frame))) for frame in signal} == {255}


@pytest.mark.parametrize("frame", [b"", b"\x00", b"\xff"])
def test_frames_of_dtx_do_not_mind(frame: bytes) -> None:
    assert largest_follower(OpusPacket(toc=Toc(config=9), frames=(frame,))) == 255


@settings(max_examples=300)
@given(st.integers(0, 11), st.booleans(), st.binary(max_size=300), st.binary(max_size=4))
def test_any_frame_has_an_answer(config: int, stereo: bool, frame: bytes, end: bytes) -> None:
    toc = Toc(config=config, stereo=stereo)
    for data in (frame, frame + bytes(len(frame)), b"\xff" * len(frame) + end):
        assert -1 <= largest_follower(OpusPacket(toc=toc, frames=(data,))) <= 255
