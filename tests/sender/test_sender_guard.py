"""What follows a SILK frame never changes how it sounds, even where a decoder reads too far."""

import numpy as np
import pytest

from dred.bitstream import DRED_V12
from dred.opus import OpusDecoder, OpusEncoder, OpusEncoderConfig, find_extension, parse_packet, write_packet
from dred.opus.lone_extension import NOT_SIMPLE, UNSAFE, extend_packet, lone_item
from dred.opus.silk_frame import SCRATCH_SHAPE
from dred.sender.guard import attach_payload

PAYLOAD = bytes(range(1, 60))


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Two minutes of tone and noise at 16 kHz, enough for frames whose last bytes were zeros."""
    rng = np.random.default_rng(7)
    times = np.arange(120 * 16_000) / 16_000
    tone = 0.2 * np.sin(2 * np.pi * (140 + 30 * np.sin(2 * np.pi * 0.5 * times)) * times)
    return (tone + 0.05 * rng.standard_normal(times.size)).astype(np.float32)


def encode(speech: np.ndarray) -> list[bytes]:
    encoder = OpusEncoder(OpusEncoderConfig(rate_hz=16_000, bitrate_bps=20_000, bandwidth="wide", complexity=2))
    return [encoder.encode(frame) for frame in speech.reshape(-1, 320)]


def read_on(packet: bytes, beyond: bytes, before: OpusDecoder) -> np.ndarray:
    """Decode a packet's frame with one byte behind it; further, it would mean something else."""
    parsed = parse_packet(packet)
    decoder = OpusDecoder(16_000, 1)
    decoder.take_over(before)
    return decoder.decode(write_packet(parsed.toc, [parsed.frames[0] + beyond]))


def test_a_guarded_frame_decodes_alike_with_the_padding_behind_it(speech: np.ndarray) -> None:
    plain, before = OpusDecoder(16_000, 1), OpusDecoder(16_000, 1)
    num_filled = num_bare = num_astray = 0
    packets = encode(speech)
    for packet in packets:
        before.take_over(plain)
        samples = plain.decode(packet)
        guarded = attach_payload(packet, DRED_V12, PAYLOAD)
        parsed = parse_packet(guarded)
        assert parsed.frames == parse_packet(packet).frames
        num_astray += not np.array_equal(read_on(packet, b"\xfc", before), samples)
        if parsed.padding:
            found = find_extension(guarded, DRED_V12.extension_id, DRED_V12.prefix)
            assert found is not None
            assert found.payload == DRED_V12.prefix + PAYLOAD
            assert np.array_equal(read_on(guarded, parsed.padding[:1], before), samples)
        num_bare += not parsed.padding
        num_filled += parsed.padding.startswith(b"\x01")
    # Without the guard, some would have gone astray; with it, few need the byte and fewer go bare.
    assert num_astray > 0
    assert num_astray <= num_filled + num_bare < 0.3 * len(packets)
    assert num_bare < 0.03 * len(packets)


def test_celt_packets_pass_as_they_are(speech: np.ndarray) -> None:
    encoder = OpusEncoder(OpusEncoderConfig(rate_hz=48_000, bitrate_bps=64_000, force_mode="celt"))
    celt = encoder.encode(np.repeat(speech[:320], 3))
    guarded = attach_payload(celt, DRED_V12, PAYLOAD)
    assert not parse_packet(guarded).padding.startswith(b"\x01")


@pytest.mark.parametrize("num_bytes", [8, 60, 251, 252, 253, 254, 505, 506, 507, 1_000])
def test_simple_packets_are_extended_by_compiled_code_as_any_are(speech: np.ndarray, num_bytes: int) -> None:
    payload = bytes(range(256)) * 4
    item = lone_item(DRED_V12.extension_id, DRED_V12.prefix)
    out, scratch = np.empty(4_000, np.uint8), np.empty(SCRATCH_SHAPE, np.int64)
    num_unsafe = 0
    for packet in encode(speech[: 20 * 16_000]):
        size = extend_packet(out, packet, item, payload[:num_bytes], scratch)
        expected = attach_payload(packet, DRED_V12, payload[:num_bytes])
        assert (packet if size == UNSAFE else out[:size].tobytes()) == expected
        num_unsafe += size == UNSAFE
    assert num_unsafe < 20


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x49" + bytes(8), id="two frames"),
        pytest.param(b"\x4b\x41\x02" + bytes(8), id="padding"),
        pytest.param(b"\x48" + bytes(1_276), id="too long a frame"),
    ],
)
def test_packets_that_are_not_simple_are_left_to_others(packet: bytes) -> None:
    item = lone_item(DRED_V12.extension_id, DRED_V12.prefix)
    out, scratch = np.empty(4_000, np.uint8), np.empty(SCRATCH_SHAPE, np.int64)
    assert extend_packet(out, packet, item, PAYLOAD, scratch) == NOT_SIMPLE
