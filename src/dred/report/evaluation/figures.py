"""Which figures there are: quality against rate, against loss, by the longest burst, and the damage that is left."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import isfinite

from dred.channel import BURST_CLASSES_MS
from dred.evaluation.metrics import Metric
from dred.evaluation.records import Named, Row
from dred.evaluation.statistics import mean_interval
from dred.report.evaluation.choice import longest_burst_ms, one_per_family
from dred.report.evaluation.colours import Look, looks
from dred.report.evaluation.comparison import Comparison
from dred.report.evaluation.panels import Bar, BarPanel, Line, LinePanel, Panel, Point
from dred.report.evaluation.wording import metric_digits

__all__ = ["family_looks", "metric_panels"]

# More lines than this in one panel are a tangle.
_MAX_LINES = 10
# Networks of a family that lose about the same are no curve over loss.
_MIN_LOSS_STEP_PERCENT = 1.5


def family_looks(comparison: Comparison) -> Mapping[str, Look]:
    """Return the look of each family of the evaluation."""
    return looks([scheme.family for scheme in comparison.evaluation.schemes])


def metric_panels(comparison: Comparison, metric: Metric) -> list[Panel]:
    """Return all figures of a metric that have something to show."""
    if not comparison.lossy_networks:
        return []
    schemes = comparison.evaluation.schemes
    if len(schemes) > _MAX_LINES:
        schemes = one_per_family(comparison)
    panels = [
        _against_rate(comparison, metric),
        *_against_loss(comparison, metric, schemes),
        _by_burst(comparison, metric, schemes),
        _damage(comparison, metric),
    ]
    return [panel for panel in panels if panel is not None]


def _against_rate(comparison: Comparison, metric: Metric) -> LinePanel | None:
    families: dict[str, list[Point]] = {}
    for scheme in comparison.evaluation.schemes:
        y = comparison.mean(scheme.name, metric, comparison.everywhere)
        if isfinite(y.mean):
            point = Point(x=comparison.total_kbps(scheme.name), y=y, name=scheme.name)
            families.setdefault(scheme.family, []).append(point)
    look_of = family_looks(comparison)
    lines = [
        Line(name=family, look=look_of[family], points=sorted(points, key=lambda point: point.x))
        for family, points in families.items()
    ]
    return _line_panel("rate", metric, "kb/s, all redundancy included", None, lines)


def _against_loss(comparison: Comparison, metric: Metric, schemes: Sequence[Named]) -> list[LinePanel | None]:
    """Draw families of networks against their loss; networks that are no such curve side by side, by loss."""
    losses = {network.name: _loss_percent(comparison, network) for network in comparison.evaluation.networks}
    families: dict[str, list[Named]] = {}
    for network in sorted(comparison.evaluation.networks, key=lambda network: losses[network.name]):
        families.setdefault(network.family, []).append(network)
    lone: list[Named] = []
    panels: list[LinePanel | None] = []
    for family, networks in families.items():
        steps = [losses[after.name] - losses[before.name] for before, after in pairwise(networks)]
        if not steps or min(steps) < _MIN_LOSS_STEP_PERCENT:
            lone += networks
            continue
        places = {network.name: losses[network.name] for network in networks}
        lines = _over_networks(comparison, metric, schemes, networks, places)
        panels.append(_line_panel(f"loss-{family}", metric, f"packets lost, %, {family}", None, lines))
    if len(lone) > 1:
        lone.sort(key=lambda network: losses[network.name])
        places = {network.name: float(number) for number, network in enumerate(lone)}
        marks = [f"{network.name}\n{losses[network.name]:.1f} %" for network in lone]
        lines = _over_networks(comparison, metric, schemes, lone, places)
        panels.append(_line_panel("loss", metric, "network, packets lost", marks, lines))
    return panels


def _over_networks(
    comparison: Comparison,
    metric: Metric,
    schemes: Sequence[Named],
    networks: Sequence[Named],
    places: Mapping[str, float],
) -> list[Line]:
    return _lines(
        comparison,
        schemes,
        lambda scheme: [
            Point(x=places[network.name], y=comparison.mean(scheme.name, metric, [network.name]), name=network.name)
            for network in networks
        ],
    )


def _by_burst(comparison: Comparison, metric: Metric, schemes: Sequence[Named]) -> LinePanel | None:
    networks = comparison.everywhere
    bursts = {(row.network, row.clip): longest_burst_ms(row) for row in comparison.evaluation.rows if row.num_lost}
    highest_ms = BURST_CLASSES_MS[-1][1]
    longer = [(highest_ms, max(bursts.values()))] if max(bursts.values()) > highest_ms else []
    classes = [
        (low, high, found)
        for low, high in [*BURST_CLASSES_MS, *longer]
        if (found := {key for key, burst_ms in bursts.items() if low < burst_ms <= high})
    ]

    def points(scheme: Named) -> list[Point]:
        return [
            Point(
                x=number,
                y=mean_interval(
                    comparison.units(scheme.name, metric, networks, keep=_among(found)), seed=comparison.evaluation.seed
                ),
                name=_burst_name(low, high),
            )
            for number, (low, high, found) in enumerate(classes)
        ]

    marks = [f"{_burst_name(low, high)}\n{len(found)} heard" for low, high, found in classes]
    return _line_panel("burst", metric, "longest burst, ms", marks, _lines(comparison, schemes, points))


def _damage(comparison: Comparison, metric: Metric) -> BarPanel | None:
    look_of = family_looks(comparison)
    bars = []
    for scheme in comparison.lossy_schemes:
        damage = comparison.damage(scheme, metric, comparison.everywhere)
        if damage is not None and isfinite(damage.mean):
            bars.append(Bar(name=scheme.name, look=look_of[scheme.family], length=damage))
    if not bars:
        return None
    return BarPanel(
        name=f"damage-{metric.name}",
        title=f"damage left, by {metric.name}",
        x_title=f"share of the damage under {comparison.baseline_name}; less is better",
        guides=(0.5, 1.0),
        digits=2,
        bars=bars,
    )


def _lines(comparison: Comparison, schemes: Sequence[Named], points: Callable[[Named], list[Point]]) -> list[Line]:
    look_of = family_looks(comparison)
    found = [
        Line(
            name=scheme.name,
            look=look_of[scheme.family],
            points=[point for point in points(scheme) if isfinite(point.y.mean)],
        )
        for scheme in schemes
    ]
    return [line for line in found if line.points]


def _line_panel(
    name: str, metric: Metric, x_title: str, x_marks: Sequence[str] | None, lines: Sequence[Line]
) -> LinePanel | None:
    if not lines:
        return None
    better = "higher" if metric.is_higher_better else "lower"
    unit = f", {metric.unit}" if metric.unit else ""
    return LinePanel(
        name=re.sub(r"[^A-Za-z0-9.-]+", "-", f"{name}-{metric.name}"),
        title=f"{metric.name}{unit} ({better} is better)",
        x_title=x_title,
        x_marks=x_marks,
        digits=metric_digits(metric, [point.y.mean for line in lines for point in line.points]),
        lines=lines,
    )


def _loss_percent(comparison: Comparison, network: Named) -> float:
    losses = [
        row.loss_percent for scheme in comparison.lossy_schemes for row in comparison.rows(scheme.name, [network.name])
    ]
    return sum(losses) / len(losses) if losses else 0.0


def _among(pairs: set[tuple[str, str]]) -> Callable[[Row], bool]:
    return lambda row: (row.network, row.clip) in pairs


def _burst_name(low: float, high: float) -> str:
    return f"{'≤' if not low else f'{low:g} to '}{high:g}"
