"""What lost packets cost, with packets of any length: what is lost and repaired is time."""

import numpy as np
import pytest

from dred.sender import DredConfig, RedundancyPlan
from dred.sender.controller.opinion import STUDIED, costs_by_age
from dred.sender.controller.protections import protections_of

PLAIN = RedundancyPlan(bitrate_bps=24_000)
PLANS = {
    "nothing": PLAIN,
    "200 ms": RedundancyPlan(bitrate_bps=24_000, dred=DredConfig(duration_ms=200, q0=8, dq=0)),
    "a second": RedundancyPlan(bitrate_bps=24_000, dred=DredConfig(duration_ms=1_000, q0=9, dq=0)),
    "a second, coarser and coarser": RedundancyPlan(bitrate_bps=24_000, dred=DredConfig(duration_ms=1_000, q0=9, dq=3)),
}


def costs_of(plan: RedundancyPlan, frame_ms: int) -> np.ndarray:
    return costs_by_age(protections_of([plan]), frame_ms=frame_ms)[0]


@pytest.mark.parametrize("gap_ms", [120, 240, 960])
@pytest.mark.parametrize("name", PLANS)
def test_a_gap_costs_the_same_in_packets_of_any_length(name: str, gap_ms: int) -> None:
    def cost_ms(frame_ms: int) -> float:
        return frame_ms * float(costs_of(PLANS[name], frame_ms)[: gap_ms // frame_ms].sum())

    # In packets of 10 ms a latent's level is told apart more finely.
    assert [cost_ms(frame_ms) for frame_ms in (10, 40, 60)] == pytest.approx([cost_ms(20)] * 3, rel=0.02)


@pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
def test_redundancy_is_worth_something_as_far_as_it_reaches(frame_ms: int) -> None:
    plain, deep = (costs_of(PLANS[name], frame_ms) for name in ("nothing", "a second"))
    num_covered = 960 // frame_ms
    assert np.all(deep[2:num_covered] != plain[2:num_covered])
    assert deep[num_covered - 1] < STUDIED.later_guessed
    behind = 1_120 // frame_ms + 1
    assert np.all(deep[behind:] == STUDIED.later_guessed)


@pytest.mark.parametrize("frame_ms", [10, 20, 60])
def test_lbrr_repairs_one_packet_and_what_is_left_of_a_gap_is_guessed(frame_ms: int) -> None:
    first, second, *_ = costs_of(RedundancyPlan(bitrate_bps=24_000, in_band_fec=True), frame_ms)
    assert first == STUDIED.by_lbrr
    assert second >= STUDIED.first_guessed
