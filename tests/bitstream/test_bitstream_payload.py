"""The payload: round trips, budgets, what it covers, hostile bytes."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.bitstream import DredHeader, PayloadTables, parse_header, parse_payload, write_payload
from dred.errors import DredPayloadError, UsageError


@st.composite
def headers(draw: st.DrawFn) -> DredHeader:
    q0, dq = draw(st.integers(0, 15)), draw(st.integers(0, 7))
    qmax = draw(st.integers(q0 + 1, 15)) if q0 < 14 and dq > 0 else 15
    return DredHeader(q0=q0, dq=dq, qmax=qmax, offset_ticks=draw(st.integers(-8175, 16)))


def draw_symbols(
    tables: PayloadTables, header: DredHeader, num_latents: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Small symbols with now and then a long escape; 0 where nothing is coded."""
    rng = np.random.default_rng(seed)

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        escapes = rng.integers(-60, 61, shape) * (rng.random(shape) < 0.05)
        return (rng.integers(-2, 3, shape) + escapes).astype(np.int32)

    levels = header.levels(num_latents)
    state = draw((tables.state.dim,)) * tables.state.model.is_coded[header.q0]
    return state, draw((num_latents, tables.latent.dim)) * tables.latent.model.is_coded[levels]


@settings(max_examples=300)
@given(headers(), st.integers(1, 26), st.integers(0, 2**32 - 1))
def test_header_state_and_latents_come_back(
    small_tables: PayloadTables, header: DredHeader, num_latents: int, seed: int
) -> None:
    state, latents = draw_symbols(small_tables, header, num_latents, seed)
    written = write_payload(header, state, latents, small_tables)
    parsed = parse_payload(written.data, small_tables)
    assert written.num_latents == num_latents
    assert parsed.header == parse_header(written.data) == header
    assert np.array_equal(parsed.state_symbols, state)
    # A payload has no count: latents at its end that cost less than 8 bits go unnoticed, the others all come back.
    assert parsed.num_latents <= num_latents
    assert np.array_equal(parsed.latent_symbols, latents[: parsed.num_latents])
    assert np.array_equal(parsed.levels, header.levels(parsed.num_latents))
    padded = parse_payload(written.data + bytes(26), small_tables, max_latents=num_latents)
    assert np.array_equal(padded.latent_symbols, latents)
    assert len(write_payload(header, state, latents[: parsed.num_latents], small_tables).data) >= len(written.data) - 1


@given(headers(), st.integers(8, 120), st.integers(0, 2**32 - 1))
def test_the_payload_holds_the_most_latents_that_fit(
    small_tables: PayloadTables, header: DredHeader, max_bytes: int, seed: int
) -> None:
    state, latents = draw_symbols(small_tables, header, 26, seed)
    written = write_payload(header, state, latents, small_tables, max_bytes=max_bytes)
    assert len(written.data) <= max_bytes
    same = write_payload(header, state, latents, small_tables, max_latents=written.num_latents)
    assert same.data == written.data
    if written.num_latents < 26:
        more = write_payload(header, state, latents, small_tables, max_latents=written.num_latents + 1)
        assert more.num_latents == written.num_latents + 1
        assert len(more.data) > max_bytes


@given(headers(), st.lists(st.booleans(), min_size=20, max_size=20), st.integers(20, 100), st.integers(0, 2**32 - 1))
def test_the_payload_ends_after_the_last_committed_latent_that_fits(
    small_tables: PayloadTables, header: DredHeader, flags: list[bool], max_bytes: int, seed: int
) -> None:
    state, latents = draw_symbols(small_tables, header, 20, seed)
    num_fitting = write_payload(header, state, latents, small_tables, max_bytes=max_bytes).num_latents
    last = max((index + 1 for index in range(num_fitting) if flags[index]), default=0)
    written = write_payload(header, state, latents, small_tables, max_bytes=max_bytes, commit=np.array(flags))
    assert written.num_latents == last
    assert written.data == write_payload(header, state, latents, small_tables, max_latents=last).data


def test_a_payload_without_latents_is_empty(small_tables: PayloadTables) -> None:
    header = DredHeader(q0=6, dq=5, qmax=15, offset_ticks=10)
    state, latents = draw_symbols(small_tables, header, 4, 1)
    assert write_payload(header, state, latents[:0], small_tables).data == b""
    assert write_payload(header, state, latents + 500, small_tables, max_bytes=8).data == b""


def test_symbols_that_are_not_coded_are_taken_as_zero(small_tables: PayloadTables) -> None:
    header = DredHeader(q0=6, dq=5, qmax=15, offset_ticks=10)
    state, latents = draw_symbols(small_tables, header, 5, 1)
    noise = np.where(small_tables.latent.model.is_coded[header.levels(5)], latents, 9).astype(np.int32)
    assert (
        write_payload(header, state, noise, small_tables).data
        == write_payload(header, state, latents, small_tables).data
    )


def test_only_as_many_latents_are_parsed_as_asked_for(small_tables: PayloadTables) -> None:
    data = bytes(range(1, 200))
    whole = parse_payload(data, small_tables)
    part = parse_payload(data, small_tables, max_latents=3)
    assert part.num_latents == 3 < whole.num_latents
    assert np.array_equal(part.latents, whole.latents[:3])


