"""The choice itself: what is known -> a plan. One pure function.

losses, and those always reckoned with --> MOS of every protection --.
                                                                     +--> most MOS for its bits, within the budget
measured bits --> rate of every protection at every main bitrate ----'    and no change that is not worth it
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

import numpy as np
from jaxtyping import Float64

from dred.sender.controller.config import LEAST_MAIN_BPS, TOLERANCE, ControllerConfig
from dred.sender.controller.losses import LossPicture, burst_in_packets, shares_of_bursts
from dred.sender.controller.opinion import SHARE_BESIDE_LBRR, costs_by_age
from dred.sender.controller.protections import Protections, allowed_protections, protections_of
from dred.sender.controller.rates import RateModel
from dred.sender.controller.rating import Rating, rate
from dred.sender.controller.reason import give_reason
from dred.sender.plan import RedundancyPlan

__all__ = ["Knowledge", "choose_plan"]

# Rates of Opus without LBRR that are tried: finer steps are not heard.
_MAIN_KBPS = (6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 32, 36, 40, 48, 56, 64, 96, 128)
_MAX_BITRATE_BPS = 510_000.0
# What the encoder is told: LBRR is finer the more it is, and there is none at 0.
_EXPECTED_LOSS_PERCENT = (10, 25)
# It is told anew when it has changed by so much, in a plan with LBRR that stays as it is otherwise.
_EXPECTED_LOSS_STEP_PERCENT = 5
# Jitter is a mean deviation: some packets are later than that. A share of a packet still comes in time.
_JITTERS, _MAX_JITTER_MS, _ON_TIME = 2.0, 400.0, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """All that a decision depends on.

    Attributes:
        losses: What is lost.
        is_heard: Whether somebody reports.
        rates: What settings cost.
        present: The plan that is followed, if any.
    """

    losses: LossPicture
    is_heard: bool
    rates: RateModel
    present: RedundancyPlan | None = None


def choose_plan(known: Knowledge, config: ControllerConfig) -> RedundancyPlan:
    """Return the plan that is expected to sound best for its bits; the present one if none is worth a change."""
    shares = _expected_shares(known, config)
    late_packets = _late_packets(known.losses, config)
    options = allowed_protections(config)
    costs = _costs_of(options, config.frame_ms, late_packets)
    bitrates_bps = _bitrates_bps(options, config.least_main_bps, config.most_main_bps)
    rating = rate(options, bitrates_bps, shares, costs, known.rates, config)
    if not rating.fits.any():
        # Opus alone, with whatever there is.
        options = protections_of([RedundancyPlan(bitrate_bps=LEAST_MAIN_BPS)])
        costs = costs_by_age(options, frame_ms=config.frame_ms)
        bitrates_bps = _bitrates_bps(options, LEAST_MAIN_BPS, config.least_main_bps)
        rating = rate(options, bitrates_bps, shares, costs, known.rates, config)
    option, main = _best(rating)
    told_percent = int(np.clip(round(100 * shares.sum()), *_EXPECTED_LOSS_PERCENT))
    present = known.present
    plan = None
    if present is not None and rating.fits.any():
        asked_bps = np.array([[float(present.bitrate_bps)]])
        within = replace(config, total_bps=round((1 + TOLERANCE) * config.total_bps))
        protections = protections_of([present])
        costs = costs_by_age(protections, frame_ms=config.frame_ms, late_packets=late_packets)
        now = rate(protections, asked_bps, shares, costs, known.rates, within)
        if now.fits[0, 0] and rating.gain[option, main] < now.gain[0, 0] + config.least_gain:
            difference = abs(told_percent - present.expected_loss_percent)
            if not present.in_band_fec or difference < _EXPECTED_LOSS_STEP_PERCENT:
                return present
            plan = replace(present, expected_loss_percent=told_percent)
            rating, option, main = now, 0, 0
    if plan is None:
        dred = options.redundancy[option]
        plan = RedundancyPlan(
            bitrate_bps=round(bitrates_bps[option, main]),
            in_band_fec=bool(options.in_band_fec[option]),
            expected_loss_percent=told_percent,
            num_red_copies=int(options.num_copies[option]),
            dred=replace(dred, max_bytes=int(rating.room_bytes[option, main])) if dred else None,
        )
    reason = give_reason(
        plan,
        known.losses,
        is_heard=known.is_heard,
        total_bps=float(rating.total_bps[option, main]),
        budget_bps=config.total_bps,
        opinion=float(rating.opinion[option, main]),
    )
    return replace(plan, reason=reason)


def _bitrates_bps(options: Protections, least_bps: int, most_bps: int) -> Float64[np.ndarray, "options rates"]:
    """Return the bitrates to try with each option, LBRR included."""
    mains_bps = np.unique(np.clip(1000.0 * np.array(_MAIN_KBPS), least_bps, most_bps))
    share_of_main = np.where(options.in_band_fec, SHARE_BESIDE_LBRR, 1.0)[:, None]
    return np.minimum(mains_bps / share_of_main, _MAX_BITRATE_BPS)


def _best(rating: Rating) -> tuple[int, int]:
    """Return the option and the bitrate of most gain; where nothing fits, of least rate."""
    wanted = np.where(rating.fits, rating.gain, -np.inf) if rating.fits.any() else -rating.total_bps
    option, main = np.unravel_index(np.argmax(wanted), wanted.shape)
    return int(option), int(main)


def _expected_shares(known: Knowledge, config: ControllerConfig) -> Float64[np.ndarray, " ages"]:
    """Return the losses to reckon with, by age: those that are seen, and those that may come."""
    loss = config.expected_loss if known.is_heard else max(config.expected_loss, config.unheard_loss)
    seen = np.array(known.losses.shares) * known.is_heard
    shares = np.maximum(seen, shares_of_bursts(loss, burst_in_packets(config.expected_burst, config.frame_ms)))
    return shares / max(shares.sum(), 1.0)


def _late_packets(losses: LossPicture, config: ControllerConfig) -> int:
    """Return by how many packets less redundancy may be counted on to reach."""
    return max(ceil(min(_JITTERS * losses.jitter_ms, _MAX_JITTER_MS) / config.frame_ms - _ON_TIME), 0)


# Jitter seldom changes by a packet's length. Each takes 8 ms, and 1 MB.
@lru_cache(maxsize=32)
def _costs_of(options: Protections, frame_ms: int, late_packets: int) -> Float64[np.ndarray, "options ages"]:
    return costs_by_age(options, frame_ms=frame_ms, late_packets=late_packets)
