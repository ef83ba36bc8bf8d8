"""Which listeners' votes count, and why the others' do not.

| reason                          | rule                                                                              |
|---------------------------------|-----------------------------------------------------------------------------------|
| stopped early                   | fewer than half of the rated recordings were rated                                |
| failed n of m traps             | more than one wrong answer to traps                                               |
| answered too fast               | more than a tenth of the answers came before the sound was over                   |
| always the same answer          | five or more votes, all equal                                                     |
| no headphones                   | fewer than 5 of 6 softer tones found; only if asked for, P.808 would              |
| disagrees with all others       | correlation below 0.25 with the others' means of the same conditions; the worst   |
|                                 | goes first, then all are compared anew; needs three listeners                     |

The last rule follows ITU-T P.913 section 12.2 with a lower limit: single votes on schemes that are close to each other
are noisy, and an honest listener must not be lost. Training and traps take part in it, since they span the scale.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dred.errors import UsageError
from dred.listening.ballots import Ballot
from dred.listening.plan import Role

__all__ = ["Rater", "ScreeningConfig", "screen"]

_MIN_SAME = 5
_MIN_RATERS = 3
_MIN_CORRELATED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningConfig:
    """The limits of the rules.

    Attributes:
        max_failed_traps: So many wrong answers to traps are forgiven, at least 0.
        max_fast_share: Such a share of answers may be too fast, 0 to 1.
        min_rated_share: Such a share of the rated recordings must be rated, 0 to 1.
        min_correlation: With the other listeners, -1 to 1.
        min_softer_tones: So many softer tones have to be found with headphones.
        needs_headphones: Whether those without headphones are left out.
    """

    max_failed_traps: int = 1
    max_fast_share: float = 0.1
    min_rated_share: float = 0.5
    min_correlation: float = 0.25
    min_softer_tones: int = 5
    needs_headphones: bool = False

    def __post_init__(self) -> None:
        if self.max_failed_traps < 0 or not -1 <= self.min_correlation <= 1:
            raise UsageError(
                "max_failed_traps must be at least 0, min_correlation -1 to 1, "
                f"got {self.max_failed_traps}, {self.min_correlation}"
            )
        if not 0 <= self.max_fast_share <= 1 or not 0 <= self.min_rated_share <= 1:
            raise UsageError(
                f"max_fast_share and min_rated_share must be 0 to 1, got {self.max_fast_share}, {self.min_rated_share}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rater:
    """What is known of a listener.

    Attributes:
        number: From 0.
        num_votes: Votes on rated recordings.
        num_traps: Traps that were answered.
        num_failed: Of these, those answered wrongly.
        softer_tones: Softer tones that were found.
        has_headphones: Whether these are enough for headphones.
        fast_share: Share of answers before the sound was over.
        correlation: With the other listeners; None if it cannot be told.
        reasons: Why the votes do not count; empty if they do.
    """

    number: int
    num_votes: int
    num_traps: int
    num_failed: int
    softer_tones: int
    has_headphones: bool
    fast_share: float
    correlation: float | None
    reasons: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Whether the votes count."""
        return not self.reasons


def screen(ballots: Sequence[Ballot], num_rated: int, config: ScreeningConfig) -> list[Rater]:
    """Judge all listeners, in order of their numbers.

    Args:
        ballots: All answers.
        num_rated: How many rated recordings each listener was given.
        config: The limits.
    """
    by_rater: dict[int, list[Ballot]] = defaultdict(list)
    for ballot in ballots:
        by_rater[ballot.rater].append(ballot)
    alone = {number: _reasons(own, num_rated, config) for number, own in by_rater.items()}
    agreement = _agreement(by_rater, {number for number, reasons in alone.items() if not reasons}, config)
    return [
        _rater(
            number,
            by_rater[number],
            agreement.get(number),
            (*alone[number], *_disagreement(agreement.get(number), config)),
            config,
        )
        for number in sorted(by_rater)
    ]


def _rater(
    number: int,
    own: Sequence[Ballot],
    correlation: float | None,
    reasons: tuple[str, ...],
    config: ScreeningConfig,
) -> Rater:
    traps = [ballot for ballot in own if ballot.item.role is Role.TRAP]
    softer_tones = sum(ballot.is_right is True for ballot in own if ballot.item.role is Role.HEADPHONES)
    return Rater(
        number=number,
        num_votes=sum(ballot.is_opinion for ballot in own),
        num_traps=len(traps),
        num_failed=sum(not trap.is_right for trap in traps),
        softer_tones=softer_tones,
        has_headphones=softer_tones >= config.min_softer_tones,
        fast_share=sum(ballot.is_too_fast for ballot in own) / len(own),
        correlation=correlation,
        reasons=reasons,
    )


def _reasons(own: Sequence[Ballot], num_rated: int, config: ScreeningConfig) -> tuple[str, ...]:
    """Judge a listener without the others."""
    told = _rater(0, own, None, (), config)
    answers = [ballot.answer for ballot in own if ballot.item.condition]
    rules = [
        (told.num_votes < config.min_rated_share * num_rated, "stopped early"),
        (told.num_failed > config.max_failed_traps, f"failed {told.num_failed} of {told.num_traps} traps"),
        (told.fast_share > config.max_fast_share, "answered too fast"),
        (len(answers) >= _MIN_SAME and len(set(answers)) == 1, "always the same answer"),
        (config.needs_headphones and not told.has_headphones, "no headphones"),
    ]
    return tuple(reason for holds, reason in rules if holds)


def _disagreement(correlation: float | None, config: ScreeningConfig) -> tuple[str, ...]:
    if correlation is None or correlation >= config.min_correlation:
        return ()
    return ("disagrees with all others",)


def _agreement(
    by_rater: Mapping[int, Sequence[Ballot]], trusted: set[int], config: ScreeningConfig
) -> dict[int, float]:
    """Correlate every listener with the trusted others; who disagrees most loses trust, one at a time."""
    dropped: dict[int, float] = {}
    while True:
        found = {
            number: correlation
            for number, own in by_rater.items()
            if number not in dropped
            and (correlation := _correlation(own, [by_rater[other] for other in trusted - {number}])) is not None
        }
        worst = min(trusted & found.keys(), key=lambda number: found[number], default=None)
        if worst is None or len(trusted) < _MIN_RATERS or found[worst] >= config.min_correlation:
            break
        trusted = trusted - {worst}
        dropped[worst] = found[worst]
    # Of two who disagree, nobody can tell which one is wrong.
    return (found if len(trusted) >= _MIN_RATERS else {}) | dropped


def _correlation(own: Sequence[Ballot], others: Sequence[Sequence[Ballot]]) -> float | None:
    votes: dict[str, list[int]] = defaultdict(list)
    for ballot in (ballot for other in others for ballot in other):
        if ballot.value is not None:
            votes[ballot.item.condition].append(ballot.value)
    pairs = [
        (ballot.value, np.mean(votes[ballot.item.condition]))
        for ballot in own
        if ballot.value is not None and votes[ballot.item.condition]
    ]
    ours, theirs = np.array(pairs, np.float64).reshape(-1, 2).T
    if len(ours) < _MIN_CORRELATED or not ours.std() or not theirs.std():
        return None
    return float(np.corrcoef(ours, theirs)[0, 1])
