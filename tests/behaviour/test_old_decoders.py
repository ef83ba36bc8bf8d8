"""Decoders that know nothing of redundancy play our packets bit for bit as those of plain Opus."""

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from sent_clips import list_clips, read_clip, send_clip

from dred.opus import OpusDecoder, pad_to_size, parse_packet, strip_extensions
from dred.weights import WeightSet

pytestmark = pytest.mark.reference

STREAMS: dict[str, dict[str, Any]] = {
    "SILK": {},
    "SILK in 60 ms packets": {"frame_ms": 60},
    "SILK with LBRR": {"in_band_fec": True, "expected_loss_percent": 20, "bitrate_bps": 32_000},
    "hybrid": {"rate_hz": 48_000, "bandwidth": "full", "bitrate_bps": 32_000},
    "hybrid in 60 ms packets": {"rate_hz": 48_000, "bandwidth": "full", "bitrate_bps": 32_000, "frame_ms": 60},
    "CELT": {"rate_hz": 48_000, "application": "lowdelay", "bandwidth": None, "bitrate_bps": 64_000},
    "60 kb/s in all": {"total_bitrate_bps": 60_000},
}


@pytest.fixture(scope="module", params=STREAMS.values(), ids=STREAMS.keys())
def packets(request: pytest.FixtureRequest, weights_v12: WeightSet, shared: Path) -> list[bytes]:
    """Packets of which most carry redundancy."""
    settings = request.param
    pcm = read_clip(list_clips(shared)[1], rate_hz=settings.get("rate_hz", 16_000), seconds=3)
    sent = send_clip(pcm, weights_v12, **settings)
    assert sum(packet.num_latents > 0 for packet in sent) > 0.7 * len(sent)
    return [packet.payload for packet in sent]


def decode_by_ffmpeg(packets: list[bytes], decoder: str) -> np.ndarray:
    """Decode by FFmpeg: its own decoder, "opus", or its libopus."""
    context = av.CodecContext.create(decoder, "r")
    context.extradata = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 0, 48_000, 0, 0)
    frames = [frame.to_ndarray() for packet in packets for frame in context.decode(av.Packet(packet))]
    frames += [frame.to_ndarray() for frame in context.decode(None)]
    return np.concatenate(frames, axis=1)


def test_libopus_inside_ffmpeg_plays_them_as_if_there_were_no_redundancy(packets: list[bytes]) -> None:
    stripped = [strip_extensions(packet) for packet in packets]
    played = decode_by_ffmpeg(packets, "libopus")
    assert stripped != packets
    assert np.any(played)
    assert np.array_equal(played, decode_by_ffmpeg(stripped, "libopus"))


def test_ffmpegs_own_decoder_plays_them_as_if_there_were_no_redundancy(packets: list[bytes]) -> None:
    # It reads past the end of SILK frames. What PyAV leaves there is left to chance, so zeros go behind bare packets.
    played = decode_by_ffmpeg([with_padding(packet) for packet in packets], "opus")
    plain = decode_by_ffmpeg([with_padding(strip_extensions(packet)) for packet in packets], "opus")
    assert np.any(played)
    assert np.array_equal(played, plain)


def with_padding(packet: bytes) -> bytes:
    return packet if parse_packet(packet).padding else pad_to_size(packet, len(packet) + 16)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_a_stock_libopus_plays_them_as_if_there_were_no_redundancy(packets: list[bytes], rate_hz: int) -> None:
    plain, carrying = OpusDecoder(rate_hz, 1), OpusDecoder(rate_hz, 1)
    for packet in packets:
        assert np.array_equal(carrying.decode(packet), plain.decode(strip_extensions(packet)))
