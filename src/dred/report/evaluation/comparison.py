"""An evaluation's rows, grouped: estimates of schemes over networks, each computed once.

Units are clips: where a clip met several networks, its scores are added up before anything is estimated.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from dred.errors import UsageError
from dred.evaluation.metrics import Metric
from dred.evaluation.records import Evaluation, Named, Row
from dred.evaluation.score import NO_SCORE, Score, total_score
from dred.evaluation.statistics import Interval, damage_ratio, mean_interval, paired_difference
from dred.evaluation.streams import Rates
from dred.receiver import Source
from dred.report.sources import Share, repair_shares

__all__ = ["Comparison", "Sent"]

_PRIMARY = "plcmos"
_BASELINES = ("neural-plc", "plc", "zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a scheme sent over some networks, and what became of it, over all clips.

    Attributes:
        rates: Means over clips and networks.
        reach_ms: How far back deep redundancy reaches on average; None without it.
        loss_percent: Share of lost packets.
        repairs: What replaced them.
    """

    rates: Rates
    reach_ms: float | None
    loss_percent: float
    repairs: tuple[Share, ...]


class Comparison:
    """Schemes against each other.

    Args:
        evaluation: At least one row.
        metrics: Those of the evaluation that count, in order.
        baseline: Family or scheme that others are compared with; None: concealment without redundancy.

    Attributes:
        lossy_networks: Those that lost anything.
        clean_schemes: Those that lost nothing where others did.
        lossy_schemes: The others.

    Raises:
        UsageError: No scheme is such a baseline, or there is no row.
    """

    def __init__(self, evaluation: Evaluation, metrics: Sequence[Metric], *, baseline: str | None = None) -> None:
        if not evaluation.rows:
            raise UsageError("an evaluation without rows has no report")
        self.evaluation = evaluation
        self.metrics = tuple(metrics)
        self._rows: dict[tuple[str, str], dict[str, Row]] = {}
        for row in evaluation.rows:
            self._rows.setdefault((row.network, row.scheme), {})[row.clip] = row
        self._estimates: dict[object, Interval] = {}
        lossy = evaluation.lossy_networks
        hit = {row.scheme for row in evaluation.rows if row.num_lost}
        self.lossy_networks = tuple(network for network in evaluation.networks if network.name in lossy)
        self.clean_schemes = tuple(scheme for scheme in evaluation.schemes if lossy and scheme.name not in hit)
        self.lossy_schemes = tuple(scheme for scheme in evaluation.schemes if scheme not in self.clean_schemes)
        self._baselines = self._find_baselines(baseline)

    @cached_property
    def primary(self) -> Metric | None:
        """The metric that sentences and choices go by: PLCMOS, else the first."""
        return next((metric for metric in self.metrics if metric.name == _PRIMARY), next(iter(self.metrics), None))

    @cached_property
    def everywhere(self) -> tuple[str, ...]:
        """Names of the networks that an overall figure covers: the lossy ones, all if there is none."""
        return tuple(network.name for network in self.lossy_networks or self.evaluation.networks)

    @cached_property
    def deep_schemes(self) -> tuple[Named, ...]:
        """Those that send deep redundancy."""
        deep = {row.scheme for row in self.evaluation.rows if row.coverage is not None}
        return tuple(scheme for scheme in self.lossy_schemes if scheme.name in deep)

    @property
    def baseline_name(self) -> str:
        """What to call the baseline: its family, where there are several; empty without lossy schemes."""
        names = [scheme.name if len(self._baselines) == 1 else scheme.family for scheme in self._baselines]
        return names[0] if names else ""

    def baseline_of(self, scheme: Named) -> Named | None:
        """Return what the scheme is compared with: of several baselines that of the nearest rate."""
        return self._nearest(scheme, self._baselines)

    def clean_of(self, scheme: Named) -> Named | None:
        """Return the scheme without loss whose rate is nearest."""
        return self._nearest(scheme, self.clean_schemes)

    def row(self, network: str, scheme: str, clip: str) -> Row | None:
        """Return one row, if it was computed."""
        return self._rows.get((network, scheme), {}).get(clip)

    def rows(self, scheme: str, networks: Sequence[str]) -> list[Row]:
        """Return the rows of a scheme."""
        return [row for network in networks for row in self._rows.get((network, scheme), {}).values()]

    def sent(self, scheme: str, networks: Sequence[str]) -> Sent:
        """Sum up what a scheme sent over networks."""
        rows = self.rows(scheme, networks)
        reaches_ms = [row.coverage.mean_ms for row in rows if row.coverage]
        lost = Counter(source for row in rows for source, gone in zip(row.sources, row.lost, strict=True) if gone)
        repairs: dict[Source, int] = {source: lost[source] for source in Source if source is not Source.RECEIVED}
        return Sent(
            rates=Rates(
                main=_mean([row.rates.main for row in rows]),
                lbrr=_mean([row.rates.lbrr for row in rows]),
                red=_mean([row.rates.red for row in rows]),
                dred=_mean([row.rates.dred for row in rows]),
            ),
            reach_ms=_mean(reaches_ms) if reaches_ms else None,
            loss_percent=100 * lost.total() / max(1, sum(len(row.lost) for row in rows)),
            repairs=repair_shares(repairs, lost.total()),
        )

    def total_kbps(self, scheme: str) -> float:
        """Return what a scheme takes over all networks of `everywhere`."""
        return self._totals_kbps[scheme]

    def mean(self, scheme: str, metric: Metric, networks: Sequence[str]) -> Interval:
        """Estimate a scheme's mean over networks."""
        return self._estimate(mean_interval, metric, networks, scheme)

    def difference(self, scheme: str, other: str, metric: Metric, networks: Sequence[str]) -> Interval:
        """Estimate by how much a scheme's figure exceeds another's on the same clips."""
        return self._estimate(paired_difference, metric, networks, scheme, other)

    def damage(self, scheme: Named, metric: Metric, networks: Sequence[str]) -> Interval | None:
        """Estimate what share of the baseline's damage a scheme leaves; None without a clean scheme or a baseline."""
        clean, baseline = self.clean_of(scheme), self.baseline_of(scheme)
        if clean is None or baseline is None:
            return None
        return self._estimate(damage_ratio, metric, networks, clean.name, scheme.name, baseline.name)

    def units(
        self, scheme: str, metric: Metric, networks: Sequence[str], *, keep: Callable[[Row], bool] = lambda row: True
    ) -> list[Score]:
        """Add each clip's scores up over networks, in the order of clips; those of rows that are kept."""
        kept: dict[str, list[Score]] = {clip.name: [] for clip in self.evaluation.clips}
        for row in self.rows(scheme, networks):
            if keep(row):
                kept[row.clip].append(row.scores.get(metric.name, NO_SCORE))
        return [total_score(scores) for scores in kept.values()]

    def is_better(self, metric: Metric, ours: float, theirs: float) -> bool:
        """Tell whether our figure is better; NaN never is."""
        return ours > theirs if metric.is_higher_better else ours < theirs

    def best(self, schemes: Sequence[Named], metric: Metric, networks: Sequence[str]) -> Named | None:
        """Return the scheme of the best mean, the first of equals; None if nothing was measured."""
        best: tuple[Named, float] | None = None
        for scheme in schemes:
            mean = self.mean(scheme.name, metric, networks).mean
            if mean == mean and (best is None or self.is_better(metric, mean, best[1])):
                best = scheme, mean
        return best[0] if best else None

    @cached_property
    def _totals_kbps(self) -> dict[str, float]:
        return {
            scheme.name: _mean([row.rates.total for row in self.rows(scheme.name, self.everywhere)])
            for scheme in self.evaluation.schemes
        }

    def _estimate(
        self, estimate: Callable[..., Interval], metric: Metric, networks: Sequence[str], *schemes: str
    ) -> Interval:
        key = (estimate, metric.name, tuple(networks), schemes)
        if key not in self._estimates:
            units = [self.units(scheme, metric, networks) for scheme in schemes]
            self._estimates[key] = estimate(*units, seed=self.evaluation.seed)
        return self._estimates[key]

    def _find_baselines(self, wanted: str | None) -> tuple[Named, ...]:
        for name in _BASELINES if wanted is None else (wanted,):
            found = tuple(scheme for scheme in self.lossy_schemes if name in (scheme.name, scheme.family))
            if found:
                return found
        if wanted is not None:
            known = ", ".join(scheme.name for scheme in self.lossy_schemes)
            raise UsageError(f"the baseline must be one of {known}, or a family of them, got {wanted}")
        return self.lossy_schemes[:1]

    def _nearest(self, scheme: Named, candidates: Sequence[Named]) -> Named | None:
        def distance_kbps(candidate: Named) -> float:
            return abs(self.total_kbps(candidate.name) - self.total_kbps(scheme.name))

        return min(candidates, key=distance_kbps, default=None)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
