"""The policy: every rule of `decide`, and which of two rules wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.receiver.decision import Conceal, Decision, Dred, Lbrr, Pause, Red, Regular, Silence, Situation, decide

GAP = {"until_next": 2880, "lbrr_reach": 960, "may_guess": 24_000}


@pytest.mark.parametrize(
    ("situation", "decision"),
    [
        pytest.param({"until_next": 0}, Regular(), id="a packet that is due is played"),
        pytest.param({"until_next": 0, "next_is_copy": True}, Red(), id="a copy that is due stands for its packet"),
        pytest.param(
            {"until_next": 0, "paused": True, "is_covered": True, "lbrr_reach": 960},
            Regular(),
            id="a packet that is due comes before all else",
        ),
        pytest.param(GAP | {"paused": True}, Pause(2880), id="a pause lasts until the next packet"),
        pytest.param({"paused": True}, Pause(None), id="a pause without a next packet has no limit"),
        pytest.param(GAP | {"paused": True, "is_covered": True}, Pause(2880), id="a pause needs no redundancy"),
        pytest.param(GAP | {"paused": True, "until_next": 960}, Pause(960), id="a pause needs no LBRR"),
        pytest.param(GAP | {"until_next": 960}, Lbrr(), id="LBRR fills the gap that it reaches over"),
        pytest.param(GAP | {"until_next": 960, "is_covered": True}, Lbrr(), id="LBRR comes before DRED"),
        pytest.param(GAP | {"is_covered": True}, Dred(1920), id="DRED leaves the end of the gap to LBRR"),
        pytest.param(GAP, Conceal(1920), id="concealment leaves the end of the gap to LBRR"),
        pytest.param(GAP | {"may_guess": 0}, Silence(1920), id="silence leaves the end of the gap to LBRR"),
        pytest.param(
            GAP | {"until_next": 480, "is_covered": True},
            Dred(480),
            id="LBRR of more than the gap is not used where DRED covers it",
        ),
        pytest.param(GAP | {"until_next": 480}, Conceal(480), id="LBRR of more than the gap is not used"),
        pytest.param(
            GAP | {"until_next": 960 + 119},
            Lbrr(),
            id="LBRR counts as reaching over the gap if less than the shortest frame is left",
        ),
        pytest.param(GAP | {"until_next": 960 + 120}, Conceal(120), id="the shortest frame in front of LBRR is filled"),
        pytest.param(GAP | {"lbrr_reach": 0, "is_covered": True}, Dred(2880), id="DRED reaches up to the packet"),
        pytest.param(GAP | {"lbrr_reach": 0}, Conceal(2880), id="what nothing covers is guessed"),
        pytest.param({"may_guess": 1}, Conceal(None), id="without any packet there is only guessing"),
        pytest.param({"may_guess": 480, "already_guessed": 479}, Conceal(None), id="guessing goes on up to its limit"),
        pytest.param({"may_guess": 480, "already_guessed": 480}, Silence(None), id="silence follows at its limit"),
        pytest.param(
            GAP | {"already_guessed": 24_000, "lbrr_reach": 0, "is_covered": True},
            Dred(2880),
            id="redundancy ends a silence",
        ),
        pytest.param(GAP | {"already_guessed": 24_000, "until_next": 960}, Lbrr(), id="LBRR ends a silence"),
    ],
)
def test_the_first_rule_that_holds_decides(situation: dict[str, int | bool], decision: Decision) -> None:
    assert decide(Situation(**situation)) == decision


@given(
    st.builds(
        Situation,
        until_next=st.none() | st.integers(0, 500_000),
        next_is_copy=st.booleans(),
        lbrr_reach=st.sampled_from([0, 480, 960, 1920, 2880]),
        paused=st.booleans(),
        is_covered=st.booleans(),
        already_guessed=st.integers(0, 30_000),
        may_guess=st.integers(0, 30_000),
    )
)
def test_a_limit_lies_at_or_before_the_next_packet_and_leaves_room_for_a_frame(situation: Situation) -> None:
    match decide(situation):
        case Regular() | Red() | Lbrr():
            assert situation.until_next is not None
        case Dred(limit) | Conceal(limit) | Pause(limit) | Silence(limit):
            assert (limit is None) == (situation.until_next is None)
            if limit is not None:
                assert limit == situation.until_next or 120 <= limit < situation.until_next
