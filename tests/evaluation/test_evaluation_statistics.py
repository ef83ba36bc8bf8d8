"""Means and intervals on data whose answers are known."""

from math import isnan

import numpy as np
import pytest

from dred.errors import UsageError
from dred.evaluation.score import NO_SCORE, Score, total_score
from dred.evaluation.statistics import Interval, damage_ratio, mean_interval, paired_difference


def scores(values: np.ndarray) -> list[Score]:
    return [Score(float(value)) for value in values]


def test_scores_add_up_to_the_mean_of_all_that_was_measured() -> None:
    # One error in ten words, three in five.
    assert total_score([Score(1, 10), Score(3, 5)]).value == pytest.approx(4 / 15)
    assert total_score([]) == NO_SCORE
    assert NO_SCORE.value is None


def test_a_mean_weighs_every_unit_by_what_was_measured_in_it() -> None:
    found = mean_interval([Score(1, 10), Score(3, 5), NO_SCORE])
    assert found.mean == pytest.approx(4 / 15)
    assert found.num_units == 2


def test_intervals_hold_the_truth_as_often_as_they_say(rng: np.random.Generator) -> None:
    trials = [mean_interval(scores(rng.gamma(4, 0.5, 40)), seed=n, num_resamples=400) for n in range(300)]
    held = np.mean([interval.low <= 2 <= interval.high for interval in trials])
    # 95 % wanted; the standard error of 300 trials is 1.3 %.
    assert 0.9 <= held <= 0.985


def test_an_interval_shrinks_with_the_root_of_the_number_of_units(rng: np.random.Generator) -> None:
    few, many = (mean_interval(scores(rng.normal(3, 1, size))) for size in (25, 2500))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(10, rel=0.35)
    assert many.high - many.low == pytest.approx(2 * 1.96 / 50, rel=0.1)


def test_a_wider_level_gives_a_wider_interval(rng: np.random.Generator) -> None:
    values = scores(rng.normal(size=30))
    wide, narrow = mean_interval(values, level=0.99), mean_interval(values, level=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_pairs_cancel_what_the_units_have_in_common(rng: np.random.Generator) -> None:
    common = rng.normal(0, 5, 40)
    ours, theirs = scores(common + 0.3 + rng.normal(0, 0.1, 40)), scores(common)
    found = paired_difference(ours, theirs)
    assert found.low < 0.3 < found.high
    assert found.high - found.low < 0.1
    assert found.mean == pytest.approx(-paired_difference(theirs, ours).mean)


def test_units_that_one_side_lacks_do_not_count() -> None:
    found = paired_difference([Score(2), NO_SCORE, Score(4)], [Score(1), Score(9), Score(3)])
    assert found == Interval(1.0, 1.0, 1.0, 2)


def test_the_damage_ratio_is_what_is_left_of_the_baselines_damage(rng: np.random.Generator) -> None:
    clip = rng.normal(0, 0.3, 50)
    clean, baseline, ours = (scores(clip + level + rng.normal(0, 0.05, 50)) for level in (4.0, 3.0, 3.6))
    found = damage_ratio(clean, ours, baseline)
    assert found.low < 0.4 < found.high
    assert found.high - found.low < 0.1
    assert damage_ratio(clean, baseline, baseline) == Interval(1.0, 1.0, 1.0, 50)
    assert damage_ratio(clean, clean, baseline).mean == 0


@pytest.mark.parametrize(
    ("clean", "ours", "baseline", "mean"),
    [
        ([4, 4], [3.5, 4], [3, 4], 0.5),
        ([0, 0, 0], [0, 0, 10], [0, 0, 20], 0.5),
        ([0, 0, 0], [0, 0, 0], [0, 0, 20], 0.0),
        ([4, 4, 4], [4, 4, 3], [4, 4, 4], np.inf),
    ],
)
def test_damage_in_one_clip_alone_has_a_ratio_and_no_interval(
    clean: list[float], ours: list[float], baseline: list[float], mean: float
) -> None:
    found = damage_ratio(*(scores(np.array(values)) for values in (clean, ours, baseline)))
    assert found.mean == mean
    assert isnan(found.low)
    assert isnan(found.high)


def test_a_seed_gives_the_same_interval_again(rng: np.random.Generator) -> None:
    values = scores(rng.normal(size=20))
    assert mean_interval(values, seed=5) == mean_interval(values, seed=5)
    assert mean_interval(values, seed=5) != mean_interval(values, seed=6)


@pytest.mark.parametrize("num_units", [2, 16, 200])
def test_intervals_are_those_of_scipy(num_units: int, rng: np.random.Generator) -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    totals, weights = rng.gamma(2, 3, num_units), rng.integers(1, 9, num_units).astype(float)
    found = mean_interval([Score(*unit) for unit in zip(totals, weights)], seed=3, num_resamples=999)
    theirs = stats.bootstrap(
        (totals, weights),
        lambda total, weight, axis: total.sum(axis) / weight.sum(axis),
        paired=True,
        n_resamples=999,
        rng=np.random.default_rng(3),
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-12)


def test_equal_units_leave_no_doubt() -> None:
    assert mean_interval([Score(2.5)] * 4) == Interval(2.5, 2.5, 2.5, 4)


def test_one_unit_gives_a_mean_without_ends_and_none_gives_nothing() -> None:
    one, none = mean_interval([Score(2.5)]), mean_interval([NO_SCORE])
    assert (one.mean, one.num_units) == (2.5, 1)
    assert isnan(one.low)
    assert isnan(one.high)
    assert isnan(none.mean)
    assert none.num_units == 0


@pytest.mark.parametrize("setting", [{"level": 0.0}, {"level": 1.0}, {"num_resamples": 1}, {"seed": -1}], ids=str)
def test_impossible_settings_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        mean_interval([Score(1), Score(2)], **setting)


def test_pairs_of_different_lengths_are_refused() -> None:
    with pytest.raises(UsageError, match="equally many"):
        paired_difference([Score(1)], [Score(1), Score(2)])
