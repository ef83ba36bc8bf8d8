"""Any bytes from the network give a value or an error of the family for remote data, and a receiver always plays.

A few thousand inputs by default; $DRED_FUZZ sets how many, over all tests together.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from dred.assembly import build_parts
from dred.bitstream import (
    MAX_LATENTS,
    DredHeader,
    DredVersion,
    PayloadTables,
    SymbolTables,
    parse_header,
    parse_payload,
    write_payload,
)
from dred.concealment import Predictor
from dred.errors import RemoteDataError
from dred.features import FeatureExtractor
from dred.nn import default_engine
from dred.opus import (
    OpusDecoder,
    OpusEncoder,
    OpusEncoderConfig,
    add_extension,
    has_lbrr,
    packet_duration_rtp,
    parse_extensions,
    parse_packet,
    strip_extensions,
    write_packet,
)
from dred.opus.extension import MAX_EXTENSIONS
from dred.rdovae import RdovaeDecoder
from dred.receiver import NeuralParts, Played, ReceiverConfig, ReceiveStream, RedundancyReader, Source
from dred.rtp import RedBlock, RtpPacket, parse_red, parse_rtp, write_red, write_rtp
from dred.vocoder import Fargan
from dred.weights import WeightSet
from tiny_networks import LATENT_DIM, STATE_DIM, fargan_tensors, pitch_tensors, predictor_tensors, rdovae_tensors

NUM_INPUTS = int(os.environ.get("DRED_FUZZ", "8000"))
SHARES = {"payload": 0.25, "extensions": 0.25, "packet": 0.2, "rtp": 0.2, "receiver": 0.05}
TINY_VERSION = DredVersion(
    name="tiny", extension_id=126, prefix=b"D\xff", latent_dim=LATENT_DIM, state_dim=STATE_DIM, libopus_release=""
)
INTERESTING_BYTES = bytes([0, 1, 2, 3, 4, 5, 0x7F, 0x80, 0xFC, 0xFD, 0xFE, 0xFF])
PACKETS_PER_STREAM = 250


def share_of(part: str) -> int:
    return max(1, round(NUM_INPUTS * SHARES[part]))


def tiny_tables() -> PayloadTables:
    rng = np.random.default_rng(1)

    def invent(dim: int) -> SymbolTables:
        scale, dead_zone, r, p0 = rng.integers(1, 255, (4, 16, dim)).astype(np.uint8)
        return SymbolTables(scale_q8=scale, dead_zone_q8=dead_zone, r_q8=r, p0_q8=p0)

    return PayloadTables(version=TINY_VERSION, latent=invent(LATENT_DIM), state=invent(STATE_DIM))


def tiny_parts() -> NeuralParts:
    rng = np.random.default_rng(2)
    engine = default_engine()
    decoder = RdovaeDecoder.from_tensors(rdovae_tensors(rng), engine, latent_dim=LATENT_DIM, state_dim=STATE_DIM)
    return NeuralParts(
        extractor=FeatureExtractor.from_tensors(pitch_tensors(rng), engine),
        predictor=Predictor.from_tensors(predictor_tensors(rng), engine),
        vocoder=Fargan.from_tensors(fargan_tensors(rng), engine),
        readers=(RedundancyReader(tables=tiny_tables(), decoder=decoder),),
    )


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Change a few bytes, cut, repeat or insert."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, len(changed) + 1))
        match int(rng.integers(0, 6)):
            case 0 if at < len(changed):
                changed[at] ^= 1 << int(rng.integers(0, 8))
            case 1 if at < len(changed):
                changed[at] = INTERESTING_BYTES[int(rng.integers(0, len(INTERESTING_BYTES)))]
            case 2:
                del changed[at:]
            case 3:
                changed[at:at] = rng.bytes(int(rng.integers(1, 8)))
            case 4:
                del changed[at : at + int(rng.integers(1, 8))]
            case _:
                changed += changed[at:]
    return bytes(changed[:4000])


def any_bytes(seeds: list[bytes], count: int, rng: np.random.Generator, max_bytes: int) -> Iterator[bytes]:
    """Yield inputs: random, or mutated from valid ones."""
    for _ in range(count):
        if rng.random() < 0.3:
            yield rng.bytes(int(rng.integers(0, max_bytes) * rng.random()))
        else:
            yield mutate(seeds[int(rng.integers(0, len(seeds)))], rng)


def try_all(parse: Callable[[bytes], Any], inputs: Iterator[bytes]) -> int:
    """Parse each input and return how many gave a value; an error of another family is the test's failure."""
    num_values = 0
    for data in inputs:
        with suppress(RemoteDataError):
            parse(data)
            num_values += 1
    return num_values


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    """Valid packets of all modes and framings, with redundancy in some."""
    rng = np.random.default_rng(3)
    tables = tiny_tables()
    found = []
    for settings in (
        {"bandwidth": "wide"},
        {"bandwidth": "narrow", "frame_duration_ms": 10},
        {"bandwidth": "wide", "in_band_fec": True, "expected_loss_percent": 30, "bitrate_bps": 32_000},
        {"rate_hz": 48_000, "bandwidth": "full", "bitrate_bps": 32_000, "frame_duration_ms": 60},
        {"rate_hz": 48_000, "channels": 2, "application": "audio", "bitrate_bps": 64_000},
        {"rate_hz": 48_000, "application": "lowdelay", "frame_duration_ms": 2.5, "bitrate_bps": 96_000},
        {"bandwidth": "wide", "dtx": True},
    ):
        config = OpusEncoderConfig(**settings)
        encoder = OpusEncoder(config)
        for number in range(8):
            shape = (config.packet_samples, config.channels)
            packet = encoder.encode((0.1 * rng.standard_normal(shape)).astype(np.float32))
            if number % 2:
                packet = add_extension(packet, 126, TINY_VERSION.prefix + valid_payload(tables, rng))
            found.append(packet)
    several = parse_packet(found[0])
    found.append(write_packet(several.toc, [*several.frames, b"", several.frames[0]], b"\x01\x01\x0c"))
    return found


