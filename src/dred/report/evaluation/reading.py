"""What the numbers say, in a few sentences that anyone can read; where redundancy loses is said, too."""

from dataclasses import dataclass
from math import isfinite

from dred.evaluation.metrics import Metric
from dred.evaluation.records import Named
from dred.evaluation.statistics import Interval
from dred.report.evaluation.comparison import Comparison
from dred.report.evaluation.wording import as_percent, in_words, list_words, metric_digits, number

__all__ = ["Defeat", "cheaper_schemes", "defeats", "read_aloud"]

# Rates are measured: those of one budget differ a little.
_SAME_RATE = 1.03
_SHOWN_DEFEATS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Defeat:
    """A network over which deep redundancy loses to a scheme that sends no more and has none.

    Attributes:
        network: The network.
        loser: The scheme with deep redundancy.
        winner: The other one.
        lead: By how much the winner is better, beyond chance; at least 0 whatever the metric's direction.
    """

    network: Named
    loser: Named
    winner: Named
    lead: Interval


def read_aloud(comparison: Comparison) -> tuple[str, ...]:
    """Say which scheme is best, what deep redundancy saves and costs, and where it loses."""
    metric = comparison.primary
    if metric is None or not comparison.lossy_networks:
        return ("Nothing was lost, or nothing was measured: there is nothing to compare.",)
    sentences = [_best(comparison, metric), _savings(comparison, metric), _losses(comparison, metric)]
    return tuple(sentence for sentence in sentences if sentence)


def defeats(comparison: Comparison, metric: Metric) -> list[Defeat]:
    """Find where a scheme without deep redundancy beats one that has it at no higher rate, the worst first.

    Of the same two families over the same network, only the worst counts.
    """
    worst: dict[tuple[str, str, str], Defeat] = {}
    for loser in comparison.deep_schemes:
        for winner in cheaper_schemes(comparison, loser):
            for network in comparison.lossy_networks:
                lead = _lead(comparison, winner, loser, metric, network)
                key = (network.name, loser.family, winner.family)
                if lead.low > 0 and (key not in worst or lead.mean > worst[key].lead.mean):
                    worst[key] = Defeat(network=network, loser=loser, winner=winner, lead=lead)
    return sorted(worst.values(), key=lambda defeat: -defeat.lead.mean)


def cheaper_schemes(comparison: Comparison, deep: Named) -> tuple[Named, ...]:
    """Return the schemes without deep redundancy that send no more than this one, to within 3 %."""
    allowed_kbps = comparison.total_kbps(deep.name) * _SAME_RATE
    return tuple(
        scheme
        for scheme in comparison.lossy_schemes
        if scheme not in comparison.deep_schemes and comparison.total_kbps(scheme.name) <= allowed_kbps
    )


def _lead(comparison: Comparison, winner: Named, loser: Named, metric: Metric, network: Named) -> Interval:
    ours, theirs = (winner, loser) if metric.is_higher_better else (loser, winner)
    return comparison.difference(ours.name, theirs.name, metric, [network.name])


def _best(comparison: Comparison, metric: Metric) -> str:
    everywhere = comparison.everywhere
    best = comparison.best(comparison.lossy_schemes, metric, everywhere)
    if best is None:
        return ""
    mean = comparison.mean(best.name, metric, everywhere)
    digits = metric_digits(metric, [mean.mean])
    clips, networks = len(comparison.evaluation.clips), len(everywhere)
    sentence = (
        f"Over {_count(clips, 'clip')} and {_count(networks, 'lossy network')}, {best.name} sounds best, by "
        f"{metric.name}: {in_words(mean, digits, metric.unit)}"
    )
    clean = comparison.clean_of(best)
    if clean is not None:
        away = comparison.difference(best.name, clean.name, metric, everywhere).mean
        whole = number(comparison.mean(clean.name, metric, everywhere).mean, digits)
        side = "above" if away > 0 else "below"
        sentence += f", {number(abs(away), digits)} {side} the same codec without loss ({whole})"
    return sentence + "."


def _savings(comparison: Comparison, metric: Metric) -> str:
    deep = comparison.deep_schemes
    if not deep or not comparison.clean_schemes:
        return ""
    sent = {scheme.name: comparison.sent(scheme.name, comparison.everywhere) for scheme in comparison.lossy_schemes}
    alone = [scheme for scheme in deep if not sent[scheme.name].rates.lbrr + sent[scheme.name].rates.red]
    others = [
        scheme for scheme in comparison.lossy_schemes if sent[scheme.name].rates.lbrr + sent[scheme.name].rates.red
    ]
    classic = [scheme for scheme in others if scheme not in deep]
    together = [scheme for scheme in others if scheme in deep]
    told: list[str] = []
    for schemes in (alone, together, classic):
        scheme = comparison.best(schemes, metric, comparison.everywhere)
        damage = comparison.damage(scheme, metric, comparison.everywhere) if scheme else None
        if scheme is None or damage is None or not isfinite(damage.mean):
            continue
        rates = sent[scheme.name].rates
        removes = "" if told else "removes "
        told.append(
            f"{scheme.name} {removes}{in_words(as_percent(damage), 0, '%')} for {rates.total:.1f} kb/s, "
            f"{rates.total - rates.main:.1f} of them redundancy"
        )
    if not told:
        return ""
    return f"Of the damage that loss does under {comparison.baseline_name}, {'; '.join(told)}."


def _losses(comparison: Comparison, metric: Metric) -> str:
    if not comparison.deep_schemes:
        return ""
    if len(comparison.evaluation.clips) < 2:
        return "One clip is too few to tell wins from chance."
    found = defeats(comparison, metric)
    if not found:
        return (
            "On no network here does a scheme without deep redundancy beat one that has it at the same or a lower rate "
            f"by more than chance, by {metric.name}."
        )
    shown = found[:_SHOWN_DEFEATS]
    digits = metric_digits(metric, [defeat.lead.mean for defeat in shown])
    told = [
        f"{defeat.winner.name} beats {defeat.loser.name} over {defeat.network.name} by "
        f"{in_words(defeat.lead, digits, metric.unit)}"
        for defeat in shown
    ]
    more = len(found) - len(shown)
    also = f", and {_count(more, 'more case')}" if more else ""
    return f"Deep redundancy also loses, to schemes of the same or a lower rate: {list_words(told)}{also}."


def _count(number_of: int, noun: str) -> str:
    return f"{number_of} {noun}{'' if number_of == 1 else 's'}"
