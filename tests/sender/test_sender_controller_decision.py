"""The choice: what is lost and what there is to spend -> a plan. A pure function."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.errors import UsageError
from dred.sender import ControllerConfig, RedundancyPlan, SenderConfig, limits_of
from dred.sender.config import DredConfig
from dred.sender.controller import Knowledge, LossPicture, RateModel, choose_plan, decision
from dred.sender.controller.losses import MAX_AGE, shares_of_bursts
from dred.sender.controller.protections import allowed_protections, protections_of

RATES = RateModel(frame_ms=20)
CONFIG = ControllerConfig(total_bps=40_000, header_bytes=0)


def losing(loss: float, burst: float, *, jitter_ms: float = 0.0) -> LossPicture:
    shares = tuple(shares_of_bursts(loss, burst).tolist())
    return LossPicture(shares=shares, jitter_ms=jitter_ms, heard_from="patterns")


def choose(
    losses: LossPicture, config: ControllerConfig = CONFIG, *, rates: RateModel = RATES, is_heard: bool = True
) -> RedundancyPlan:
    return choose_plan(Knowledge(losses=losses, is_heard=is_heard, rates=rates), config)


def cost_bps(plan: RedundancyPlan, rates: RateModel = RATES, header_bytes: int = 0) -> float:
    protections = protections_of([plan])
    ratio = rates.lbrr_ratio if plan.in_band_fec else rates.main_ratio
    opus_bps = ratio * plan.bitrate_bps
    copies_bps = plan.num_red_copies * opus_bps
    return opus_bps + copies_bps + float(rates.dred_bps(protections)[0]) + 8 * header_bytes * rates.packets_per_s


def test_without_losses_bits_go_to_opus() -> None:
    plan = choose(losing(0.0, 1.0), replace(CONFIG, expected_loss=0.0))
    assert plan.dred is None
    assert not plan.in_band_fec
    assert plan.bitrate_bps >= 32_000


def test_isolated_losses_at_little_rate_belong_to_lbrr() -> None:
    config = replace(CONFIG, total_bps=32_000, expected_loss=0.0)
    plan = choose(losing(0.08, 1.0), config)
    assert plan.in_band_fec
    assert plan.dred is None
    assert plan.expected_loss_percent >= 8, "or libopus would send none"


@pytest.mark.parametrize(("burst", "least_ms"), [(3.0, 100), (6.0, 200), (12.0, 400), (30.0, 800)])
def test_longer_bursts_are_covered_farther_back(burst: float, least_ms: int) -> None:
    plan = choose(losing(0.2, burst))
    assert plan.dred is not None
    assert plan.dred.duration_ms >= least_ms


def test_more_rate_makes_redundancy_finer_or_opus_better() -> None:
    losses = losing(0.2, 5.0)
    poor, rich = (choose(losses, replace(CONFIG, total_bps=total_bps)) for total_bps in (28_000, 64_000))
    assert poor.dred is not None
    assert rich.dred is not None
    assert (rich.dred.q0, -rich.bitrate_bps) < (poor.dred.q0, -poor.bitrate_bps)


def test_who_is_not_heard_of_is_reckoned_to_lose_packets() -> None:
    nothing = LossPicture(shares=(0.0,) * (MAX_AGE + 1), jitter_ms=0.0, heard_from="nobody")
    assert choose(nothing, is_heard=False).dred is not None
    assert choose(nothing, replace(CONFIG, unheard_loss=0.0, expected_loss=0.0), is_heard=False).dred is None


def test_what_is_not_allowed_is_not_done() -> None:
    losses = losing(0.2, 5.0)
    assert choose(losses, replace(CONFIG, allow_dred=False)).dred is None
    assert not choose(losing(0.1, 1.0), replace(CONFIG, allow_lbrr=False)).in_band_fec
    assert choose(losses).num_red_copies == 0
    second = choose(losing(0.02, 1.5), replace(CONFIG, allow_lbrr=False, min_duration_ms=1_000, max_duration_ms=1_000))
    assert second.dred is None or second.dred.duration_ms == 1_000
    level = choose(losses, replace(CONFIG, finest_level=9, coarsest_level=9)).dred
    assert level is not None
    assert level.q0 == 9


def test_copies_go_where_nothing_deeper_is_understood() -> None:
    config = replace(CONFIG, allow_dred=False, allow_lbrr=False, max_red_copies=2, total_bps=64_000)
    assert choose(losing(0.2, 1.3), config).num_red_copies >= 1


def test_jitter_is_time_that_redundancy_must_reach_back_over() -> None:
    calm = choose(losing(0.2, 3.0))
    late = choose(losing(0.2, 3.0, jitter_ms=50.0))
    assert calm.dred is not None
    assert late.dred is not None
    assert late.dred.duration_ms > calm.dred.duration_ms


def test_a_change_that_gains_nothing_is_not_made() -> None:
    losses = losing(0.1, 3.0)
    first = choose(losses)
    known = Knowledge(losses=losing(0.101, 3.0), is_heard=True, rates=RATES, present=first)
    assert choose_plan(known, CONFIG) is first
    storm = replace(known, losses=losing(0.4, 12.0))
    assert choose_plan(storm, CONFIG) != first


def test_streams_of_one_kind_share_what_takes_time_whatever_their_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    configs = [
        replace(
            CONFIG, total_bps=30_000 + number, most_main_bps=40_000 + number, max_duration_ms=400 + 40 * (number % 8)
        )
        for number in range(40)
    ]
    options = [allowed_protections(config) for config in configs]
    assert len(set(map(id, options))) == 8
    plans = [choose(losing(0.2, 5.0), config) for config in configs]
    assert all(allowed_protections(config) is known for config, known in zip(configs, options, strict=True))
    monkeypatch.delattr(decision, "costs_by_age")
    assert [choose(losing(0.2, 5.0), config) for config in configs] == plans, "all costs are known by now"


def test_a_plan_that_stays_tells_the_encoder_what_loss_there_is_by_now() -> None:
    config = replace(CONFIG, total_bps=24_000, allow_dred=False, least_gain=1.0)
    first = choose(losing(0.10, 1.0), config)
    assert first.in_band_fec
    known = Knowledge(losses=losing(0.25, 1.0), is_heard=True, rates=RATES, present=first)
    later = choose_plan(known, config)
    assert later.expected_loss_percent == 25
    assert "25.0 % lost" in later.reason
    assert replace(later, expected_loss_percent=first.expected_loss_percent, reason=first.reason) == first
    assert choose_plan(replace(known, losses=losing(0.23, 1.0), present=later), config) is later, "not for a little"


def test_a_plan_over_the_budget_is_left() -> None:
    present = replace(choose(losing(0.1, 3.0), replace(CONFIG, total_bps=60_000)))
    known = Knowledge(losses=losing(0.1, 3.0), is_heard=True, rates=RATES, present=present)
    assert cost_bps(choose_plan(known, CONFIG)) <= CONFIG.total_bps


def test_bursts_of_most_of_a_second_are_covered_with_packets_of_any_length() -> None:
    for frame_ms in (10, 20, 40, 60):
        config = replace(CONFIG, frame_ms=frame_ms, total_bps=100_000, least_gain_per_kbps=0.0)
        plan = choose(losing(0.2, 800 / frame_ms), config, rates=replace(RATES, frame_ms=frame_ms))
        assert plan.dred is not None
        assert plan.dred.duration_ms >= 800


def test_the_mtu_bounds_copies_and_redundancy() -> None:
    config = replace(CONFIG, mtu_bytes=300, frame_ms=60, total_bps=200_000)
    rates = replace(RATES, frame_ms=60)
    plan = choose(losing(0.3, 5.0), config, rates=rates)
    largest_bytes = 2.5 * plan.bitrate_bps * 60 / 8_000 * (1 + plan.num_red_copies)
    assert plan.dred is None or 12 + largest_bytes + plan.dred.max_bytes <= 300


def test_a_budget_that_is_too_small_for_redundancy_is_kept_by_opus_alone() -> None:
    plan = choose(losing(0.2, 5.0), replace(CONFIG, total_bps=9_000))
    assert plan.dred is None
    assert 8_000 <= plan.bitrate_bps <= 9_000


def test_payloads_keep_to_the_bytes_that_they_may_have() -> None:
    config = replace(CONFIG, total_bps=200_000, least_gain_per_kbps=0.0)
    free, bounded = (choose(losing(0.2, 5.0), replace(config, max_dred_bytes=size)) for size in (1_000, 60))
    assert free.dred is not None
    assert bounded.dred is not None
    assert bounded.dred.max_bytes == 60
    assert cost_bps(replace(free, bitrate_bps=6_000)) - 6_000 > 400 * 60
    assert cost_bps(replace(bounded, bitrate_bps=6_000)) - 6_000 < 400 * 60, "and are made to fit"


def test_where_nothing_fits_the_least_is_sent() -> None:
    plan = choose(losing(0.2, 5.0), replace(CONFIG, total_bps=8_000, header_bytes=60))
    assert plan.dred is None
    assert plan.bitrate_bps == 6_000


def test_a_reason_says_what_is_known_and_done() -> None:
    plan = choose(losing(0.2, 5.0))
    for part in ("20.0 % lost in bursts of 5.0", "kb/s of Opus", "DRED of", "of 40.0 kb/s", "PLCMOS"):
        assert part in plan.reason


@settings(max_examples=60)
@given(
    st.floats(0, 1),
    st.floats(1, 60),
    st.floats(0, 1_000),
    st.integers(20_000, 300_000),
    st.integers(0, 60),
    st.integers(0, 4),
    st.booleans(),
    st.sampled_from([10, 20, 40, 60]),
    st.floats(0.5, 1.5),
)
def test_a_plan_keeps_within_its_budget_whatever_is_lost(
    loss: float,
    burst: float,
    jitter_ms: float,
    total_bps: int,
    header_bytes: int,
    num_copies: int,
    is_heard: bool,
    frame_ms: int,
    ratio: float,
) -> None:
    config = ControllerConfig(
        total_bps=total_bps, header_bytes=header_bytes, max_red_copies=num_copies, frame_ms=frame_ms
    )
    rates = RateModel(frame_ms=frame_ms, dred_ratio=ratio, main_ratio=2 - ratio, lbrr_ratio=ratio)
    plan = choose(losing(loss, burst, jitter_ms=jitter_ms), config, rates=rates, is_heard=is_heard)
    least_bps = rates.main_ratio * 6_000 + header_bytes * 8 * 1000 / frame_ms
    assert cost_bps(plan, rates, header_bytes) <= max(total_bps, least_bps) + 1
    assert plan.num_red_copies <= num_copies
    assert plan == choose(losing(loss, burst, jitter_ms=jitter_ms), config, rates=rates, is_heard=is_heard)


def test_limits_are_those_of_the_stream() -> None:
    dred = DredConfig(duration_ms=60, version="10", max_bytes=90)
    stream = SenderConfig(bitrate_bps=9_000, frame_ms=40, expected_loss_percent=30, dred=dred)
    limits = limits_of(stream, total_bps=20_000, max_red_copies=1)
    assert (limits.least_main_bps, limits.most_main_bps, limits.frame_ms) == (9_000, 9_000, 40)
    assert (limits.min_duration_ms, limits.max_duration_ms, limits.dred_version) == (60, 60, "10")
    assert (limits.max_dred_bytes, limits.unheard_loss) == (90, 0.3)
    assert limits_of(SenderConfig(), total_bps=20_000).unheard_loss == ControllerConfig().unheard_loss
    assert not limits_of(replace(stream, dred=None), total_bps=20_000).allow_dred


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_bps": 5_999},
        {"header_bytes": -1},
        {"mtu_bytes": 199},
        {"frame_ms": 30},
        {"least_main_bps": 5_999},
        {"most_main_bps": 11_999},
        {"max_red_copies": 10},
        {"min_duration_ms": 10},
        {"max_duration_ms": 90},
        {"coarsest_level": 16},
        {"max_dred_bytes": 7},
        {"dred_version": "9"},
        {"expected_loss": float("nan")},
        {"fall_ms": 500.0},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_impossible_limits_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        replace(CONFIG, **wrong)  # type: ignore[arg-type]


def test_levels_of_an_option_are_those_that_a_payload_has() -> None:
    dred = DredConfig(q0=6, dq=5)
    assert np.array_equal(protections_of([RedundancyPlan(bitrate_bps=24_000, dred=dred)]).levels[0][:4], [6, 7, 7, 8])
