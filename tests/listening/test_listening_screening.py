"""Whose votes count, and the reason that is told for those whose do not."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from tone_evaluation import SCHEMES, tone_evaluation

from dred.errors import FileFormatError, UsageError
from dred.listening import Ballot, CastVote, ListeningConfig, Method, Role, ScreeningConfig, Step, join, make_plan
from dred.listening import make_steps as steps_of
from dred.listening.plan import DESTROYED, ORIGINAL, Item
from dred.listening.screening import Rater, screen

PLAN = make_plan(tone_evaluation(), ListeningConfig(per_rater=3))
NUM_RATED = 12
OPINIONS = dict(zip(SCHEMES, (4.2, 2.4, 3.8, 3.4))) | {ORIGINAL: 4.6, DESTROYED: 1.2}

Answer = Callable[[Item], int]


def honest(seed: int, bias: float = 0.0) -> Answer:
    rng = np.random.default_rng(seed)

    def answer(item: Item) -> int:
        if item.role in (Role.HEADPHONES, Role.VOLUME) or not item.condition:
            return item.accepted[0] if item.accepted else 1
        return int(np.clip(round(OPINIONS[item.condition] + bias + 0.4 * rng.standard_normal()), 1, 5))

    return answer


def but_for(answer: Answer, role: Role, wrong: int, how_often: int) -> Answer:
    """Answer the first few items of a role wrongly."""
    left = [how_often]

    def mistaken(item: Item) -> int:
        if item.role is role and left[0]:
            left[0] -= 1
            return next(number for number in (wrong, 1, 2, 3, 4, 5) if number not in item.accepted)
        return answer(item)

    return mistaken


def ballots_of(answers: Sequence[Answer], *, seconds: float = 9.0, num_steps: int | None = None) -> list[Ballot]:
    items = {item.name: item for item in PLAN.items}
    return join(
        PLAN,
        [
            CastVote(
                rater=rater,
                number=number,
                step=step,
                answer=answer(items[step.item]),
                plays=1,
                seconds=seconds,
            )
            for rater, answer in enumerate(answers)
            for number, step in enumerate(steps_of(PLAN, rater % PLAN.num_rows, rater)[:num_steps])
        ],
    )


def screened(ballots: Sequence[Ballot], **limits: object) -> list[Rater]:
    return screen(ballots, NUM_RATED, ScreeningConfig(**limits))


def test_honest_listeners_count_however_kind_or_strict() -> None:
    raters = screened(ballots_of([honest(1, 0.6), honest(2), honest(3, -0.6), honest(4)]))
    assert [rater.reasons for rater in raters] == [()] * 4
    assert all(rater.correlation is not None and rater.correlation > 0.6 for rater in raters)


def test_one_failed_trap_is_forgiven_and_two_are_not() -> None:
    answers = [but_for(honest(1), Role.TRAP, 5, 1), but_for(honest(2), Role.TRAP, 5, 2), honest(3), honest(4)]
    raters = screened(ballots_of(answers))
    assert [rater.num_failed for rater in raters] == [1, 2, 0, 0]
    assert [rater.reasons for rater in raters] == [(), ("failed 2 of 4 traps",), (), ()]
    assert screened(ballots_of([but_for(honest(1), Role.TRAP, 5, 1)]), max_failed_traps=0)[0].reasons


def test_who_reads_the_scale_upside_down_is_found_by_traps_and_by_the_others() -> None:
    def upside_down(item: Item) -> int:
        return 6 - honest(1)(item) if item.condition else honest(1)(item)

    reasons = screened(ballots_of([upside_down, honest(2), honest(3), honest(4)]))[0].reasons
    assert reasons == ("failed 2 of 4 traps", "disagrees with all others")


def test_who_always_says_the_same_does_not_count() -> None:
    def same(item: Item) -> int:
        return 3 if item.condition else honest(1)(item)

    assert "always the same answer" in screened(ballots_of([same, honest(2)]))[0].reasons


def test_who_answers_before_the_sound_is_over_does_not_count() -> None:
    assert screened(ballots_of([honest(1)], seconds=0.2))[0].reasons == ("answered too fast",)


def test_who_stops_before_half_of_the_recordings_does_not_count() -> None:
    early, late = (screened(ballots_of([honest(1)], num_steps=steps))[0] for steps in (17, 23))
    assert early.reasons == ("stopped early",)
    assert late.reasons == ()


def test_headphones_are_told_and_asked_for_only_on_demand() -> None:
    ballots = ballots_of([but_for(honest(1), Role.HEADPHONES, 3, 2), but_for(honest(2), Role.HEADPHONES, 3, 1)])
    assert [(rater.softer_tones, rater.has_headphones, rater.counts) for rater in screened(ballots)] == [
        (4, False, True),
        (5, True, True),
    ]
    assert [rater.reasons for rater in screened(ballots, needs_headphones=True)] == [("no headphones",), ()]


def test_random_answers_are_nearly_always_found_out() -> None:
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        raters = screened(ballots_of([lambda item: int(rng.integers(1, 6)), honest(1), honest(2), honest(3)]))  # noqa: B023
        assert all(rater.counts for rater in raters[1:])
        found += not raters[0].counts
    assert found >= 38


def test_of_two_who_disagree_nobody_is_left_out() -> None:
    def contrary(item: Item) -> int:
        if item.role is Role.RATED:
            return 6 - honest(1)(item)
        return honest(1)(item)

    assert all(rater.counts for rater in screened(ballots_of([contrary, honest(2)])))


def test_nobody_is_no_one() -> None:
    assert screened([]) == []


@pytest.mark.parametrize(
    "limits", [{"max_failed_traps": -1}, {"min_correlation": 1.5}, {"max_fast_share": 2.0}, {"min_rated_share": -0.1}]
)
def test_impossible_limits_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="must be"):
        ScreeningConfig(**limits)


def test_votes_on_another_plan_are_refused() -> None:
    stray = CastVote(rater=0, number=0, step=Step("rated/opus"), answer=1, plays=1, seconds=1.0)
    with pytest.raises(FileFormatError, match="votes on the plan's items"):
        join(PLAN, [stray])


@pytest.mark.parametrize(("swapped", "vote"), [(False, -2), (True, 2)])
def test_a_pair_is_voted_for_the_condition_whichever_comes_first(swapped: bool, vote: int) -> None:
    plan = make_plan(tone_evaluation(), ListeningConfig(method=Method.CCR))
    item = plan.by_role(Role.RATED)[0]
    cast = CastVote(rater=0, number=0, step=Step(item.name, swapped), answer=2, plays=1, seconds=9.0)
    assert join(plan, [cast])[0].value == vote


def test_a_destroyed_recording_is_the_worse_one_on_either_side() -> None:
    plan = make_plan(tone_evaluation(), ListeningConfig(method=Method.CCR))
    pairs = {item.reference_first: item for item in plan.by_role(Role.TRAP) if item.condition == DESTROYED}
    for reference_first, answer in ((True, 1), (False, 7)):
        step = Step(pairs[reference_first].name)
        ballot = join(plan, [CastVote(rater=0, number=0, step=step, answer=answer, plays=1, seconds=9.0)])[0]
        assert (ballot.value, ballot.is_right) == (-3, True)