@settings(max_examples=500)
@given(st.binary(min_size=1, max_size=1000))
def test_any_bytes_parse(small_tables: PayloadTables, data: bytes) -> None:
    parsed = parse_payload(data, small_tables)
    assert parsed.header == parse_header(data)
    assert 0 <= parsed.num_latents <= 26
    assert np.all(np.isfinite(parsed.state))
    assert np.all(np.isfinite(parsed.latents))
    assert parsed.num_bytes == len(data)


@given(st.binary(min_size=1, max_size=100))
def test_bytes_past_the_end_are_zeros(small_tables: PayloadTables, data: bytes) -> None:
    short = parse_payload(data, small_tables)
    long = parse_payload(data + bytes(50), small_tables, max_latents=short.num_latents)
    assert np.array_equal(short.latent_symbols, long.latent_symbols)


@pytest.mark.parametrize("byte", [b"\x00", b"\xff", b"\x55"])
def test_the_worst_bytes_take_a_bounded_time(small_tables: PayloadTables, byte: bytes) -> None:
    parse_payload(byte, small_tables)
    started = time.perf_counter()
    parse_payload(byte * 1000, small_tables)
    # At most 206000 escapes, a few ms; the limit allows for a slow and busy machine.
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize("data", [b"", bytes(1001)], ids=["empty", "too long"])
def test_empty_and_too_long_payloads_are_remote_errors(small_tables: PayloadTables, data: bytes) -> None:
    with pytest.raises(DredPayloadError, match=r"1\.\.1000"):
        parse_payload(data, small_tables)
    with pytest.raises(DredPayloadError, match=r"1\.\.1000"):
        parse_header(data)


@pytest.mark.parametrize(
    ("offset_ticks", "frame_offset_ticks", "offset", "history_ms", "end_ms"),
    [
        (10, 0, 10, 95.0, 0.0),  # 3 x 40 ms, of which the newest 25 lie after the packet's start
        (16, 40, 56, 0.0, 0.0),  # all of it lies within the packet
        (0, 0, 0, 120.0, 0.0),
        (-6, 0, -6, 135.0, 15.0),  # silence left out
        (-374, 8, -366, 1035.0, 915.0),
    ],
)
def test_coverage_follows_from_offset_and_number_of_latents(
    small_tables: PayloadTables,
    offset_ticks: int,
    frame_offset_ticks: int,
    offset: int,
    history_ms: float,
    end_ms: float,
) -> None:
    header = DredHeader(q0=0, dq=0, qmax=15, offset_ticks=offset_ticks)
    state = np.zeros(9, np.int32)
    data = write_payload(header, state, np.full((3, 6), 9, np.int32), small_tables).data
    parsed = parse_payload(data, small_tables, frame_offset_ticks=frame_offset_ticks)
    assert parsed.num_latents == 3
    assert (parsed.offset_ticks, parsed.history_ms, parsed.end_ms) == (offset, history_ms, end_ms)


@pytest.mark.parametrize(
    ("q0", "dq", "qmax", "offset_ticks"),
    [
        (-1, 0, 15, 0),
        (16, 0, 15, 0),
        (6, -1, 15, 0),
        (6, 8, 15, 0),
        (6, 5, 6, 0),
        (6, 5, 16, 0),
        (6, 0, 9, 0),
        (14, 5, 14, 0),
        (6, 5, 15, 17),
        (6, 5, 15, -8176),
    ],
)
def test_header_fields_out_of_range_are_refused(q0: int, dq: int, qmax: int, offset_ticks: int) -> None:
    with pytest.raises(UsageError):
        DredHeader(q0=q0, dq=dq, qmax=qmax, offset_ticks=offset_ticks)


@pytest.mark.parametrize(
    "arguments",
    [{"max_bytes": 7}, {"max_bytes": 1001}, {"max_latents": -1}, {"max_latents": 27}, {"commit": np.ones(3, np.bool_)}],
    ids=str,
)
def test_arguments_out_of_range_are_refused(small_tables: PayloadTables, arguments: dict[str, object]) -> None:
    header = DredHeader(q0=6, dq=5, qmax=15, offset_ticks=10)
    state, latents = draw_symbols(small_tables, header, 4, 1)
    with pytest.raises(UsageError):
        write_payload(header, state, latents, small_tables, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state_dim", "latent_dim"), [(8, 6), (9, 7)])
def test_symbols_of_another_width_than_the_tables_are_refused(
    small_tables: PayloadTables, state_dim: int, latent_dim: int
) -> None:
    header = DredHeader(q0=6, dq=5, qmax=15, offset_ticks=10)
    with pytest.raises(UsageError, match="9 symbols of state"):
        write_payload(header, np.zeros(state_dim, np.int32), np.zeros((2, latent_dim), np.int32), small_tables)


def test_a_symbol_that_no_payload_can_hold_is_refused(small_tables: PayloadTables) -> None:
    header = DredHeader(q0=6, dq=5, qmax=15, offset_ticks=10)
    with pytest.raises(UsageError, match="within"):
        write_payload(header, np.zeros(9, np.int32), np.full((2, 6), -(2**31), np.int32), small_tables)


def test_parsing_refuses_an_impossible_number_of_latents(small_tables: PayloadTables) -> None:
    with pytest.raises(UsageError, match=r"0\.\.26"):
        parse_payload(b"\x00", small_tables, max_latents=27)
