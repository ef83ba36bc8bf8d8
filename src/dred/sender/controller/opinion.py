"""What listeners would say of a setting on a network, as far as it matters for the choice: PLCMOS, foreseen.

    opinion = of the main stream without loss - what losses cost
    what losses cost = MOST * (1 - exp(-sum over ages of share * cost of that age / MOST))

A lost packet's cost depends on what repairs it. All constants are fits to what PLCMOS says of 8 clips of other speakers
than those of any other benchmark, 30 settings and 9 networks: `python benchmarks/controller_study.py --shared DIR
--cache FILE` rates, fits and prints them, and how far the fit is off (0.04 MOS in the root mean square).

PLCMOS hardly hears the difference between fine and coarse levels, up to about 10; other metrics do (RESULTS.md).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from dred.sender.controller.losses import MAX_AGE
from dred.sender.controller.protections import Protections
from dred.timebase import CHUNK_MS

__all__ = ["SHARE_BESIDE_LBRR", "STUDIED", "Costs", "costs_by_age", "damage", "opinion_without_loss"]

# Sent kb/s of wideband Opus, and PLCMOS.
_RATES_BPS = (11_200, 15_100, 19_000, 23_100, 30_900, 39_000, 46_900)
_OPINIONS = (3.57, 3.80, 3.90, 3.99, 4.04, 4.06, 4.06)
# Below the least rate that was studied it goes on as steeply.
_FALL_PER_BPS = (_OPINIONS[1] - _OPINIONS[0]) / (_RATES_BPS[1] - _RATES_BPS[0])
# A stream with LBRR sounds like one without it of so much of its rate.
SHARE_BESIDE_LBRR = 0.6
# From 4 down to 1.
_MOST = 3.0
_COARSE_LEVEL = 10
_LATENT_OFFSET_MS = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """MOS that each lost packet costs, times the number of packets.

    Attributes:
        first_guessed: The first of a gap that nothing repairs.
        next_guessed: Each of the next four.
        later_guessed: Each further one: most is silence by then.
        by_lbrr: Repaired by LBRR.
        join: Once for each gap in which DRED speaks.
        level: Repaired by DRED, per level.
        coarse: Further, per level beyond 10.
    """

    first_guessed: float
    next_guessed: float
    later_guessed: float
    by_lbrr: float
    join: float
    level: float
    coarse: float


STUDIED = Costs(
    first_guessed=5.54, next_guessed=8.75, later_guessed=1.48, by_lbrr=0.89, join=2.14, level=0.052, coarse=0.244
)


def opinion_without_loss(
    opus_bps: Float64[np.ndarray, "options rates"], in_band_fec: Bool[np.ndarray, "options one"]
) -> Float64[np.ndarray, "options rates"]:
    """Return PLCMOS of streams that take such rates, LBRR included where there is some."""
    main_bps = opus_bps * np.where(in_band_fec, SHARE_BESIDE_LBRR, 1.0)
    below = np.minimum(main_bps - _RATES_BPS[0], 0.0) * _FALL_PER_BPS
    return np.interp(main_bps, _RATES_BPS, _OPINIONS) + below


def costs_by_age(
    protections: Protections, *, frame_ms: float, late_packets: int = 0, costs: Costs = STUDIED
) -> Float64[np.ndarray, "options ages"]:
    """Return what lost packets cost by age, first 1, last all beyond MAX_AGE.

    Args:
        protections: What repairs them: copies before LBRR before DRED.
        frame_ms: Length of a packet.
        late_packets: By how many packets less DRED may be counted on to reach.
        costs: What each way of repair costs.
    """
    ages = np.arange(1, MAX_AGE + 2)
    has_copies = protections.num_copies > 0
    by_lbrr = protections.in_band_fec & ~has_copies
    num_exact = np.where(has_copies, protections.num_copies, by_lbrr)
    reach = np.maximum(protections.duration_ms // frame_ms - late_packets, 0) * protections.has_dred
    num_repaired = np.clip(reach, num_exact, MAX_AGE)
    by_age = np.zeros((len(reach), ages.size))
    by_age[by_lbrr, 0] = costs.by_lbrr
    # The newest latent ends about where its packet begins.
    index = ((ages * frame_ms + _LATENT_OFFSET_MS) // CHUNK_MS).astype(np.int64)
    levels = np.take_along_axis(
        protections.levels, np.minimum(index, np.maximum(protections.num_latents[:, None] - 1, 0)), axis=1
    )
    is_spoken = (ages > num_exact[:, None]) & (ages <= num_repaired[:, None])
    is_joint = is_spoken & (ages == num_exact[:, None] + 1)
    spoken = costs.level * levels + costs.coarse * np.maximum(levels - _COARSE_LEVEL, 0) + costs.join * is_joint
    by_age += is_spoken * spoken
    depths = ages - num_repaired[:, None]
    guessed = np.select([depths == 1, depths <= 5], [costs.first_guessed, costs.next_guessed], costs.later_guessed)
    return np.where(depths > 0, guessed, by_age)


def damage(cost: Float64[np.ndarray, "*options"]) -> Float64[np.ndarray, "*options"]:
    """Return by how much opinion falls: the cost of all ages, but opinions cannot fall without end."""
    return _MOST * (1 - np.exp(-cost / _MOST))
