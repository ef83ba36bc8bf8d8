"""Numbers for tables: schemes by metrics, overall and per network, beside each other and against a baseline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from dred.evaluation.metrics import Metric
from dred.evaluation.records import Named
from dred.evaluation.statistics import Interval
from dred.report.evaluation.comparison import Comparison, Sent
from dred.report.evaluation.wording import metric_digits, number, span

__all__ = ["Cell", "Line", "Table", "damage_table", "difference_table", "score_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """An estimate in words.

    Attributes:
        value: The mean, or a dash.
        ends: Its interval; empty without one.
        mark: "best" for the best of its column, "better" and "worse" than a baseline beyond chance; else empty.
    """

    value: str
    ends: str
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A scheme's estimates, one per metric.

    Attributes:
        scheme: The scheme.
        sent: What it sent over the table's networks.
        against: Name of what it is compared with; empty if with nothing.
        cells: In the order of the metrics.
    """

    scheme: Named
    sent: Sent
    against: str = ""
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Schemes over some networks.

    Attributes:
        title: Which networks.
        lines: One per scheme.
    """

    title: str
    lines: tuple[Line, ...]


def score_table(
    comparison: Comparison, title: str, networks: Sequence[str], schemes: Sequence[Named] | None = None
) -> Table:
    """Tell the means of schemes, by default all; the best of those that meet losses is marked, unless one is alone."""
    schemes = comparison.evaluation.schemes if schemes is None else schemes
    rivals = [scheme for scheme in schemes if scheme in comparison.lossy_schemes]
    rivals = rivals if len(rivals) > 1 else []
    best = {metric.name: comparison.best(rivals, metric, networks) for metric in comparison.metrics}

    def mark(scheme: Named, metric: Metric, interval: Interval) -> str:
        return "best" if best[metric.name] == scheme else ""

    estimates = {
        (scheme.name, metric.name): comparison.mean(scheme.name, metric, networks)
        for scheme in schemes
        for metric in comparison.metrics
    }
    return Table(title=title, lines=_lines(comparison, networks, schemes, estimates, mark))


def difference_table(comparison: Comparison, title: str, networks: Sequence[str]) -> Table:
    """Tell by how much each scheme differs from its baseline on the same clips."""
    against = {scheme.name: comparison.baseline_of(scheme) for scheme in comparison.evaluation.schemes}
    schemes = [scheme for scheme in comparison.evaluation.schemes if against[scheme.name] not in (None, scheme)]

    def mark(scheme: Named, metric: Metric, interval: Interval) -> str:
        if isnan(interval.low) or interval.low <= 0 <= interval.high:
            return ""
        return "better" if comparison.is_better(metric, interval.mean, 0.0) else "worse"

    estimates = {
        (scheme.name, metric.name): comparison.difference(scheme.name, baseline.name, metric, networks)
        for scheme in schemes
        if (baseline := against[scheme.name])
        for metric in comparison.metrics
    }
    return Table(title=title, lines=_lines(comparison, networks, schemes, estimates, mark, against, signed=True))


def damage_table(comparison: Comparison, title: str, networks: Sequence[str]) -> Table:
    """Tell what share of the baseline's damage each scheme leaves; no line without clean speech or a baseline."""
    against = {scheme.name: comparison.baseline_of(scheme) for scheme in comparison.lossy_schemes}
    estimates = {
        (scheme.name, metric.name): damage
        for scheme in comparison.lossy_schemes
        for metric in comparison.metrics
        if (damage := comparison.damage(scheme, metric, networks)) is not None
    }
    schemes = [scheme for scheme in comparison.lossy_schemes if any(scheme.name == name for name, _ in estimates)]
    return Table(title=title, lines=_lines(comparison, networks, schemes, estimates, lambda *_: "", against, digits=2))


def _lines(
    comparison: Comparison,
    networks: Sequence[str],
    schemes: Sequence[Named],
    estimates: Mapping[tuple[str, str], Interval],
    mark: Callable[[Named, Metric, Interval], str],
    against: Mapping[str, Named | None] | None = None,
    *,
    signed: bool = False,
    digits: int | None = None,
) -> tuple[Line, ...]:
    columns = {
        metric.name: metric_digits(metric, [estimates[scheme.name, metric.name].mean for scheme in schemes])
        if digits is None
        else digits
        for metric in comparison.metrics
    }

    def cell(scheme: Named, metric: Metric) -> Cell:
        interval = estimates[scheme.name, metric.name]
        places = columns[metric.name]
        return Cell(
            value=number(interval.mean, places, signed=signed),
            ends=span(interval, places, signed=signed),
            mark=mark(scheme, metric, interval),
        )

    def name_of(scheme: Named) -> str:
        other = (against or {}).get(scheme.name)
        return other.name if other else ""

    return tuple(
        Line(
            scheme=scheme,
            sent=comparison.sent(scheme.name, networks),
            against=name_of(scheme),
            cells=tuple(cell(scheme, metric) for metric in comparison.metrics),
        )
        for scheme in schemes
    )
