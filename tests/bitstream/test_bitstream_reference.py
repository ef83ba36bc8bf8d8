"""libopus's own payloads: parsed to its values, written back byte for byte."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dred.bitstream import (
    DRED_V10,
    DRED_V12,
    DredVersion,
    ParsedRedundancy,
    PayloadTables,
    WrittenPayload,
    find_version,
    parse_payload,
    quantise,
    split_prefix,
    write_payload,
)
from dred.timebase import TICK_SAMPLES, TICKS_PER_DOUBLE_FRAME

pytestmark = pytest.mark.reference

V12_VECTORS = ["v44k_dred100", "v80kcbr_fec_dred100"]
STEADY_OFFSET_TICKS = 10  # of 20 ms packets, where the newest step of the encoder is sent


def read_records(path: Path) -> list[bytes]:
    """Records of int32 length and bytes."""
    data, records, position = path.read_bytes(), [], 0
    while position < len(data):
        (length,) = struct.unpack_from("<i", data, position)
        records.append(data[position + 4 : position + 4 + length])
        position += 4 + length
    return records


def dred_extension(packet: bytes) -> bytes:
    """The data of a packet's last extension if that has id 126 and is not delimited; the vectors hold no other one."""
    if packet[0] & 3 != 3 or not packet[1] & 0x40:
        return b""
    position, num_padding = 2, 0
    while packet[position] == 255:
        position, num_padding = position + 1, num_padding + 254
    num_padding += packet[position]
    padding = packet[len(packet) - num_padding :].lstrip(b"\x01")
    return padding[1:] if padding[:1] == b"\xfc" else b""


def payloads_of(extensions: list[bytes], version: DredVersion) -> dict[int, bytes]:
    """Packet index to payload."""
    found = {}
    for index, extension in enumerate(extensions):
        if extension:
            assert find_version(126, extension) is version
            found[index] = split_prefix(extension, version)
    return found


def read_decoded(path: Path, *, state_dim: int, latent_size: int) -> Iterator[tuple[list[int], np.ndarray, np.ndarray]]:
    """Per record: packet index, return value, end, offset; state; latents."""
    data, position = path.read_bytes(), 0
    while position < len(data):
        *head, num_latents = struct.unpack_from("<5i", data, position)
        sizes = (state_dim, num_latents * latent_size, num_latents * 80)
        state, latents, _ = np.split(np.frombuffer(data, "<f4", sum(sizes), position + 20), np.cumsum(sizes)[:2])
        yield head, state, latents.reshape(num_latents, latent_size)
        position += 20 + 4 * sum(sizes)


def assert_same_as_libopus(parsed: ParsedRedundancy, head: list[int], state: np.ndarray, latents: np.ndarray) -> None:
    available_samples, end_samples, offset_ticks = head[1:]
    dim = parsed.version.latent_dim
    assert parsed.offset_ticks == offset_ticks
    assert parsed.num_latents == len(latents)
    assert parsed.history_ticks * TICK_SAMPLES == available_samples
    assert parsed.end_ticks * TICK_SAMPLES == end_samples
    np.testing.assert_allclose(parsed.state, state, rtol=0, atol=1e-5)
    np.testing.assert_allclose(parsed.latents, latents[:, :dim], rtol=0, atol=1e-5)
    if latents.shape[1] > dim:
        assert np.array_equal(parsed.levels / 8 - 1, latents[:, dim])


def write_back(data: bytes, tables: PayloadTables) -> tuple[WrittenPayload, int]:
    """Write what was parsed, with the latents that the end of the payload hides, and return how many these are.

    Latents of less than 8 bits at the end are not noticed by a parser but are in the bytes; libopus writes them.
    """
    num_seen = parse_payload(data, tables).num_latents
    for num_hidden in range(27 - num_seen):
        parsed = parse_payload(data + bytes(8), tables, max_latents=num_seen + num_hidden)
        written = write_payload(parsed.header, parsed.state_symbols, parsed.latent_symbols, tables, max_bytes=len(data))
        if written.data == data:
            return written, num_hidden
    raise AssertionError(f"no number of latents gives {data.hex()}")


