"""The range coder: libopus's bytes, laws, and misuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.bitstream import RangeDecoder, RangeEncoder
from dred.errors import UsageError

# Name, symbols (low, high, total), bits told, bytes: recorded from libopus 1.6.1 (celt/entenc.c).
GOLDEN_SYMBOLS = [
    ("nothing", [], 1, "00"),
    ("four uniform integers", [(6, 7, 16), (5, 6, 8), (0, 1, 2), (6, 7, 32)], 14, "6a30"),
    ("always the top symbol", [(255, 256, 256)] * 12, 97, "ff" * 12 + "00"),
    ("always the bottom symbol", [(0, 1, 256)] * 12, 97, "00" * 13),
    ("a total that does not divide the range", [(2, 3, 3)] * 9, 16, "fffe"),
    (
        "changing totals",
        [(i % 7 * 3, i % 7 * 3 + 3, 21 + i) for i in range(20)],
        68,
        "0693cae6f72e44bb80",
    ),
    ("a carry through bytes that wait", [(1, 2, 3)] * 15 + [(2, 3, 3)], 27, "80000040"),
    ("no carry after bytes that wait", [(1, 2, 3)] * 15 + [(0, 1, 3)], 27, "7fffff80"),
]

# Name, table, bits of its total, symbols, bits told, bytes: likewise.
GOLDEN_TABLES = [
    ("8-bit table", [200, 128, 3, 0], 8, [0, 1, 2, 3, 2, 1, 0, 0, 3, 3], 33, "1bc7d48b00"),
    ("15-bit table", [30000, 128, 3, 0], 15, [0, 1, 2, 3, 2, 1, 0, 0, 3, 3], 69, "1589e9bb96c9387ff0"),
]


@st.composite
def owned_ranges(draw: st.DrawFn) -> tuple[int, int, int]:
    total = draw(st.integers(2, 65536))
    low = draw(st.integers(0, total - 1))
    return low, draw(st.integers(low + 1, total)), total


def encode_all(symbols: list[tuple[int, int, int]]) -> tuple[bytes, list[int]]:
    encoder = RangeEncoder(10 + 3 * len(symbols))
    tells = []
    for symbol in symbols:
        encoder.encode(*symbol)
        tells.append(encoder.tell_bits())
    return encoder.finish(), tells


def assert_decodes(data: bytes, symbols: list[tuple[int, int, int]], tells: list[int]) -> None:
    decoder = RangeDecoder(data)
    for (low, high, total), tell in zip(symbols, tells, strict=True):
        assert low <= decoder.peek(total) < high
        decoder.advance(low, high, total)
        assert decoder.tell_bits() == tell


@pytest.mark.parametrize(
    ("symbols", "tell", "data"), [g[1:] for g in GOLDEN_SYMBOLS], ids=[g[0] for g in GOLDEN_SYMBOLS]
)
def test_frequencies_give_the_bytes_of_libopus(symbols: list[tuple[int, int, int]], tell: int, data: str) -> None:
    encoded, tells = encode_all(symbols)
    assert encoded.hex() == data
    assert [1, *tells][-1] == tell
    assert_decodes(encoded, symbols, tells)


@pytest.mark.parametrize(
    ("icdf", "total_bits", "symbols", "tell", "data"), [g[1:] for g in GOLDEN_TABLES], ids=[g[0] for g in GOLDEN_TABLES]
)
def test_inverse_tables_give_the_bytes_of_libopus(
    icdf: list[int], total_bits: int, symbols: list[int], tell: int, data: str
) -> None:
    encoder = RangeEncoder(100)
    for symbol in symbols:
        encoder.encode_icdf(symbol, icdf, total_bits)
    assert encoder.tell_bits() == tell
    encoded = encoder.finish()
    assert encoded.hex() == data
    decoder = RangeDecoder(encoded)
    assert [decoder.decode_icdf(icdf, total_bits) for _ in symbols] == symbols
    assert decoder.tell_bits() == tell


@given(st.lists(owned_ranges(), max_size=60), st.binary(max_size=8))
def test_symbols_come_back_whatever_bytes_follow(symbols: list[tuple[int, int, int]], rest: bytes) -> None:
    data, tells = encode_all(symbols)
    assert_decodes(data + rest, symbols, tells)


def test_past_the_end_the_decoder_reads_zeros() -> None:
    short, long = RangeDecoder(b"\x9d\x01"), RangeDecoder(b"\x9d\x01" + bytes(40))
    assert [short.decode_uint(200) for _ in range(30)] == [long.decode_uint(200) for _ in range(30)]


def test_the_overhead_over_the_entropy_is_below_one_percent() -> None:
    rng = np.random.default_rng(3)
    icdf = [20_000, 9_000, 2_500, 700, 40, 1, 0]
    widths = -np.diff([32768, *icdf])
    symbols = rng.choice(len(icdf), size=5000, p=widths / 32768)
    encoder = RangeEncoder(10_000)
    for symbol in symbols:
        encoder.encode_icdf(int(symbol), icdf, 15)
    ideal_bits = -np.log2(widths[symbols] / 32768).sum()
    assert ideal_bits <= 8 * len(encoder.finish()) < 1.01 * ideal_bits


def test_finish_pads_with_zeros_to_the_bytes_asked_for() -> None:
    encoder = RangeEncoder(10)
    encoder.encode_uint(6, 16)
    assert encoder.finish(5) == b"\x60\x00\x00\x00\x00"


@pytest.mark.parametrize("num_bytes", [2, 21])
def test_finish_refuses_too_few_bytes_and_more_than_the_buffer(num_bytes: int) -> None:
    encoder = RangeEncoder(20)
    for _ in range(3):
        encoder.encode_uint(77, 256)
    with pytest.raises(UsageError, match="need 4 bytes"):
        encoder.finish(num_bytes)


def test_finish_refuses_symbols_beyond_the_buffer() -> None:
    encoder = RangeEncoder(3)
    for _ in range(5):
        encoder.encode_uint(77, 256)
    with pytest.raises(UsageError, match="there are 3"):
        encoder.finish()


def test_nothing_is_encoded_after_finish() -> None:
    encoder = RangeEncoder(3)
    encoder.finish()
    with pytest.raises(UsageError, match="after finish"):
        encoder.encode_uint(1, 2)


@pytest.mark.parametrize(("low", "high", "total"), [(3, 3, 8), (-1, 1, 8), (7, 9, 8), (0, 1, 1), (0, 1, 65537)])
def test_impossible_frequencies_are_refused(low: int, high: int, total: int) -> None:
    with pytest.raises(UsageError):
        RangeEncoder(10).encode(low, high, total)


@pytest.mark.parametrize(
    ("symbol", "icdf", "total_bits"),
    [(0, [5, 5, 0], 8), (0, [256, 0], 8), (0, [9, 1], 8), (0, [], 8), (2, [9, 0], 8), (-1, [9, 0], 8), (0, [9, 0], 17)],
)
def test_impossible_tables_and_symbols_are_refused(symbol: int, icdf: list[int], total_bits: int) -> None:
    with pytest.raises(UsageError):
        RangeEncoder(10).encode_icdf(symbol, icdf, total_bits)


def test_the_decoder_refuses_a_symbol_that_is_not_there() -> None:
    decoder = RangeDecoder(b"\x00\x00")
    with pytest.raises(UsageError, match="does not lie"):
        decoder.advance(5, 6, 8)
