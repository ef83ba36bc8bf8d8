"""The controller over time: what it hears, when it decides, and that the same story gives the same plans."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.errors import UsageError
from dred.sender import ControllerConfig, ReceiverReport, RedundancyController, RedundancyPlan, SentPacket

CONFIG = ControllerConfig(total_bps=40_000, header_bytes=0, expected_loss=0.0)
PACKET = SentPacket(
    payload=bytes(60), sequence=0, timestamp=0, duration_ms=20, main_bytes=60, dred_bytes=0, num_latents=0
)
CALM = ReceiverReport(fraction_lost=0.0, jitter_ms=1.0)
BURST = [True] * 6 + [False] * 19


def plans_of(seconds: list[list[bool]], config: ControllerConfig = CONFIG) -> list[tuple[float, RedundancyPlan]]:
    """Let 20 ms packets pass, and tell every second what was lost in it."""
    controller = RedundancyController(config)
    plans = []
    for second, lost in enumerate(seconds):
        for number in range(50):
            now = 1_000.0 * second + 20.0 * number
            plan = controller.decide(now)
            if plan is not None:
                plans.append((now, plan))
            controller.observe_packet(PACKET)
        at = 1_000.0 * second + 990.0
        controller.observe_report(ReceiverReport(fraction_lost=float(np.mean(lost)), jitter_ms=1.0), at)
        controller.observe_losses(lost, at)
    return plans


def test_the_first_plan_does_not_wait() -> None:
    controller = RedundancyController(CONFIG)
    plan = controller.decide(0.0)
    assert plan is not None
    assert plan == controller.plan
    assert "nobody has reported yet" in plan.reason
    assert controller.decide(20.0) is None


def test_redundancy_comes_with_bursts_and_goes_when_they_are_over() -> None:
    plans = plans_of([*[[False] * 50] * 10, *[BURST * 2] * 10, *[[False] * 50] * 40])

    def plan_at(second: float) -> RedundancyPlan:
        return [plan for now, plan in plans if now <= 1_000 * second][-1]

    calm, bursts, calm_again = (plan_at(second) for second in (9, 19, 59))
    assert calm.dred is None
    assert bursts.dred is not None
    assert bursts.dred.duration_ms >= 120
    assert calm_again.dred is None
    first_ms = next(now for now, plan in plans if now > 10_000 and plan.dred is not None)
    assert first_ms <= 12_000, "a second of losses, and what is left of the next until the report"


def test_a_report_brings_the_decision_forward_but_not_beyond_measure() -> None:
    controller = RedundancyController(CONFIG)
    controller.decide(0.0)
    controller.observe_report(CALM, 400.0)
    assert controller.decide(400.0) is None
    assert controller.decide(500.0) is not None
    controller.observe_report(ReceiverReport(fraction_lost=0.5, jitter_ms=1.0), 600.0)
    assert controller.decide(900.0) is None
    assert controller.decide(1_000.0) is not None


def test_the_same_story_gives_the_same_plans() -> None:
    story = (np.random.default_rng(5).random((20, 50)) < 0.1).tolist()
    assert plans_of(story) == plans_of(story)


def test_who_falls_silent_is_no_longer_believed() -> None:
    controller = RedundancyController(replace(CONFIG, least_gain=0.0))
    for second in range(10):
        controller.observe_report(CALM, 1_000.0 * second)
        controller.decide(1_000.0 * second)
    assert controller.plan is not None
    assert controller.plan.dred is None
    plan = controller.decide(60_000.0)
    assert plan is not None
    assert plan.dred is not None
    assert "nobody reports any more" in plan.reason


def test_packets_that_take_more_than_was_asked_for_leave_less_for_the_rest() -> None:
    frugal, greedy = (RedundancyController(CONFIG) for _ in range(2))
    for controller, main_bytes in ((frugal, 1.0), (greedy, 1.4)):
        for second in range(5):
            plan = controller.decide(1_000.0 * second) or controller.plan
            assert plan is not None
            for _ in range(50):
                controller.observe_packet(replace(PACKET, main_bytes=round(plan.bitrate_bps / 400 * main_bytes)))
            controller.observe_report(CALM, 1_000.0 * second + 500)
    assert frugal.plan is not None
    assert greedy.plan is not None
    assert greedy.plan.bitrate_bps < frugal.plan.bitrate_bps


def test_losses_of_who_falls_silent_are_no_longer_believed_either() -> None:
    controller = RedundancyController(replace(CONFIG, unheard_loss=0.0))
    for second in range(10):
        controller.observe_losses(BURST * 2, 1_000.0 * second)
        controller.decide(1_000.0 * second)
    assert controller.plan is not None
    assert controller.plan.dred is not None
    plan = controller.decide(60_000.0)
    assert plan is not None
    assert plan.dred is None


def test_another_sentence_is_no_other_plan() -> None:
    controller = RedundancyController(replace(CONFIG, total_bps=8_000, header_bytes=60, least_gain=0.0))
    plans = []
    for second in range(20):
        controller.observe_losses([number < second for number in range(50)], 1_000.0 * second)
        plans.append(controller.decide(1_000.0 * second))
    told = [replace(plan, reason="") for plan in plans if plan is not None]
    assert all(before != after for before, after in pairwise(told))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("rlpd"), st.floats(0, 3_000), st.floats(0, 1)), max_size=30))
def test_any_story_gives_plans_that_can_be_followed(events: list[tuple[str, float, float]]) -> None:
    controller = RedundancyController(CONFIG)
    now = 0.0
    for kind, wait_ms, share in events:
        now += wait_ms
        if kind == "r":
            controller.observe_report(ReceiverReport(fraction_lost=share, jitter_ms=1_000 * share), now)
        elif kind == "l":
            controller.observe_losses([number < share * 50 for number in range(50)], now)
        elif kind == "p":
            controller.observe_packet(replace(PACKET, main_bytes=round(1_200 * share)))
        else:
            controller.decide(now)
    assert 0 <= controller.losses.loss_rate <= 1
    assert controller.plan is None or controller.plan.bitrate_bps <= CONFIG.total_bps * 2


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 999.0])
def test_time_does_not_go_back(wrong: float) -> None:
    controller = RedundancyController(CONFIG)
    controller.decide(1_000.0)
    for call in (
        lambda: controller.decide(wrong),
        lambda: controller.observe_report(CALM, wrong),
        lambda: controller.observe_losses([True], wrong),
    ):
        with pytest.raises(UsageError, match="now"):
            call()
