"""Packets that libopus made, DRED and all: taken apart, put together again and played."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dred.opus import (
    OpusDecoder,
    add_extension,
    find_extension,
    has_lbrr,
    load_libopus,
    pad_to_size,
    parse_extensions,
    parse_packet,
    strip_extensions,
)

pytestmark = pytest.mark.reference

V12 = ("v44k_dred100", "v80kcbr_fec_dred100")
PREFIXES = {"v44k_dred100": b"D\x0c", "v80kcbr_fec_dred100": b"D\x0c", "v10_60kcbr_dred100": b"D\x0a"}


def read_records(path: Path, header: str = "<i") -> Iterator[bytes]:
    """Yield the records of a file whose header starts with their length."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        size = struct.unpack_from(header, data, at)[0]
        at += struct.calcsize(header)
        yield data[at : at + size]
        at += size


def read_packets(shared: Path, name: str) -> list[bytes]:
    return list(read_records(shared / "vectors" / name / "packets.bin", "<iI" if name in V12 else "<i"))


def check_packet(packet: bytes, prefix: bytes) -> bytes | None:
    """Take a packet apart and put it together again; return its DRED payload."""
    parsed = parse_packet(packet)
    extensions = parse_extensions(parsed.padding, len(parsed.frames))
    assert [extension.id for extension in extensions] in ([], [126])
    stripped = strip_extensions(packet)
    assert parse_packet(stripped).frames == parsed.frames
    assert stripped == load_libopus().unpad_packet(packet)
    found = find_extension(packet, 126, prefix)
    if found is None:
        return None
    again = add_extension(stripped, 126, found.payload)
    assert parse_packet(again).frames == parsed.frames
    assert pad_to_size(again, len(packet)) == packet
    return found.payload


@pytest.mark.parametrize("name", V12)
def test_the_payload_of_every_packet_is_found(shared: Path, name: str) -> None:
    packets = read_packets(shared, name)
    payloads = list(read_records(shared / "vectors" / name / "dred_payloads.bin"))
    assert len(packets) == len(payloads) > 200
    assert [check_packet(packet, PREFIXES[name]) or b"" for packet in packets] == payloads
    assert sum(map(bool, payloads)) > 200


def test_the_older_version_is_found_by_its_own_prefix_only(shared: Path) -> None:
    packets = read_packets(shared, "v10_60kcbr_dred100")
    assert sum(check_packet(packet, b"D\x0a") is not None for packet in packets) > 200
    assert all(find_extension(packet, 126, b"D\x0c") is None for packet in packets)


def test_every_packet_of_the_benchmark_is_taken_apart(shared: Path) -> None:
    files = sorted((shared / "bench" / "packets").glob("*/*.bin"))
    assert len(files) > 10
    for path in files:
        packets = list(read_records(path))
        assert sum(find_extension(packet, 126, b"D\x0c") is not None for packet in packets) > 0.8 * len(packets)
        for packet in packets[::20]:
            check_packet(packet, b"D\x0c")


@pytest.mark.parametrize("name", PREFIXES)
def test_stripping_does_not_change_a_single_sample(shared: Path, name: str) -> None:
    whole, stripped = OpusDecoder(16_000, 1), OpusDecoder(16_000, 1)
    for packet in read_packets(shared, name):
        assert np.array_equal(whole.decode(packet), stripped.decode(strip_extensions(packet)))
        assert whole.final_range == stripped.final_range


@pytest.mark.parametrize("name", V12)
def test_the_final_range_is_the_encoders(shared: Path, name: str) -> None:
    data = (shared / "vectors" / name / "packets.bin").read_bytes()
    decoder = OpusDecoder(16_000, 1)
    at = 0
    while at < len(data):
        size, final_range = struct.unpack_from("<iI", data, at)
        decoder.decode(data[at + 8 : at + 8 + size])
        assert decoder.final_range == final_range
        at += 8 + size


def test_lbrr_is_seen_where_libopus_sees_it(shared: Path) -> None:
    seen = {name: sum(map(has_lbrr, read_packets(shared, name))) for name in V12}
    assert seen["v44k_dred100"] == 0
    assert seen["v80kcbr_fec_dred100"] > 100
    library = load_libopus()
    if not library.capabilities.has_lbrr:
        pytest.skip(f"{library.capabilities.version} cannot tell")
    for name in V12:
        for packet in read_packets(shared, name):
            assert library.has_lbrr(packet) == has_lbrr(packet)