def valid_payload(tables: PayloadTables, rng: np.random.Generator) -> bytes:
    header = DredHeader(
        q0=int(rng.integers(0, 14)), dq=int(rng.integers(0, 8)), qmax=15, offset_ticks=int(rng.integers(-400, 17))
    )
    state = rng.integers(-3, 4, tables.state.dim).astype(np.int32)
    latents = rng.integers(-3, 4, (int(rng.integers(1, 27)), tables.latent.dim)).astype(np.int32)
    return write_payload(header, state, latents, tables).data


def test_any_payload_is_parsed_within_its_limits(rng: np.random.Generator) -> None:
    tables = tiny_tables()
    seeds = [valid_payload(tables, rng) for _ in range(20)]

    def parse(data: bytes) -> None:
        parsed = parse_payload(data, tables)
        assert parsed.header == parse_header(data)
        assert parsed.num_latents <= MAX_LATENTS
        assert np.all(np.isfinite(parsed.latents))
        assert np.all(np.isfinite(parsed.state))
        assert parsed.history_ticks >= 0

    count = share_of("payload")
    assert try_all(parse, any_bytes(seeds, count, rng, 1200)) > count // 2


def test_any_padding_is_parsed_within_its_limits(packets: list[bytes], rng: np.random.Generator) -> None:
    def parse(data: bytes) -> None:
        found = parse_extensions(data, int(rng.integers(1, 49)))
        assert len(found) <= MAX_EXTENSIONS
        assert sum(len(extension.payload) for extension in found) <= len(data)

    seeds = [padding for packet in packets if (padding := parse_packet(packet).padding)]
    assert try_all(parse, any_bytes(seeds, share_of("extensions"), rng, 600)) > 0


def test_any_packet_is_parsed_within_its_limits(packets: list[bytes], rng: np.random.Generator) -> None:
    def parse(data: bytes) -> None:
        parsed = parse_packet(data)
        assert parsed.duration_rtp == packet_duration_rtp(data) <= 5760
        assert sum(map(len, parsed.frames)) + len(parsed.padding) < len(data)
        assert has_lbrr(data) in (False, True)
        assert parse_packet(strip_extensions(data)).frames == parsed.frames
        parse_extensions(parsed.padding, len(parsed.frames))

    assert try_all(parse, any_bytes(packets, share_of("packet"), rng, 1500)) > 0


