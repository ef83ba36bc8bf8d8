"""Which clips and schemes a reader hears: chosen by rules from the numbers, the same every time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

import numpy as np

from dred.channel import loss_statistics
from dred.evaluation.metrics import Metric
from dred.evaluation.records import Named, Row
from dred.evaluation.score import NO_SCORE
from dred.evaluation.streams import PACKET_MS
from dred.report.evaluation.comparison import Comparison
from dred.report.evaluation.reading import cheaper_schemes

__all__ = ["Heard", "choose_clips", "hardest_trace", "longest_burst_ms", "one_per_family", "seed_schemes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A clip over a network, and why it was chosen.

    Attributes:
        clip: Name of the clip.
        network: Name of the network.
        reason: Why, as a phrase.
    """

    clip: str
    network: str
    reason: str


def one_per_family(comparison: Comparison) -> tuple[Named, ...]:
    """Return of each family the scheme whose rate is nearest the middle of all rates, in order."""
    schemes = comparison.evaluation.schemes
    middle_kbps = median_low([comparison.total_kbps(scheme.name) for scheme in schemes])
    nearest: dict[str, Named] = {}
    for scheme in schemes:
        best = nearest.get(scheme.family, scheme)
        nearest[scheme.family] = min(best, scheme, key=lambda each: abs(comparison.total_kbps(each.name) - middle_kbps))
    return tuple(scheme for scheme in schemes if scheme in nearest.values())


def choose_clips(comparison: Comparison) -> list[Heard]:
    """Choose at most six clips over networks, each for another reason; a clip chosen already gives way to the next."""
    baseline = next((each for each in one_per_family(comparison) if comparison.baseline_of(each) == each), None)
    if baseline is None:
        return []
    rows = [row for row in comparison.evaluation.rows if row.scheme == baseline.name and row.num_lost]
    chosen: dict[tuple[str, str], Heard] = {}
    for reason, rank in _rules(comparison, baseline, rows):
        ranked = [(value, number) for number, row in enumerate(rows) if (value := rank(row)) is not None]
        places = [(rows[number].clip, rows[number].network) for _, number in sorted(ranked)]
        place = next((place for place in places if place not in chosen), None)
        if place is not None:
            chosen[place] = Heard(clip=place[0], network=place[1], reason=reason)
    return list(chosen.values())


def hardest_trace(comparison: Comparison) -> Heard | None:
    """Choose the clip that lost most over the hardest network: a recorded one if there is any, else any."""
    rows = [row for row in comparison.evaluation.rows if row.num_lost]
    recorded = {network.name for network in comparison.lossy_networks if network.is_recorded}
    names = recorded or {network.name for network in comparison.lossy_networks}
    if not rows:
        return None

    def hardness(network: Named) -> tuple[float, float]:
        over = [row for row in rows if row.network == network.name]
        return sum(row.loss_percent for row in over) / len(over), max(map(longest_burst_ms, over))

    network = max((each for each in comparison.lossy_networks if each.name in names), key=hardness)
    row = max(
        (row for row in rows if row.network == network.name), key=lambda row: (row.loss_percent, longest_burst_ms(row))
    )
    kind = "recorded network" if recorded else "network"
    return Heard(
        clip=row.clip,
        network=network.name,
        reason=f"the hardest {kind}: {row.loss_percent:.0f} % lost, {longest_burst_ms(row):.0f} ms in one burst",
    )


def seed_schemes(comparison: Comparison) -> tuple[Named, ...]:
    """Return clean speech, LBRR with concealment, and deep redundancy, as far as the evaluation has them."""
    candidates = one_per_family(comparison)

    def of_families(*families: str) -> list[Named]:
        return [scheme for family in families for scheme in candidates if scheme.family == family]

    clean = [scheme for scheme in candidates if scheme in comparison.clean_schemes]
    classic = of_families("lbrr+plc", "lbrr", "red", "neural-plc", "plc")
    deep = of_families("dred") + [scheme for scheme in candidates if scheme in comparison.deep_schemes]
    return tuple(schemes[0] for schemes in (clean, classic, deep) if schemes)


def longest_burst_ms(row: Row) -> float:
    """Return how long the longest run of lost packets lasts."""
    return loss_statistics(np.array(row.lost, bool)).longest_burst * PACKET_MS


_Rank = Callable[[Row], float | None]


def _rules(comparison: Comparison, baseline: Named, rows: Sequence[Row]) -> Iterator[tuple[str, _Rank]]:
    """Give reasons, and what is lowest where a reason holds most; None where it cannot be told."""
    metric = comparison.primary
    if metric is not None:
        judge = _Judge(comparison=comparison, metric=metric)
        known = [value for row in rows if (value := judge.quality(row, baseline)) is not None]
        if known:
            middle = median_low(known)
            yield f"the worst under {baseline.name}, by {metric.name}", lambda row: judge.quality(row, baseline)
            yield (
                f"the median under {baseline.name}, by {metric.name}",
                lambda row: judge.distance(row, baseline, middle),
            )
        deep = comparison.best(comparison.deep_schemes, metric, comparison.everywhere)
        if deep is not None:
            rivals = cheaper_schemes(comparison, deep)
            yield (
                f"where {deep.name} gains most over {baseline.name}, by {metric.name}",
                lambda row: judge.lag(row, deep, [baseline]),
            )
            yield (
                f"where {deep.name} does worst against schemes without deep redundancy, by {metric.name}",
                lambda row: judge.lead(row, deep, rivals),
            )
    yield "the longest burst", lambda row: -longest_burst_ms(row)
    yield "the most packets lost", lambda row: -row.loss_percent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Judge:
    """What a metric says about one clip over one network; more is better."""

    comparison: Comparison
    metric: Metric

    def quality(self, row: Row, scheme: Named) -> float | None:
        same = self.comparison.row(row.network, scheme.name, row.clip)
        value = same.scores.get(self.metric.name, NO_SCORE).value if same else None
        return value if value is None or self.metric.is_higher_better else -value

    def distance(self, row: Row, scheme: Named, quality: float) -> float | None:
        found = self.quality(row, scheme)
        return None if found is None else abs(found - quality)

    def lead(self, row: Row, scheme: Named, rivals: Sequence[Named]) -> float | None:
        """Return by how much a scheme is better than the best of its rivals."""
        ours = self.quality(row, scheme)
        theirs = [value for rival in rivals if (value := self.quality(row, rival)) is not None]
        return None if ours is None or not theirs else ours - max(theirs)

    def lag(self, row: Row, scheme: Named, rivals: Sequence[Named]) -> float | None:
        lead = self.lead(row, scheme, rivals)
        return None if lead is None else -lead
