"""What losses look like, as distributions: how long bursts and gaps last, how losses cluster, how windows differ.

A burst is a run of lost packets, a gap a run of received ones between two bursts or at an end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from dred.channel.models import burst_lengths
from dred.errors import UsageError

__all__ = ["Distribution", "autocorrelation", "gap_lengths", "kolmogorov_smirnov", "pool", "window_losses"]

Losses = Bool[np.ndarray, " _"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distribution:
    """Values, each with a weight.

    Attributes:
        values: Rising, at least one.
        weights: Positive.
    """

    values: Shaped[np.ndarray, " values"]
    weights: Float64[np.ndarray, " values"]

    def at_least(self) -> tuple[Shaped[np.ndarray, " steps"], Float64[np.ndarray, " steps"]]:
        """Give each value that occurs, and the share of those that are at least as large."""
        steps, first = np.unique(self.values, return_index=True)
        before = np.concatenate([[0.0], np.cumsum(self.weights)])[first]
        return steps, 1 - before / self.weights.sum()

    def up_to(self, values: Shaped[np.ndarray, " steps"]) -> Float64[np.ndarray, " steps"]:
        """Give the share of those that are at most as large as each of the values."""
        totals = np.concatenate([[0.0], np.cumsum(self.weights)])
        return totals[np.searchsorted(self.values, values, side="right")] / totals[-1]


def gap_lengths(lost: Losses) -> Int64[np.ndarray, " gaps"]:
    """Measure each run of received packets, in order."""
    return burst_lengths(~lost)


def pool(parts: Sequence[Shaped[np.ndarray, " _"]], weights: Sequence[float] | None = None) -> Distribution:
    """Put the values of several traces together; each value counts as much as its trace, by default 1.

    Raises:
        UsageError: There is no value.
    """
    weights = [1.0] * len(parts) if weights is None else weights
    if not sum(len(part) for part in parts):
        raise UsageError("there is nothing to compare: traces need lost packets and received ones")
    values = np.concatenate(parts)
    shares = np.concatenate([np.full(len(part), weight) for part, weight in zip(parts, weights)])
    order = np.argsort(values, kind="stable")
    return Distribution(values=values[order], weights=shares[order])


def kolmogorov_smirnov(one: Distribution, other: Distribution) -> float:
    """Measure the largest difference of two distribution functions, 0 (equal) to 1."""
    values = np.union1d(one.values, other.values)
    return float(np.max(np.abs(one.up_to(values) - other.up_to(values))))


def autocorrelation(lost: Losses, max_lag: int) -> Float64[np.ndarray, " lags"]:
    """Correlate each packet's fate with that of the packets 1 to `max_lag` later, -1 to 1; 0 where nothing varies.

    Raises:
        UsageError: `max_lag` is not 1 to the number of packets - 1.
    """
    if not 1 <= max_lag < len(lost):
        raise UsageError(f"max_lag must be 1 to {len(lost) - 1}, got {max_lag}")
    centred = lost - lost.mean()
    power = centred @ centred
    if not power:
        return np.zeros(max_lag)
    return np.array([centred[:-lag] @ centred[lag:] for lag in range(1, max_lag + 1)]) / power


def window_losses(lost: Losses, window: int) -> Float64[np.ndarray, " windows"]:
    """Measure the share of lost packets in each whole window, 0-1.

    Raises:
        UsageError: `window` is not 1 to the number of packets.
    """
    if not 1 <= window <= len(lost):
        raise UsageError(f"window must be 1 to {len(lost)} packets, got {window}")
    return lost[: len(lost) // window * window].reshape(-1, window).mean(1)
