"""Means over clips with bootstrap confidence intervals: of scores, of paired differences, of ratios of damage.

What is drawn again and again are units that are independent of each other, usually clips: where a clip was heard over
several networks, its scores are added up first. Intervals are bias-corrected and accelerated (BCa).

Source: Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapter 14.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from jaxtyping import Float64

from dred.errors import UsageError
from dred.evaluation.score import Score

__all__ = ["Interval", "damage_ratio", "mean_interval", "paired_difference"]

_RESAMPLES = 2_000

_Totals = Float64[np.ndarray, "*draws units"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        mean: The estimate; NaN without anything to measure.
        low: Lower end; NaN with fewer than two units.
        high: Upper end; likewise.
        num_units: How many units had something to measure.
    """

    mean: float
    low: float
    high: float
    num_units: int


def mean_interval(
    scores: Sequence[Score], *, seed: int = 0, level: float = 0.95, num_resamples: int = _RESAMPLES
) -> Interval:
    """Estimate the mean of scores: their totals over their weights.

    Args:
        scores: One per unit; those of weight 0 do not count.
        seed: Of the resampling.
        level: Share of repeated experiments whose interval holds the truth, between 0 and 1.
        num_resamples: How often units are drawn anew, at least 2.

    Raises:
        UsageError: A number outside its range.
    """
    return _bootstrap([scores], _mean, seed, level, num_resamples)


def paired_difference(
    ours: Sequence[Score],
    theirs: Sequence[Score],
    *,
    seed: int = 0,
    level: float = 0.95,
    num_resamples: int = _RESAMPLES,
) -> Interval:
    """Estimate by how much our mean exceeds theirs, on the same units; otherwise like `mean_interval`.

    Raises:
        UsageError: There are not equally many of both, or a number is outside its range.
    """
    return _bootstrap([ours, theirs], _difference, seed, level, num_resamples)


def damage_ratio(
    clean: Sequence[Score],
    ours: Sequence[Score],
    baseline: Sequence[Score],
    *,
    seed: int = 0,
    level: float = 0.95,
    num_resamples: int = _RESAMPLES,
) -> Interval:
    """Estimate (clean - ours) / (clean - baseline): what is left of the baseline's damage; like `mean_interval`.

    Raises:
        UsageError: There are not equally many of all, or a number is outside its range.
    """
    return _bootstrap([clean, ours, baseline], _ratio, seed, level, num_resamples)


def _mean(totals: _Totals, weights: _Totals) -> np.ndarray | np.floating:
    return totals.sum(axis=-1) / weights.sum(axis=-1)


def _difference(*sums: _Totals) -> np.ndarray | np.floating:
    return _mean(*sums[:2]) - _mean(*sums[2:])


def _ratio(*sums: _Totals) -> np.ndarray | np.floating:
    clean = _mean(*sums[:2])
    return (clean - _mean(*sums[2:4])) / (clean - _mean(*sums[4:]))


def _bootstrap(
    samples: Sequence[Sequence[Score]],
    statistic: Callable[..., np.ndarray | np.floating],
    seed: int,
    level: float,
    num_resamples: int,
) -> Interval:
    if len({len(scores) for scores in samples}) != 1:
        raise UsageError(f"pairs need equally many units, got {', '.join(str(len(scores)) for scores in samples)}")
    if not 0 < level < 1 or num_resamples < 2 or seed < 0:
        raise UsageError(
            "level must be between 0 and 1, num_resamples at least 2, seed at least 0, "
            f"got {level}, {num_resamples}, {seed}"
        )
    units = [unit for unit in zip(*samples, strict=True) if all(score.weight > 0 for score in unit)]
    if not units:
        return Interval(nan, nan, nan, 0)
    sums = [
        np.array(values, np.float64)
        for scores in zip(*units, strict=True)
        for values in ([score.total for score in scores], [score.weight for score in scores])
    ]
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        # A ratio whose damage vanishes in some draws.
        warnings.simplefilter("ignore")
        estimate = float(statistic(*sums))
        if len(units) < 2:
            return Interval(estimate, nan, nan, 1)
        if _has_no_spread(sums, statistic):
            return Interval(estimate, estimate, estimate, len(units))
        return Interval(estimate, *_interval(sums, statistic, seed, level, num_resamples), len(units))


def _interval(
    sums: Sequence[np.ndarray],
    statistic: Callable[..., np.ndarray | np.floating],
    seed: int,
    level: float,
    num_resamples: int,
) -> tuple[float, float]:
    from scipy.stats import bootstrap  # Here, not above: it is slow to import.

    def along(*arrays: np.ndarray, axis: int) -> np.ndarray | np.floating:
        return statistic(*(np.moveaxis(array, axis, -1) for array in arrays))

    found = bootstrap(
        sums,
        along,
        n_resamples=num_resamples,
        vectorized=True,
        paired=True,
        confidence_level=level,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def _has_no_spread(sums: Sequence[np.ndarray], statistic: Callable[..., np.ndarray | np.floating]) -> bool:
    """Tell whether leaving out any unit changes nothing; then there is no acceleration to compute."""
    without_one = [total.sum() - total for total in sums]
    return bool(np.ptp(statistic(*(total[:, np.newaxis] for total in without_one))) == 0)
