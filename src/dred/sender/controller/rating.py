"""What settings take and how they are expected to sound: protections side by side, each at several bitrates."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from dred.sender.controller.config import ControllerConfig
from dred.sender.controller.opinion import damage, opinion_without_loss
from dred.sender.controller.protections import Protections
from dred.sender.controller.rates import RateModel

__all__ = ["Rating", "rate"]

_RTP_HEADER_BYTES = 12
# Largest packets of Opus to its mean ones at a variable bitrate, and of redundancy: 1.69 and 1.47 in
# benchmarks/controller_study.py.
_MAIN_PEAK, _DRED_PEAK = 2.5, 1.5
# Around the payload: count of code 3, padding length of up to 5, id, prefix, fill.
_AROUND_PAYLOAD_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rating:
    """Protections over bitrates.

    Attributes:
        total_bps: What everything takes, headers included.
        dred_bps: What redundancy does.
        opinion: PLCMOS that is expected.
        gain: The same, less the price of the bits.
        room_bytes: What MTU and configuration leave for a payload of redundancy; negative if Opus alone may exceed it.
        fits: Whether budget and MTU allow it.
    """

    total_bps: Float64[np.ndarray, "options rates"]
    dred_bps: Float64[np.ndarray, " options"]
    opinion: Float64[np.ndarray, "options rates"]
    gain: Float64[np.ndarray, "options rates"]
    room_bytes: Int64[np.ndarray, "options rates"]
    fits: Bool[np.ndarray, "options rates"]


def rate(
    protections: Protections,
    bitrates_bps: Float64[np.ndarray, "options rates"],
    shares: Float64[np.ndarray, " ages"],
    costs: Float64[np.ndarray, "options ages"],
    rates: RateModel,
    config: ControllerConfig,
) -> Rating:
    """Rate settings.

    Args:
        protections: What repairs lost packets.
        bitrates_bps: What Opus is asked for, LBRR included.
        shares: Lost packets by age.
        costs: What they cost with each protection.
        rates: What settings cost.
        config: Budget, MTU and the price of bits.
    """
    has_lbrr = protections.in_band_fec[:, None]
    copies = protections.num_copies[:, None]
    opus_bps = rates.opus_bps(bitrates_bps, has_lbrr)
    red_bps = rates.red_bps(opus_bps, copies)
    dred_bps = rates.dred_bps(protections)
    packets_per_s = rates.packets_per_s
    total_bps = opus_bps + red_bps + dred_bps[:, None] + 8 * config.header_bytes * packets_per_s
    opinion = opinion_without_loss(opus_bps, has_lbrr) - damage(costs @ shares)[:, None]
    largest_bytes = _MAIN_PEAK * (opus_bps + red_bps) / packets_per_s / 8
    room_bytes = np.minimum(
        config.mtu_bytes - _RTP_HEADER_BYTES - _AROUND_PAYLOAD_BYTES - largest_bytes, config.max_dred_bytes
    )
    has_room = np.where(
        protections.has_dred[:, None],
        room_bytes >= (_DRED_PEAK * dred_bps / packets_per_s / 8)[:, None],
        # A packet that is too large by itself goes out all the same; copies do not.
        (room_bytes >= 0) | (copies == 0),
    )
    return Rating(
        total_bps=total_bps,
        dred_bps=dred_bps,
        opinion=opinion,
        gain=opinion - config.least_gain_per_kbps * total_bps / 1000,
        room_bytes=room_bytes.astype(np.int64),
        fits=(total_bps <= config.total_bps) & has_room,
    )