def test_any_rtp_packet_is_parsed_within_its_limits(packets: list[bytes], rng: np.random.Generator) -> None:
    def parse(data: bytes) -> None:
        packet = parse_rtp(data)
        assert len(packet.payload) < len(data)
        copies, primary = parse_red(packet.payload)
        assert sum(len(block.payload) for block in (*copies, primary)) < len(packet.payload)

    seeds = []
    for number, packet in enumerate(packets):
        copies = [RedBlock(payload_type=111, timestamp_offset=960, payload=packets[0][:1000])]
        red = write_red(copies, RedBlock(payload_type=111, payload=packet))
        seeds.append(write_rtp(RtpPacket(payload_type=63, sequence=number, timestamp=960, ssrc=1, payload=red)))
    assert try_all(parse, any_bytes(seeds, share_of("rtp"), rng, 1500)) > 0


def hammer(parts: NeuralParts, packets: list[bytes], count: int, rng: np.random.Generator) -> set[Source]:
    """Hand a row of receivers anything at any time, check that they play what is asked for, and tell from where."""
    sources = set()
    while count > 0:
        rate_hz = int(rng.choice([8_000, 16_000, 48_000]))
        config = ReceiverConfig(
            rate_hz=rate_hz,
            channels=int(rng.integers(1, 3)),
            delay_ms=float(rng.choice([0, 40, 200])),
            priming=bool(rng.random() < 0.7),
            plc=str(rng.choice(["neural", "neural", "classic", "zero"])),  # type: ignore[arg-type]
        )
        stream = ReceiveStream(config, OpusDecoder(rate_hz, config.channels), parts)
        sequence, timestamp, now = int(rng.integers(0, 2**16)), int(rng.integers(0, 2**32)), 0.0
        for data in any_bytes(packets, min(count, PACKETS_PER_STREAM), rng, 1500):
            # Most packets are whole: a stream of broken ones alone would be silence.
            packet = data if rng.random() < 0.4 else packets[int(rng.integers(0, len(packets)))]
            copies = []
            if rng.random() < 0.2:
                offset = int(rng.choice([960, 1920, rng.integers(0, 2**14)]))
                copies.append(RedBlock(payload_type=111, timestamp_offset=offset, payload=data[:1023]))
            jump = rng.random()
            step = int(rng.choice([1, 1, 1, 2, 4])) if jump < 0.98 else int(rng.integers(-40, 2**16))
            sequence = (sequence + step) % 2**16
            timestamp += 960 * step if jump < 0.95 else int(rng.integers(-3_000, 3_000))
            if jump > 0.999:
                timestamp = int(rng.integers(0, 2**32))
            timestamp %= 2**32
            stream.receive(packet, sequence, timestamp, now, copies)
            num_samples = int(rng.integers(0, rate_hz // 20))
            samples, events = stream.play(num_samples, now)
            assert samples.shape == (num_samples, config.channels)
            assert np.all(np.isfinite(samples))
            sources |= {event.source for event in events if isinstance(event, Played)}
            now += 20.0
        count -= PACKETS_PER_STREAM
    return sources


def test_a_receiver_of_tiny_networks_plays_on_whatever_comes(packets: list[bytes], rng: np.random.Generator) -> None:
    assert hammer(tiny_parts(), packets, share_of("receiver"), rng) >= {Source.RECEIVED, Source.DRED, Source.PLC}


@pytest.mark.reference
def test_a_receiver_of_published_networks_plays_on_whatever_comes(
    packets: list[bytes], weights_v12: WeightSet, rng: np.random.Generator
) -> None:
    as_version_12 = [packet.replace(TINY_VERSION.prefix, b"D\x0c") for packet in packets]
    sources = hammer(build_parts([weights_v12]), as_version_12, share_of("receiver"), rng)
    assert sources >= {Source.RECEIVED, Source.DRED, Source.PLC}
