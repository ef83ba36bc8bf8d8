"""What listeners would say of a setting on a network, as far as it matters for the choice: PLCMOS, foreseen.

    opinion = of the main stream without loss - what losses cost
    what losses cost = MOST * (1 - exp(-sum over ages of share * cost of that age / MOST))

A lost packet's cost depends on what repairs it. All constants are fits to what PLCMOS says of 8 clips of other speakers
than those of any other benchmark, 30 settings and 9 networks: `python benchmarks/controller_study.py --shared DIR
--cache FILE` rates, fits and prints them, and how far the fit is off (0.04 MOS in the root mean square). They were
found with packets of 20 ms; with others the same speech that is lost costs the same, and so does each gap.

PLCMOS hardly hears the difference between fine and coarse levels, up to about 10; other metrics do (RESULTS.md).
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from jaxtyping import Bool, Float64

from dred.bitstream import MAX_LATENTS
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
# The packets of the study. Others are looked at in pieces no longer than these.
_STUDIED_MS = 20
# Of what is guessed, the first piece and the next four: up to here.
_FIRST_GUESSED_MS, _NEXT_GUESSED_MS = 20, 100
_FARTHEST_MS = MAX_LATENTS * CHUNK_MS
# From 4 down to 1.
_MOST = 3.0
_COARSE_LEVEL = 10
_LATENT_OFFSET_MS = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """MOS that each lost packet of 20 ms costs, times the number of packets.

    Attributes:
        first_guessed: The first 20 ms of a gap that nothing repairs.
        next_guessed: Each of the next four times as long.
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
    piece_ms = min(frame_ms, _STUDIED_MS)
    pieces_per_packet = round(frame_ms / piece_ms)
    # Farther back nothing is spoken, and all is silence by then.
    num_near = min(ceil((_FARTHEST_MS + _NEXT_GUESSED_MS) / frame_ms), MAX_AGE + 1)
    pieces = np.arange(1, num_near * pieces_per_packet + 1)
    has_copies = protections.num_copies > 0
    by_lbrr = protections.in_band_fec & ~has_copies
    num_exact = pieces_per_packet * np.where(has_copies, protections.num_copies, by_lbrr)
    reach = protections.duration_ms // piece_ms - pieces_per_packet * late_packets
    num_repaired = np.clip(np.maximum(reach, 0) * protections.has_dred, num_exact, _FARTHEST_MS // piece_ms)
    by_piece = np.zeros((len(reach), pieces.size))
    by_piece[by_lbrr, :pieces_per_packet] = costs.by_lbrr
    # The newest latent ends about where its packet begins.
    index = ((pieces * piece_ms + _LATENT_OFFSET_MS) // CHUNK_MS).astype(np.int64)
    levels = np.take_along_axis(
        protections.levels, np.minimum(index, np.maximum(protections.num_latents[:, None] - 1, 0)), axis=1
    )
    is_spoken = (pieces > num_exact[:, None]) & (pieces <= num_repaired[:, None])
    is_joint = is_spoken & (pieces == num_exact[:, None] + 1)
    join = costs.join * (_STUDIED_MS / piece_ms)
    spoken = costs.level * levels + costs.coarse * np.maximum(levels - _COARSE_LEVEL, 0) + join * is_joint
    by_piece += is_spoken * spoken
    guessed_ms = (pieces - num_repaired[:, None]) * piece_ms
    guessed = np.select(
        [guessed_ms <= _FIRST_GUESSED_MS, guessed_ms <= _NEXT_GUESSED_MS],
        [costs.first_guessed, costs.next_guessed],
        costs.later_guessed,
    )
    by_piece = np.where(guessed_ms > 0, guessed, by_piece)
    by_age = np.full((len(reach), MAX_AGE + 1), costs.later_guessed)
    by_age[:, :num_near] = by_piece.reshape(len(reach), num_near, pieces_per_packet).mean(axis=2)
    return by_age


def damage(cost: Float64[np.ndarray, "*options"]) -> Float64[np.ndarray, "*options"]:
    """Return by how much opinion falls: the cost of all ages, but opinions cannot fall without end."""
    return _MOST * (1 - np.exp(-cost / _MOST))
