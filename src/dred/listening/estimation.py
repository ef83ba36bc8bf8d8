"""Means of conditions from votes that listeners and recordings influence, with intervals that know of both.

The model is additive: vote = condition + listener + recording + chance. Two estimates of a condition follow.

- The plain mean of its votes (MOS of P.800).
- The adjusted mean: least squares with the effects of listeners and recordings, each adding up to zero. Where not
  everybody heard everything, it takes out that a condition met stricter listeners or harder recordings.

An interval must hold for other listeners and other recordings of the same kind. Votes of one listener are not
independent of each other, nor are votes on one recording, so that the interval of P.800 (all votes independent) is too
short. Here the covariance is clustered both ways: listeners' plus recordings' minus that of their crossing.

Source: Cameron, Gelbach, Miller: Robust inference with multiway clustering, 2011. With G/(G - 1) for G clusters, and
Student's t with the smaller number of clusters less one. With fewer than two clusters there is no interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from jaxtyping import Float64, Int64

from dred.errors import UsageError

__all__ = ["Estimate", "Fit", "Opinion", "fit_adjusted", "fit_plain", "p800_interval", "rater_effects"]

_LEVEL = 0.95
_LEAST_SHARE = 1e-10


@dataclass(frozen=True, slots=True)
class Opinion:
    """A vote.

    Attributes:
        rater: The listener.
        condition: What was judged, as a number from 0.
        recording: What was heard, whatever the condition.
        value: The vote.
    """

    rater: int
    condition: int
    recording: str
    value: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval; NaN where there is nothing to estimate it from."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Estimates of all conditions together.

    Attributes:
        means: Of each condition; NaN without votes.
        covariances: By raters, by recordings, and by both at once.
        num_clusters: How many raters or recordings there are, whichever are fewer.
    """

    means: Float64[np.ndarray, " conditions"]
    covariances: Float64[np.ndarray, "3 conditions conditions"]
    num_clusters: int

    def mean(self, condition: int) -> Estimate:
        """Estimate a condition."""
        contrast = np.zeros(len(self.means))
        contrast[condition] = 1
        return self._estimate(contrast, float(self.means[condition]))

    def difference(self, ours: int, theirs: int) -> Estimate:
        """Estimate by how much the first condition is better: listeners and recordings that both share cancel."""
        contrast = np.zeros(len(self.means))
        contrast[ours] += 1
        contrast[theirs] -= 1
        return self._estimate(contrast, float(self.means[ours] - self.means[theirs]))

    def _estimate(self, contrast: np.ndarray, mean: float) -> Estimate:
        if not np.isfinite(mean):
            return Estimate(nan, nan, nan)
        if self.num_clusters < 2:
            return Estimate(mean, nan, nan)
        by_raters, by_recordings, by_both = (float(contrast @ part @ contrast) for part in self.covariances)
        # By chance the difference may fall below what a single one of them gives, which is never right.
        variance = max(by_raters + by_recordings - by_both, by_raters, by_recordings, 0.0)
        half = _t_quantile(self.num_clusters - 1) * sqrt(variance)
        return Estimate(mean, mean - half, mean + half)


def fit_plain(opinions: Sequence[Opinion], num_conditions: int) -> Fit:
    """Average the votes of each condition."""
    return _fit(opinions, num_conditions, _conditions(opinions, num_conditions))


def fit_adjusted(opinions: Sequence[Opinion], num_conditions: int) -> Fit:
    """Estimate conditions without what listeners and recordings add."""
    return (
        _fit(opinions, num_conditions, _design(opinions, num_conditions)) if opinions else fit_plain([], num_conditions)
    )


def rater_effects(opinions: Sequence[Opinion], num_conditions: int) -> dict[int, float]:
    """Estimate how much each listener votes above the average listener of the same things."""
    raters = sorted({opinion.rater for opinion in opinions})
    if not raters:
        return {}
    solution = _least_squares(_design(opinions, num_conditions)) @ _values(opinions)
    effects = solution[num_conditions : num_conditions + len(raters) - 1]
    return dict(zip(raters, [*effects.tolist(), 0.0 - float(effects.sum())]))


