"""Numbers as a reader sees them: digits that fit a metric, intervals, a dash where there is nothing."""

from collections.abc import Sequence
from math import isfinite

from dred.evaluation.metrics import Metric
from dred.evaluation.statistics import Interval

__all__ = ["NOTHING", "as_percent", "in_words", "list_words", "metric_digits", "number", "span"]

NOTHING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def metric_digits(metric: Metric, values: Sequence[float]) -> int:
    """Return how many digits behind the point tell a metric's values apart: 2 for opinions, else by their size."""
    if metric.unit == "MOS":
        return 2
    largest = max((abs(value) for value in values if isfinite(value)), default=0.0)
    return 3 if largest < 1.5 else 2 if largest < 10 else 1


def number(value: float | None, digits: int, *, signed: bool = False) -> str:
    """Write a number, a dash for none or one without end."""
    if value is None or not isfinite(value):
        return NOTHING
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    # What rounds to zero has no sign.
    if not text.strip("+-0."):
        return text.lstrip("+-")
    return text.replace("-", _MINUS)


def span(interval: Interval, digits: int, *, signed: bool = False) -> str:
    """Write an interval's ends; empty without ends."""
    if not isfinite(interval.low + interval.high):
        return ""
    return f"{number(interval.low, digits, signed=signed)} to {number(interval.high, digits, signed=signed)}"


def in_words(interval: Interval, digits: int, unit: str = "") -> str:
    """Write an estimate with its interval in brackets."""
    ends = span(interval, digits)
    unit = f" {unit}" if unit else ""
    return f"{number(interval.mean, digits)}{unit}{f' ({ends})' if ends else ''}"


def as_percent(interval: Interval) -> Interval:
    """Return what is removed, in percent, of an estimate of what is left."""
    return Interval(100 - 100 * interval.mean, 100 - 100 * interval.high, 100 - 100 * interval.low, interval.num_units)


def list_words(words: Sequence[str]) -> str:
    """Join with commas and a last "and"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
