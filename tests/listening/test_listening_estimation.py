"""Means, differences and listeners' biases from votes whose truth is known."""

from math import isnan

import numpy as np
import pytest

from dred.listening.estimation import Opinion, fit_adjusted, fit_plain, p800_interval, rater_effects

TRUTH = np.array([4.2, 3.4, 2.5])


def votes(
    rng: np.random.Generator, *, num_raters: int = 12, num_clips: int = 10, bias: float = 0.5, heard: float = 1.0
) -> tuple[list[Opinion], np.ndarray]:
    """Draw votes from conditions, listeners' biases, recordings and chance; each is cast with the chance `heard`."""
    biases = rng.normal(0, bias, num_raters)
    biases -= biases.mean()
    recordings = rng.normal(0, 0.2, num_clips)
    cast = [
        Opinion(rater, condition, str(clip), value + biases[rater] + recordings[clip] + rng.normal(0, 0.3))
        for rater in range(num_raters)
        for condition, value in enumerate(TRUTH)
        for clip in range(num_clips)
        if rng.random() < heard
    ]
    return cast, biases


def test_biases_of_listeners_are_recovered(rng: np.random.Generator) -> None:
    cast, biases = votes(rng)
    found = rater_effects(cast, len(TRUTH))
    assert [found[rater] for rater in range(12)] == pytest.approx(biases, abs=0.15)


def test_biases_do_not_favour_the_conditions_that_kind_listeners_heard(rng: np.random.Generator) -> None:
    # The kind half hears mostly the worst condition, the strict half mostly the best one.
    cast = [
        Opinion(rater, condition, str(clip), TRUTH[condition] + (1.0 if rater < 6 else -1.0) + rng.normal(0, 0.2))
        for rater in range(12)
        for condition in range(3)
        for clip in range(8)
        if rng.random() < (0.9 if (rater < 6) == (condition == 2) else 0.2)
    ]
    plain, adjusted = fit_plain(cast, 3), fit_adjusted(cast, 3)
    assert abs((plain.means[0] - plain.means[2]) - 1.7) > 0.5
    assert adjusted.means[0] - adjusted.means[2] == pytest.approx(1.7, abs=0.2)


def test_intervals_of_differences_hold_the_truth_as_often_as_they_say() -> None:
    held = []
    for seed in range(200):
        cast, _ = votes(np.random.default_rng(seed), num_raters=10, num_clips=8, heard=0.7)
        found = fit_adjusted(cast, 3).difference(0, 1)
        held.append(found.low <= TRUTH[0] - TRUTH[1] <= found.high)
    assert np.mean(held) > 0.9


def test_a_difference_is_surer_than_its_means(rng: np.random.Generator) -> None:
    fit = fit_plain(votes(rng, bias=0.8)[0], 3)
    mean, difference = fit.mean(0), fit.difference(0, 1)
    assert difference.high - difference.low < mean.high - mean.low


def test_the_interval_of_p800_is_that_of_students_t() -> None:
    found = p800_interval([1, 2, 3, 4, 5])
    # Standard deviation 1.5811, t(0.975, 4) = 2.7764, root of five votes.
    half = 2.7764 * 1.5811 / 5**0.5
    assert (found.mean, found.low, found.high) == (
        3,
        pytest.approx(3 - half, abs=1e-3),
        pytest.approx(3 + half, abs=1e-3),
    )


def test_nothing_is_told_where_nobody_voted() -> None:
    fit = fit_plain([Opinion(0, 0, "a", 4.0), Opinion(1, 0, "a", 5.0)], 2)
    assert fit.mean(0).mean == pytest.approx(4.5)
    assert isnan(fit.mean(1).mean)
    assert isnan(fit_plain([], 2).mean(0).mean)


def test_a_lone_listener_is_the_average_one() -> None:
    (effect,) = rater_effects([Opinion(0, 0, "a", 3), Opinion(0, 1, "b", 4)], 2).values()
    assert f"{effect:+.2f}" == "+0.00"