def p800_interval(values: Sequence[float]) -> Estimate:
    """Average votes with the interval of P.800, which takes them as independent of each other."""
    if not values:
        return Estimate(nan, nan, nan)
    mean = float(np.mean(values))
    if len(values) < 2:
        return Estimate(mean, nan, nan)
    half = _t_quantile(len(values) - 1) * float(np.std(values, ddof=1)) / sqrt(len(values))
    return Estimate(mean, mean - half, mean + half)


def _fit(opinions: Sequence[Opinion], num_conditions: int, design: Float64[np.ndarray, "votes effects"]) -> Fit:
    means = np.full(num_conditions, nan)
    covariances = np.zeros((3, num_conditions, num_conditions))
    if not opinions:
        return Fit(means=means, covariances=covariances, num_clusters=0)
    values = _values(opinions)
    inverse = _least_squares(design)
    solution = inverse @ values
    heard = np.unique([opinion.condition for opinion in opinions])
    means[heard] = solution[heard]
    # How far each vote pulls each condition's estimate.
    pulls = inverse[:num_conditions] * (values - design @ solution)
    raters, num_raters = _numbered([opinion.rater for opinion in opinions])
    recordings, num_recordings = _numbered([opinion.recording for opinion in opinions])
    both, _ = _numbered(list(zip(raters.tolist(), recordings.tolist())))
    for place, clusters in enumerate((raters, recordings, both)):
        covariances[place] = _clustered(pulls, clusters)
    return Fit(means=means, covariances=covariances, num_clusters=min(num_raters, num_recordings))


def _least_squares(design: Float64[np.ndarray, "votes effects"]) -> Float64[np.ndarray, "effects votes"]:
    """Invert a design by its normal equations: entries are 0 and 1, so that what counts is far above the limit."""
    return np.linalg.pinv(design.T @ design, rcond=_LEAST_SHARE, hermitian=True) @ design.T


def _clustered(
    pulls: Float64[np.ndarray, "conditions votes"], clusters: Int64[np.ndarray, " votes"]
) -> Float64[np.ndarray, "conditions conditions"]:
    num_clusters = int(clusters.max()) + 1
    sums = np.zeros((num_clusters, len(pulls)))
    np.add.at(sums, clusters, pulls.T)
    return sums.T @ sums * (num_clusters / max(1, num_clusters - 1))


def _conditions(opinions: Sequence[Opinion], num_conditions: int) -> Float64[np.ndarray, "votes conditions"]:
    return np.eye(num_conditions)[[opinion.condition for opinion in opinions]]


def _design(opinions: Sequence[Opinion], num_conditions: int) -> Float64[np.ndarray, "votes effects"]:
    return np.concatenate(
        [
            _conditions(opinions, num_conditions),
            _deviations([opinion.rater for opinion in opinions]),
            _deviations([opinion.recording for opinion in opinions]),
        ],
        axis=1,
    )


def _deviations(labels: Sequence[object]) -> Float64[np.ndarray, "votes effects"]:
    """Code labels so that their effects add up to zero: the last one is minus all others."""
    numbers, count = _numbered(labels)
    codes = np.concatenate([np.eye(count - 1), -np.ones((1, count - 1))])
    return codes[numbers]


def _numbered(labels: Sequence[object]) -> tuple[Int64[np.ndarray, " votes"], int]:
    places = {label: place for place, label in enumerate(sorted(set(labels)))}  # type: ignore[type-var]
    return np.array([places[label] for label in labels], np.int64), len(places)


def _values(opinions: Sequence[Opinion]) -> Float64[np.ndarray, " votes"]:
    return np.array([opinion.value for opinion in opinions], np.float64)


def _t_quantile(freedom: int) -> float:
    try:
        from scipy.stats import t  # Here, not above: it is slow to import.
    except ImportError as error:
        raise UsageError("results of a listening test need scipy: pip install 'dred[listen]'") from error
    return float(t.ppf((1 + _LEVEL) / 2, freedom))
