"""What a listening test lets whom hear, and in which order."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tone_evaluation import SCHEMES, tone_evaluation

from dred.errors import FileFormatError, UsageError
from dred.listening import Item, ListeningConfig, Method, Plan, Role, make_plan, make_steps
from dred.listening.plan import DESTROYED, ORIGINAL
from dred.listening.plan_file import check_choices, plan_digest, read_plan, write_plan

METHODS = st.sampled_from(list(Method))
SIZES = {"num_clips": st.integers(1, 9), "num_schemes": st.integers(1, 4), "per_rater": st.integers(1, 9)}


def plan_of(num_clips: int = 6, num_schemes: int = 4, **choices: object) -> Plan:
    return make_plan(tone_evaluation(num_clips, SCHEMES[:num_schemes]), ListeningConfig(**choices))


def heard(plan: Plan, row: int, rater: int, *roles: Role) -> list[Item]:
    items = {item.name: item for item in plan.items}
    found = [items[step.item] for step in make_steps(plan, row, rater)]
    return [item for item in found if item.role in roles]


@given(**SIZES, rater=st.integers(0, 99), method=METHODS)
@settings(max_examples=60)
def test_each_listener_hears_every_condition_equally_often(
    num_clips: int, num_schemes: int, per_rater: int, rater: int, method: Method
) -> None:
    plan = plan_of(num_clips, num_schemes, per_rater=per_rater, method=method)
    counts = Counter(item.condition for item in heard(plan, rater % plan.num_rows, rater, Role.RATED))
    assert counts == dict.fromkeys(plan.conditions, min(per_rater, num_clips))


@given(**SIZES, rater=st.integers(0, 99))
@settings(max_examples=60)
def test_a_listener_hears_all_clips_about_equally_often(
    num_clips: int, num_schemes: int, per_rater: int, rater: int
) -> None:
    plan = plan_of(num_clips, num_schemes, per_rater=per_rater)
    counts = Counter(item.clip for item in heard(plan, rater % plan.num_rows, rater, Role.RATED))
    assert max(counts.values()) - min(counts.get(clip, 0) for clip in plan.clips) <= 1


@given(**SIZES)
@settings(max_examples=40)
def test_after_every_row_all_items_have_equally_many_votes(num_clips: int, num_schemes: int, per_rater: int) -> None:
    plan = plan_of(num_clips, num_schemes, per_rater=per_rater)
    counts: Counter[str] = Counter()
    for row in range(plan.num_rows):
        counts.update(item.name for item in heard(plan, row, row, Role.RATED))
        by_condition = [
            [counts[item.name] for item in plan.by_role(Role.RATED) if item.condition == name]
            for name in plan.conditions
        ]
        assert all(max(votes) - min(votes) <= 1 for votes in by_condition)
    assert len(set(counts.values())) == 1
    assert len(counts) == len(plan.by_role(Role.RATED))


@given(**SIZES | {"num_clips": st.integers(2, 9)}, rater=st.integers(0, 99))
@settings(max_examples=100)
def test_no_rated_clip_comes_twice_in_a_row(num_clips: int, num_schemes: int, per_rater: int, rater: int) -> None:
    plan = plan_of(num_clips, num_schemes, per_rater=per_rater)
    clips = [item.clip for item in heard(plan, rater % plan.num_rows, rater, Role.RATED)]
    assert all(one != other for one, other in pairwise(clips))


def test_a_block_holds_every_condition_once_before_any_comes_again() -> None:
    plan = plan_of(per_rater=3)
    conditions = [item.condition for item in heard(plan, 0, 0, Role.RATED)]
    assert [set(conditions[start : start + 4]) for start in (0, 4, 8)] == [set(SCHEMES)] * 3


def test_nothing_is_heard_twice_but_for_practice() -> None:
    for method in Method:
        names = [step.item for step in make_steps(plan_of(method=method), 1, 1)]
        assert len(set(names)) == len(names)


def test_stages_follow_each_other() -> None:
    plan = plan_of()
    roles = [item.role for item in heard(plan, 0, 0, *Role)]
    assert roles[:12] == [Role.VOLUME] + [Role.HEADPHONES] * 6 + [Role.TRAINING] * 5
    assert set(roles[12:]) == {Role.RATED, Role.TRAP}


def test_practice_spans_the_scale_and_uses_a_clip_that_is_not_rated_if_there_is_one() -> None:
    plan = plan_of(6, clips=5)
    practice = plan.by_role(Role.TRAINING)
    assert {ORIGINAL, DESTROYED} < {item.condition for item in practice}
    assert not {item.clip for item in practice} & set(plan.clips)


def test_traps_are_spread_and_never_come_first() -> None:
    plan = plan_of(12, per_rater=3)
    for rater in range(50):
        roles = [item.role for item in heard(plan, rater % plan.num_rows, rater, Role.RATED, Role.TRAP)]
        places = [place for place, role in enumerate(roles) if role is Role.TRAP]
        assert len(places) == 4
        assert places[0] >= 1
        assert [place // 4 for place in places] == [0, 1, 2, 3] or max(
            later - sooner for sooner, later in pairwise(places)
        ) <= 8


@pytest.mark.parametrize("method", Method)
def test_each_listener_meets_two_beep_traps_a_good_and_a_bad_recording(method: Method) -> None:
    plan = plan_of(method=method)
    for rater in range(20):
        traps = Counter(item.condition for item in heard(plan, 0, rater, Role.TRAP))
        assert traps == {"": 2, ORIGINAL: 1, DESTROYED: 1}


def test_in_pairs_the_reference_is_first_half_of_the_time_for_each_condition() -> None:
    plan = plan_of(method=Method.CCR, per_rater=4)
    items = {item.name: item for item in plan.items}
    for rater in range(8):
        steps = [step for step in make_steps(plan, 0, rater) if items[step.item].role is Role.RATED]
        swapped = Counter(items[step.item].condition for step in steps if step.swapped)
        assert swapped == dict.fromkeys(SCHEMES, 2)


def test_single_recordings_and_known_pairs_are_never_swapped() -> None:
    for method in Method:
        plan = plan_of(method=method)
        items = {item.name: item for item in plan.items}
        for step in make_steps(plan, 0, 0):
            assert not step.swapped or (method is Method.CCR and items[step.item].role is Role.RATED)


def test_the_same_seed_gives_the_same_test_and_another_one_other_orders() -> None:
    assert plan_of(seed=5) == plan_of(seed=5)
    assert make_steps(plan_of(seed=5), 0, 3) == make_steps(plan_of(seed=5), 0, 3)
    assert plan_of(seed=5).clips != plan_of(seed=6).clips
    assert make_steps(plan_of(), 0, 3) != make_steps(plan_of(), 0, 4)


def test_clips_are_spread_over_speakers() -> None:
    plan = make_plan(tone_evaluation(9), ListeningConfig(clips=3))
    assert {int(name.removeprefix("clip")) % 3 for name in plan.clips} == {0, 1, 2}


def test_clips_take_turns_over_networks_the_same_for_all_schemes() -> None:
    plan = make_plan(tone_evaluation(6, networks=("a", "b", "c")), ListeningConfig())
    rated = plan.by_role(Role.RATED)
    assert Counter(item.network for item in rated) == {"a": 8, "b": 8, "c": 8}
    assert len({(item.clip, item.network) for item in rated}) == 6


def test_by_network_every_scheme_over_every_network_is_a_condition() -> None:
    plan = make_plan(tone_evaluation(4, networks=("a", "b")), ListeningConfig(by_network=True))
    assert len(plan.conditions) == 8
    assert plan.conditions[:2] == ("clean / a", "clean / b")


def test_only_the_chosen_schemes_and_networks_are_heard() -> None:
    chosen = ListeningConfig(schemes=("dred", "plc"), networks=("b",))
    plan = make_plan(tone_evaluation(4, networks=("a", "b")), chosen)
    assert plan.conditions == ("plc", "dred")
    assert {item.network for item in plan.by_role(Role.RATED)} == {"b"}


def test_an_unknown_scheme_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="no scheme 'opus', only clean, plc, dred, lbrr"):
        make_plan(tone_evaluation(), ListeningConfig(schemes=("opus",)))


def test_a_missing_row_is_told() -> None:
    whole = tone_evaluation(2)

    with pytest.raises(UsageError, match="lacks clip"):
        make_plan(replace(whole, rows=whole.rows[1:]), ListeningConfig())


@pytest.mark.parametrize("choices", [{"clips": 0}, {"per_rater": 0}, {"seed": -1}, {"schemes": ("a", "a")}])
def test_impossible_choices_are_refused(choices: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="must be"):
        ListeningConfig(**choices)


def test_a_plan_is_read_back_as_it_was_written(tmp_path: Path) -> None:

    path = tmp_path / "plan.json"
    for method in Method:
        plan = plan_of(method=method, schemes=("plc", "dred"), networks=("uni20",))
        write_plan(path, plan)
        assert read_plan(path) == plan
        assert plan_digest(read_plan(path)) == plan_digest(plan)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[" * 100_000, b'{"format": "dred-listening/1"}', b"\xff"])
def test_what_is_no_plan_is_refused(content: bytes, tmp_path: Path) -> None:

    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="plan of a listening test"):
        read_plan(path)


def test_going_on_with_other_choices_is_refused() -> None:
    plan = plan_of(schemes=("plc", "dred"))
    check_choices(plan, {"method": None, "clips": 12, "schemes": ("plc", "dred")})
    with pytest.raises(UsageError, match="has begun with schemes = plc,dred, got clean"):
        check_choices(plan, {"schemes": ("clean",)})
    with pytest.raises(UsageError, match="has begun with networks = all, got x"):
        check_choices(plan, {"networks": ("x",)})
