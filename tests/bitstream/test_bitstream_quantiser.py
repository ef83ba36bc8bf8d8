"""The quantiser: the level of each latent, dead zone and rounding, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.bitstream import PayloadTables, SymbolTables, dequantise, quality_level, quantise
from dred.errors import UsageError


@pytest.mark.parametrize(
    ("q0", "dq", "qmax", "levels"),
    [
        (6, 0, 15, [6] * 26),
        (6, 1, 15, [6] * 4 + [7] * 8 + [8] * 8 + [9] * 6),
        (6, 5, 15, [6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14] + [15] * 9),
        (6, 5, 9, [6, 7, 7, 8, 8] + [9] * 21),
        (0, 7, 15, [*range(15)] + [15] * 11),
        (15, 7, 15, [15] * 26),
    ],
)
def test_the_level_rises_with_age_up_to_qmax(q0: int, dq: int, qmax: int, levels: list[int]) -> None:
    assert [quality_level(q0, dq, qmax, index) for index in range(26)] == levels


def one_dimension(*, scale_q8: int, dead_zone_q8: int, r_q8: int = 100, p0_q8: int = 100) -> SymbolTables:
    def column(value: int) -> np.ndarray:
        return np.full((16, 1), value, np.uint8)

    return SymbolTables(
        scale_q8=column(scale_q8), dead_zone_q8=column(dead_zone_q8), r_q8=column(r_q8), p0_q8=column(p0_q8)
    )


@pytest.mark.parametrize(
    ("scale_q8", "dead_zone_q8", "value", "symbol"),
    [
        (128, 0, 0.99, 0),  # 0.495 rounds down
        (128, 0, 1.0, 1),  # halves round up
        (128, 0, -1.0, 0),  # on both sides of zero
        (128, 0, -1.01, -1),
        (64, 0, 100.0, 25),
        (128, 128, 1.9, 0),  # 0.95 less half of tanh(1.58)
        (128, 128, 2.1, 1),  # 1.05 less half of tanh(1.75)
        (128, 128, 100.0, 50),  # 50 less half rounds up again
    ],
)
def test_values_are_pulled_to_zero_by_the_dead_zone_and_rounded(
    scale_q8: int, dead_zone_q8: int, value: float, symbol: int
) -> None:
    tables = one_dimension(scale_q8=scale_q8, dead_zone_q8=dead_zone_q8)
    assert quantise(np.array([value], np.float32), 3, tables).tolist() == [symbol]


@pytest.mark.parametrize(("r_q8", "p0_q8"), [(0, 100), (100, 255)])
def test_dimensions_that_are_not_coded_are_zero(r_q8: int, p0_q8: int) -> None:
    tables = one_dimension(scale_q8=128, dead_zone_q8=0, r_q8=r_q8, p0_q8=p0_q8)
    assert quantise(np.array([50.0], np.float32), 0, tables).tolist() == [0]


def test_a_symbol_stands_for_256_over_its_scale() -> None:
    assert dequantise(np.array([-3], np.int32), 9, one_dimension(scale_q8=96, dead_zone_q8=0)).tolist() == [-8.0]


def test_a_scale_of_zero_counts_as_one() -> None:
    tables = one_dimension(scale_q8=0, dead_zone_q8=0, r_q8=0)
    assert dequantise(np.array([2], np.int32), 0, tables).tolist() == [512.0]


@given(st.integers(0, 2**32 - 1), st.integers(0, 15))
def test_symbols_are_those_of_the_definition(small_tables: PayloadTables, seed: int, level: int) -> None:
    tables = small_tables.state
    values = np.random.default_rng(seed).normal(0, 20, (40, tables.dim)).astype(np.float32)
    scaled = values.astype(np.float64) * tables.scale_q8[level] / 256
    dead_zone = tables.dead_zone_q8[level] / 256
    exact = scaled - dead_zone * np.tanh(scaled / (dead_zone + 0.1)) + 0.5
    expected = np.floor(exact) * tables.model.is_coded[level]
    # Single precision may round the other way where the exact value is next to a step.
    is_clear = np.abs(exact - np.rint(exact)) > 1e-4
    symbols = quantise(values, level, tables)
    assert np.array_equal(symbols[is_clear], expected[is_clear])
    assert np.abs(symbols - expected).max() <= 1


@given(st.integers(0, 2**32 - 1))
def test_a_symbol_survives_dequantising_and_quantising_without_a_dead_zone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables = one_dimension(scale_q8=int(rng.integers(1, 256)), dead_zone_q8=0)
    symbols = rng.integers(-200, 200, (30, 1)).astype(np.int32)
    assert np.array_equal(quantise(dequantise(symbols, 2, tables), 2, tables), symbols)


@given(st.integers(0, 2**32 - 1))
def test_rows_of_different_levels_equal_rows_one_at_a_time(small_tables: PayloadTables, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 10, (12, 6)).astype(np.float32)
    levels = rng.integers(0, 16, 12).astype(np.int32)
    symbols = quantise(values, levels, small_tables.latent)
    for row in range(12):
        level = int(levels[row])
        assert np.array_equal(symbols[row], quantise(values[row], level, small_tables.latent))
        assert np.array_equal(
            dequantise(symbols, levels, small_tables.latent)[row], dequantise(symbols[row], level, small_tables.latent)
        )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(UsageError, match="finite"):
        quantise(np.array([value], np.float32), 0, one_dimension(scale_q8=1, dead_zone_q8=0))
