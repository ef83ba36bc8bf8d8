"""Vectors as a Numba type: what numpy does with 16 numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from dred.vectors.functions import exp, log10, tanh
from dred.vectors.kind import LANES, larger, smaller, square_root
from dred.vectors.lanes import copies, find, greatest, lane, narrow, permutation, total, transpose
from dred.vectors.memory import load, load_doubles, store, table

PRIMES = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71], np.float32)
MIXED = [3, 17, 0, 31, *range(12)]

primes = table(PRIMES)
doubles = table(PRIMES.astype(np.float64))
fifth = lane(5)
mixed = permutation(MIXED)


@njit
def _arithmetic(a, b, out):
    x, y = load(a, 0), load(b, 0)
    store(out, 0, x + y)
    store(out, 16, x - y)
    store(out, 32, x * y)
    store(out, 48, x / y)
    store(out, 64, -x)
    store(out, 80, smaller(x, y))
    store(out, 96, larger(x, 1))
    store(out, 112, square_root(y))
    store(out, 128, 2 * x + 0.5)
    y *= 3
    y -= x
    store(out, 144, y)


def test_arithmetic_is_that_of_numbers(rng: np.random.Generator) -> None:
    a = rng.standard_normal(16).astype(np.float32)
    b = rng.uniform(0.1, 2, 16).astype(np.float32)
    out = np.zeros(160, np.float32)
    _arithmetic(a, b, out)
    expected = [a + b, a - b, a * b, a / b, -a, np.minimum(a, b), np.maximum(a, 1), np.sqrt(b), 2 * a + 0.5, 3 * b - a]
    # A fused product keeps digits that numpy rounds away.
    np.testing.assert_allclose(out.reshape(-1, 16), expected, rtol=1e-6, atol=1e-6)


@njit
def _move(a, b, out, wide):
    x, y = load(a, 1), load(b, 0)
    store(out, 0, mixed(x, y))
    store(out, 16, copies(fifth(x)))
    store(out, 32, primes(3))
    low, high = load_doubles(a, 0), load_doubles(a, 8)
    store(wide, 0, low + doubles(2))
    store(out, 48, narrow(low, high))
    return total(x), greatest(x), find(x, a[4]), find(y, np.float32(7)), total(low)


def test_lanes_move_where_they_are_told(rng: np.random.Generator) -> None:
    a, b = rng.standard_normal((2, 17)).astype(np.float32)
    out, wide = np.zeros(64, np.float32), np.zeros(8)
    sums = _move(a, b, out, wide)
    both = np.concatenate([a[1:], b[:16]])
    np.testing.assert_array_equal(out.reshape(4, 16), [both[MIXED], np.full(16, a[6]), PRIMES[3:19], a[:16]])
    np.testing.assert_array_equal(wide, a[:8] + PRIMES[2:10].astype(np.float64))
    np.testing.assert_allclose(sums, [a[1:].sum(), a[1:].max(), 3, LANES, a[:8].sum()], rtol=1e-5)


@njit
def _turn(square, out):
    columns = transpose((load(square, 0), load(square, 16), load(square, 32)))
    store(out, 0, columns[0])
    store(out, 16, columns[6])
    store(out, 32, columns[15])


def test_rows_become_columns_and_missing_rows_zeros(rng: np.random.Generator) -> None:
    rows = rng.standard_normal((3, 16)).astype(np.float32)
    out = np.ones(48, np.float32)
    _turn(rows.ravel(), out)
    columns = np.zeros((16, 16), np.float32)
    columns[:, :3] = rows.T
    np.testing.assert_array_equal(out.reshape(3, 16), columns[[0, 6, 15]])


@njit
def _functions(positive, any_sign, out):
    store(out, 0, log10(load(positive, 0)))
    store(out, 16, exp(load(any_sign, 0)))
    store(out, 32, tanh(load(any_sign, 0)))


@given(
    exponents=st.lists(st.floats(-37, 38), min_size=16, max_size=16),
    values=st.lists(st.floats(-86, 86), min_size=16, max_size=16),
)
def test_functions_are_those_of_numpy(exponents: list[float], values: list[float]) -> None:
    positive, any_sign = (10.0 ** np.array(exponents)).astype(np.float32), np.array(values, np.float32)
    out = np.zeros(48, np.float32)
    _functions(positive, any_sign, out)
    wide = any_sign.astype(np.float64)
    np.testing.assert_allclose(out[:16], np.log10(positive.astype(np.float64)), rtol=2e-7, atol=1e-7)
    # The product with log2(e) is rounded to 24 bits.
    np.testing.assert_allclose(out[16:32] / np.exp(wide), 1, rtol=0, atol=2e-7 + 1e-7 * np.abs(wide).max())
    np.testing.assert_allclose(out[32:], np.tanh(wide), rtol=0, atol=1.8e-6)


@pytest.mark.parametrize("value", [-np.inf, -1e30, -100, 100, 1e30, np.inf])
def test_functions_hold_beyond_their_range(value: float) -> None:
    out = np.zeros(48, np.float32)
    _functions(np.ones(16, np.float32), np.full(16, value, np.float32), out)
    assert np.isfinite(out).all()
    np.testing.assert_allclose(out[32:], np.sign(value), atol=1.8e-6)
    assert (out[16:32] > 1e38).all() if value > 0 else (out[16:32] < 1e-37).all()
