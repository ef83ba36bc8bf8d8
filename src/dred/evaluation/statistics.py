"""Means over clips with bootstrap confidence intervals: of scores, of paired differences, of ratios of damage.

What is drawn again and again are units that are independent of each other, usually clips: where a clip was heard over
several networks, its scores are added up first. Intervals are bias-corrected and accelerated (BCa).

Source: Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapter 14.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, nan
from statistics import NormalDist
from typing import Any

import numpy as np
from jaxtyping import Float64

from dred.errors import UsageError
from dred.evaluation.score import Score

__all__ = ["Interval", "damage_ratio", "mean_interval", "paired_difference"]

_RESAMPLES = 2_000

_NORMAL = NormalDist()
# One sum, or one per draw.
_Sums = Float64[np.ndarray, " draws"] | np.float64


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        mean: The estimate; NaN without anything to measure.
        low: Lower end; NaN with fewer than two units, and where resamples do not tell.
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


def _mean(total: _Sums, weight: _Sums) -> _Sums:
    return total / weight


def _difference(*sums: _Sums) -> _Sums:
    return _mean(*sums[:2]) - _mean(*sums[2:])


def _ratio(*sums: _Sums) -> _Sums:
    clean = _mean(*sums[:2])
    return (clean - _mean(*sums[2:4])) / (clean - _mean(*sums[4:]))


def _bootstrap(
    samples: Sequence[Sequence[Score]],
    statistic: Callable[..., Any],
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
    # Total and weight of every sample, for each unit.
    parts = np.array([[number for score in unit for number in (score.total, score.weight)] for unit in units], float)
    whole = parts.sum(0)
    # A ratio whose damage vanishes in some draws has no interval.
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = float(statistic(*whole))
        if len(units) < 2:
            return Interval(estimate, nan, nan, 1)
        without_one = statistic(*(whole - parts).T)
        if np.ptp(without_one) == 0:
            return Interval(estimate, estimate, estimate, len(units))
        drawn = statistic(*(_draws(len(units), seed, num_resamples) @ parts).T)
        return Interval(estimate, *_bca_interval(estimate, drawn, without_one, level), len(units))


def _bca_interval(
    estimate: float, drawn: Float64[np.ndarray, " draws"], without_one: Float64[np.ndarray, " units"], level: float
) -> tuple[float, float]:
    """Read the interval off the estimates of resamples, and off those that leave out one unit each.

    Source: Efron, Tibshirani, formulas 14.9, 14.10, 14.14 and 14.15; draws that equal the estimate count half.
    """
    below = float(np.mean(drawn < estimate) + np.mean(drawn <= estimate)) / 2
    if not 0 < below < 1:
        return nan, nan
    bias = _NORMAL.inv_cdf(below)
    leaned = without_one.mean() - without_one
    acceleration = float((leaned**3).sum() / (6 * (leaned**2).sum() ** 1.5))
    if not isfinite(acceleration):
        # Without one of the units there is no damage to take a share of.
        return nan, nan
    ends = []
    for z in (_NORMAL.inv_cdf((1 - level) / 2), _NORMAL.inv_cdf((1 + level) / 2)):
        shifted = bias + z
        ends.append(float(np.quantile(drawn, _NORMAL.cdf(bias + shifted / (1 - acceleration * shifted)))))
    return ends[0], ends[1]


# Tables ask for hundreds of intervals over equally many units.
@lru_cache(maxsize=4)
def _draws(num_units: int, seed: int, num_resamples: int) -> Float64[np.ndarray, "draws units"]:
    """Draw units with replacement; tell how often each draw has each unit."""
    chosen = np.random.default_rng(seed).integers(0, num_units, (num_resamples, num_units))
    places = chosen + num_units * np.arange(num_resamples)[:, np.newaxis]
    counts = np.bincount(places.ravel(), minlength=num_resamples * num_units)
    return counts.reshape(num_resamples, num_units).astype(np.float64)
