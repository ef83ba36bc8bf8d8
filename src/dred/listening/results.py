"""From the votes of a test to what they say: conditions with intervals, differences, listeners, tables."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from dred.listening.ballots import Ballot
from dred.listening.config import Method
from dred.listening.estimation import (
    Estimate,
    Opinion,
    fit_adjusted,
    fit_plain,
    p800_interval,
    rater_effects,
)
from dred.listening.plan import DESTROYED, ORIGINAL, Plan, Role
from dred.listening.screening import Rater, ScreeningConfig, screen

__all__ = ["ConditionResult", "Difference", "Results", "analyse", "results_csv", "votes_csv"]

_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionResult:
    """What listeners think of a condition.

    Attributes:
        condition: Its name.
        num_votes: Votes that count.
        mean: MOS, or with CCR the mean against the original.
        adjusted: The same without what listeners and recordings add.
        p800: With the interval of P.800.
    """

    condition: str
    num_votes: int
    mean: Estimate
    adjusted: Estimate
    p800: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much better one condition is than another."""

    better: str
    worse: str
    difference: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a test says.

    Attributes:
        title: Of the evaluation.
        method: How listeners judged.
        conditions: In the plan's order.
        anchors: Plain means of the original and the destroyed recording in practice and traps.
        differences: Of all pairs of conditions, the one with the higher adjusted mean first.
        raters: All listeners, those included whose votes do not count.
        effects: By listener whose votes count: how much higher they are than the average listener's.
    """

    title: str
    method: Method
    conditions: tuple[ConditionResult, ...]
    anchors: tuple[ConditionResult, ...]
    differences: tuple[Difference, ...]
    raters: tuple[Rater, ...]
    effects: Mapping[int, float]

    def as_json(self) -> Mapping[str, Any]:
        """Return everything as JSON holds it; numbers that do not exist are null."""
        return {
            "title": self.title,
            "method": self.method.value,
            "conditions": [_condition_row(result) for result in self.conditions],
            "anchors": [_condition_row(result) for result in self.anchors],
            "differences": [
                {"better": pair.better, "worse": pair.worse, **_parts("difference", pair.difference)}
                for pair in self.differences
            ],
            "raters": [self._rater_row(rater) for rater in self.raters],
        }

    def _rater_row(self, rater: Rater) -> dict[str, Any]:
        return {
            "rater": rater.number + 1,
            "counts": rater.counts,
            "reasons": list(rater.reasons),
            "votes": rater.num_votes,
            "traps": rater.num_traps,
            "failed_traps": rater.num_failed,
            "softer_tones": rater.softer_tones,
            "headphones": rater.has_headphones,
            "too_fast": rater.fast_share,
            "correlation": rater.correlation,
            "effect": self.effects.get(rater.number),
        }


def analyse(plan: Plan, ballots: Sequence[Ballot], config: ScreeningConfig | None = None) -> Results:
    """Screen listeners, then estimate conditions from the votes of those who remain."""
    num_rated = len(plan.conditions) * plan.per_rater
    raters = screen(ballots, num_rated, config or ScreeningConfig())
    counting = {rater.number for rater in raters if rater.counts}
    kept = [ballot for ballot in ballots if ballot.rater in counting]
    opinions = _opinions(kept, plan.conditions, {Role.RATED})
    results = _condition_results(opinions, plan.conditions)
    anchors = (ORIGINAL, DESTROYED)
    return Results(
        title=plan.title,
        method=plan.config.method,
        conditions=tuple(results),
        anchors=tuple(_condition_results(_opinions(kept, anchors, {Role.TRAINING, Role.TRAP}), anchors)),
        differences=tuple(_differences(opinions, plan.conditions)),
        raters=tuple(raters),
        effects=rater_effects(opinions, len(plan.conditions)),
    )


def results_csv(results: Results) -> str:
    """Write conditions as a table of values separated by commas."""
    return _csv([_condition_row(result) for result in (*results.conditions, *results.anchors)])


def votes_csv(ballots: Sequence[Ballot], results: Results) -> str:
    """Write all answers as a table, screened listeners' included."""
    counting = {rater.number for rater in results.raters if rater.counts}
    return _csv(
        [
            {
                "rater": ballot.rater + 1,
                "step": ballot.step + 1,
                "role": ballot.item.role.value,
                "condition": ballot.item.condition,
                "scheme": ballot.item.scheme,
                "network": ballot.item.network,
                "clip": ballot.item.clip,
                "answer": ballot.answer,
                "vote": ballot.value,
                "right": None if ballot.is_right is None else int(ballot.is_right),
                "swapped": int(ballot.swapped),
                "plays": ballot.plays,
                "seconds": round(ballot.seconds, 3),
                "counts": int(ballot.rater in counting and ballot.is_opinion),
            }
            for ballot in ballots
        ]
    )


def _opinions(ballots: Sequence[Ballot], conditions: Sequence[str], roles: set[Role]) -> list[Opinion]:
    numbers = {condition: number for number, condition in enumerate(conditions)}
    return [
        Opinion(ballot.rater, numbers[ballot.item.condition], ballot.item.clip, ballot.value)
        for ballot in ballots
        if ballot.item.role in roles and ballot.item.condition in numbers and ballot.value is not None
    ]


def _condition_results(opinions: Sequence[Opinion], conditions: Sequence[str]) -> list[ConditionResult]:
    plain, adjusted = fit_plain(opinions, len(conditions)), fit_adjusted(opinions, len(conditions))
    found = []
    for number, condition in enumerate(conditions):
        values = [opinion.value for opinion in opinions if opinion.condition == number]
        found.append(
            ConditionResult(
                condition=condition,
                num_votes=len(values),
                mean=plain.mean(number),
                adjusted=adjusted.mean(number),
                p800=p800_interval(values),
            )
        )
    return found


def _differences(opinions: Sequence[Opinion], conditions: Sequence[str]) -> list[Difference]:
    fit = fit_adjusted(opinions, len(conditions))
    heard = [number for number in range(len(conditions)) if isfinite(fit.means[number])]
    ordered = sorted(heard, key=lambda number: -fit.means[number])
    return [
        Difference(better=conditions[ours], worse=conditions[theirs], difference=fit.difference(ours, theirs))
        for place, ours in enumerate(ordered)
        for theirs in ordered[place + 1 :]
    ]


def _condition_row(result: ConditionResult) -> dict[str, Any]:
    return {
        "condition": result.condition,
        "votes": result.num_votes,
        **_parts("mean", result.mean),
        **_parts("adjusted", result.adjusted),
        **{f"p800_{end}": value for end, value in _parts("", result.p800).items() if end in ("low", "high")},
    }


def _parts(name: str, estimate: Estimate) -> dict[str, float | None]:
    numbers = {name: estimate.mean, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    # A vote is a whole number: more digits than these are noise of the arithmetic.
    return {key.lstrip("_"): round(value, _DIGITS) + 0.0 if isfinite(value) else None for key, value in numbers.items()}


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