@pytest.mark.parametrize("name", V12_VECTORS)
def test_version_12_payloads_parse_to_the_values_of_libopus(shared: Path, tables_v12: PayloadTables, name: str) -> None:
    folder = shared / "vectors" / name
    payloads = payloads_of(read_records(folder / "dred_payloads.bin"), DRED_V12)
    compared = 0
    for head, state, latents in read_decoded(folder / "dred_decoded.bin", state_dim=50, latent_size=26):
        if head[0] in payloads:
            assert_same_as_libopus(parse_payload(payloads[head[0]], tables_v12), head, state, latents)
            compared += 1
    assert compared == sum(index % 5 == 0 for index in payloads) > 40


def test_version_10_payloads_parse_to_the_values_of_libopus(shared: Path, tables_v10: PayloadTables) -> None:
    folder = shared / "vectors/v10_60kcbr_dred100"
    payloads = payloads_of([dred_extension(p) for p in read_records(folder / "packets.bin")], DRED_V10)
    compared = 0
    for head, state, latents in read_decoded(folder / "dred_decoded.bin", state_dim=19, latent_size=21):
        assert_same_as_libopus(parse_payload(payloads[head[0]], tables_v10), head, state, latents)
        compared += 1
    assert compared == len(payloads) // 5 > 40


@pytest.mark.parametrize("name", V12_VECTORS)
def test_version_12_payloads_are_written_back_byte_for_byte(shared: Path, tables_v12: PayloadTables, name: str) -> None:
    payloads = payloads_of(read_records(shared / "vectors" / name / "dred_payloads.bin"), DRED_V12)
    assert len(payloads) > 200
    for data in payloads.values():
        _, num_hidden = write_back(data, tables_v12)
        assert num_hidden <= 4


def test_version_10_payloads_are_written_back_byte_for_byte(shared: Path, tables_v10: PayloadTables) -> None:
    packets = read_records(shared / "vectors/v10_60kcbr_dred100/packets.bin")
    payloads = payloads_of([dred_extension(packet) for packet in packets], DRED_V10)
    assert len(payloads) > 200
    for data in payloads.values():
        write_back(data, tables_v10)


@pytest.mark.parametrize("mode", ["dred", "dred+lbrr"])
def test_payloads_of_sixteen_clips_are_written_back_byte_for_byte(
    shared: Path, tables_v12: PayloadTables, mode: str
) -> None:
    num_payloads = 0
    for path in sorted((shared / "bench/packets" / mode).glob("*.bin")):
        for data in payloads_of([dred_extension(packet) for packet in read_records(path)], DRED_V12).values():
            write_back(data, tables_v12)
            num_payloads += 1
    assert num_payloads > 4000


@pytest.mark.parametrize("name", V12_VECTORS)
def test_quantised_latents_of_libopus_give_its_payloads(shared: Path, tables_v12: PayloadTables, name: str) -> None:
    folder = shared / "vectors" / name
    steps = np.fromfile(folder / "enc_latents_state.f32", "<f4").reshape(-1, 75)
    num_late = 0
    for index, data in payloads_of(read_records(folder / "dred_payloads.bin"), DRED_V12).items():
        written, _ = write_back(data, tables_v12)
        parsed = parse_payload(data, tables_v12)
        header = parsed.header
        states = quantise(steps[index::-1, 25:], header.q0, tables_v12.state)
        lag = int(np.argmax((states == parsed.state_symbols).all(axis=1)))
        chosen = steps[index - lag :: -2, :25][: written.num_latents]
        latents = quantise(chosen, header.levels(len(chosen)), tables_v12.latent)
        assert write_payload(header, states[lag], latents, tables_v12).data == data
        # Each double frame of silence that is left out moves the newest latent one step back and the offset with it,
        # but not in the first packet after silence, where libopus 1.6.1 steps back without saying so.
        num_late += lag * TICKS_PER_DOUBLE_FRAME != STEADY_OFFSET_TICKS - header.offset_ticks
    assert num_late <= 2
