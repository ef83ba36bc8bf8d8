"""Results as a terminal shows them."""

from itertools import pairwise
from math import isfinite

from rich.console import Group
from rich.table import Table
from rich.text import Text

from dred.listening.config import Method
from dred.listening.estimation import Estimate
from dred.listening.results import Results

__all__ = ["as_tables"]


def as_tables(results: Results) -> Group:
    """Draw conditions, neighbours' differences and listeners."""
    num_counting = sum(rater.counts for rater in results.raters)
    scale = "MOS, 1 to 5" if results.method is Method.ACR else "CMOS against the original, -3 to 3"
    return Group(
        Text(f"{results.title}: {scale}; {num_counting} of {len(results.raters)} listeners count"),
        _conditions(results),
        _differences(results),
        _raters(results),
        Text("95 % intervals hold for other listeners and other recordings; P.800's takes votes as independent."),
    )


def _conditions(results: Results) -> Table:
    table = Table("condition", title="Conditions", title_justify="left")
    for name in ("votes", "mean", "95 %", "adjusted", "95 %", "P.800"):
        table.add_column(name, justify="right")
    for result in (*results.conditions, *results.anchors):
        table.add_row(
            result.condition,
            str(result.num_votes),
            _number(result.mean.mean),
            _interval(result.mean),
            _number(result.adjusted.mean),
            _interval(result.adjusted),
            _interval(result.p800),
        )
    return table


def _differences(results: Results) -> Table:
    """Show each condition against the next one; all pairs are in the JSON."""
    table = Table("better", "worse", title="Differences between neighbours", title_justify="left")
    for name in ("by", "95 %", ""):
        table.add_column(name, justify="right")
    heard = [result for result in results.conditions if isfinite(result.adjusted.mean)]
    ordered = sorted(heard, key=lambda result: -result.adjusted.mean)
    neighbours = {(one.condition, other.condition) for one, other in pairwise(ordered)}
    for pair in results.differences:
        if (pair.better, pair.worse) in neighbours:
            told = pair.difference
            table.add_row(
                pair.better,
                pair.worse,
                _number(told.mean),
                _interval(told),
                "" if isfinite(told.low) and told.low > 0 else "not certain",
            )
    return table


def _raters(results: Results) -> Table:
    table = Table("listener", title="Listeners", title_justify="left")
    for name in ("votes", "failed traps", "softer tones", "agreement", "effect"):
        table.add_column(name, justify="right")
    table.add_column("left out")
    for rater in results.raters:
        effect = results.effects.get(rater.number)
        table.add_row(
            str(rater.number + 1),
            str(rater.num_votes),
            f"{rater.num_failed} of {rater.num_traps}",
            str(rater.softer_tones),
            "-" if rater.correlation is None else f"{rater.correlation:.2f}",
            "-" if effect is None else f"{effect:+.2f}",
            "; ".join(rater.reasons),
        )
    return table


def _number(value: float) -> str:
    return f"{value:.2f}" if isfinite(value) else "-"


def _interval(estimate: Estimate) -> str:
    return f"{estimate.low:.2f} to {estimate.high:.2f}" if isfinite(estimate.low) else "-"
