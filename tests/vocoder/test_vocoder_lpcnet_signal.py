"""What surrounds LPCNet's network: mu-law, filters from cepstra, draws."""

import numpy as np
import pytest

from dred.features.reference.bands import LPC_ORDER, lpc_from_cepstrum
from dred.vocoder.lpcnet_signal import (
    FILTER_SCRATCH,
    NUM_LEVELS,
    ZERO_LEVEL,
    choose,
    from_level,
    key_of,
    sharpness,
    to_level,
    uniform,
    write_filter,
)


def filter_of(features: np.ndarray) -> np.ndarray:
    taps = np.empty(LPC_ORDER, np.float32)
    write_filter(features, taps, np.empty(FILTER_SCRATCH, np.float32))
    return taps


def test_each_level_is_that_of_the_sample_it_stands_for() -> None:
    samples = [from_level(level) for level in range(NUM_LEVELS)]
    assert [to_level(sample) for sample in samples] == list(range(NUM_LEVELS))
    assert (np.diff(samples) > 0).all()
    assert (samples[0], samples[ZERO_LEVEL]) == (-1, 0)


@pytest.mark.parametrize(("sample", "level"), [(9.0, 255), (-9.0, 0), (np.inf, 255), (-np.inf, 0), (np.nan, 128)])
def test_what_is_no_sample_has_a_level_too(sample: float, level: int) -> None:
    assert to_level(np.float32(sample)) == level


def test_the_filter_is_that_of_the_features(rng: np.random.Generator) -> None:
    for _ in range(20):
        features = (rng.standard_normal(20) * np.linspace(2, 0.1, 20)).astype(np.float32)
        # Single precision in the recursion leaves some digits open.
        np.testing.assert_allclose(filter_of(features), lpc_from_cepstrum(features[:18]), atol=2e-2)


@pytest.mark.parametrize("size", [0.0, 30.0, 1e30, np.inf, np.nan])
def test_any_features_have_a_finite_filter_and_sharpness(size: float) -> None:
    features = np.full(20, size, np.float32)
    assert np.isfinite(filter_of(features)).all()
    assert 1 <= sharpness(features) <= 2


def test_draws_are_uniform_and_differ_by_key_and_counter() -> None:
    draws = np.array([[uniform(key, counter) for counter in range(2000)] for key in (0, 1, 1 << 23)])
    assert ((draws >= 0) & (draws < 1)).all()
    assert np.unique(draws).size == draws.size
    counts = np.histogram(draws, 10, (0, 1))[0]
    assert np.abs(counts - 600).max() < 5 * np.sqrt(600)
    assert np.abs(np.corrcoef(draws) - np.eye(3)).max() < 0.1


def test_keys_differ_by_what_was_heard(rng: np.random.Generator) -> None:
    samples = rng.uniform(-1, 1, (50, 320)).astype(np.float32)
    assert len({key_of(row) for row in samples}) == 50
    assert 0 <= key_of(np.full(320, np.nan, np.float32)) < 1 << 24


def test_choices_are_as_frequent_as_they_are_likely_and_outliers_never_taken() -> None:
    odds = np.full(NUM_LEVELS, 1e-4)
    odds[[100, 128, 200]] = 0.5, 0.3, 0.2
    logits = np.log(odds).astype(np.float32)
    draws = (np.arange(4000) + 0.5) / 4000
    chosen = np.array([choose(logits.copy(), 1.0, draw) for draw in draws])
    assert set(chosen) == {100, 128, 200}
    expected = odds[[100, 128, 200]] / odds.sum() - 0.002
    found = [(chosen == level).mean() for level in (100, 128, 200)]
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-3)


def test_a_sharper_choice_prefers_the_likeliest() -> None:
    logits = np.linspace(0, 4, NUM_LEVELS).astype(np.float32)
    draws = (np.arange(500) + 0.5) / 500
    means = [np.mean([choose(logits.copy(), sharp, draw) for draw in draws]) for sharp in (1.0, 2.0)]
    assert means[1] > means[0] + 5
