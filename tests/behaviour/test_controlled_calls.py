"""A call whose redundancy follows the network, over RTP and RTCP, with the published networks."""

from collections import Counter

import numpy as np
import pytest

from dred import (
    Played,
    ReceiverConfig,
    RtpReceiver,
    RtpReceiverConfig,
    RtpSender,
    RtpSenderConfig,
    SenderConfig,
    Source,
)
from dred.sender import RedundancyController, RedundancyPlan, limits_of
from dred.session import PlanApplied
from dred.weights import WeightSet
from two_ends import RATE_HZ, Call, hold_call

pytestmark = pytest.mark.reference
BUDGET_BPS = 36_000
CALM_S, BURSTS_S = 6, 8
FIRST_LOST, FIRST_CALM = 50 * CALM_S, 50 * (CALM_S + BURSTS_S)


def lost(number: int) -> bool:
    return FIRST_LOST <= number < FIRST_CALM and number % 25 < 6


@pytest.fixture(scope="module")
def call(weights_v12: WeightSet) -> Call:
    speaking = SenderConfig(rate_hz=RATE_HZ, bitrate_bps=24_000)
    hearing = ReceiverConfig(rate_hz=RATE_HZ, delay_ms=160.0)
    controller = RedundancyController(limits_of(speaking, total_bps=BUDGET_BPS))
    sender = RtpSender(
        RtpSenderConfig(stream=speaking, ssrc=1), weights_v12, controller=controller, rng=np.random.default_rng(1)
    )
    receiver = RtpReceiver(RtpReceiverConfig(stream=hearing), [weights_v12], rng=np.random.default_rng(2))
    return hold_call(sender, receiver, CALM_S + BURSTS_S + 20, is_lost=lost)


def test_each_choice_is_an_event_with_its_reason(call: Call) -> None:
    plans = [event.plan for event in call.sender_events if isinstance(event, PlanApplied)]
    assert "nobody has reported yet" in plans[0].reason
    assert any("bursts of" in plan.reason for plan in plans)
    assert len(plans) < 34, "not every second has a better plan"


def test_loss_patterns_come_back_as_reports(call: Call) -> None:
    plans: list[RedundancyPlan] = [event.plan for event in call.sender_events if isinstance(event, PlanApplied)]
    deep = [plan.dred for plan in plans if plan.dred is not None]
    assert max(dred.duration_ms for dred in deep[2:]) > deep[-1].duration_ms, "it is calm again"
    assert not any("guessed from reports" in plan.reason for plan in plans), "patterns are exact"


def test_most_of_the_bursts_is_spoken_again(call: Call) -> None:
    repaired: Counter[Source] = Counter()
    for event in call.receiver_events:
        if isinstance(event, Played):
            repaired[event.source] += event.duration_rtp // 48
    assert repaired[Source.DRED] > 3 * repaired[Source.PLC]


def test_the_budget_is_kept_in_the_mean(call: Call) -> None:
    seconds = CALM_S + BURSTS_S + 20
    assert 8 * sum(map(len, call.datagrams)) / seconds < 1.05 * BUDGET_BPS
