"""Ways to protect a stream, many side by side: what each axis below holds one of is an option."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

from dred.bitstream import MAX_LATENTS, NUM_LEVELS, quality_level
from dred.sender.config import DredConfig
from dred.sender.controller.config import LEAST_MAIN_BPS, ControllerConfig
from dred.sender.plan import RedundancyPlan

__all__ = ["Protections", "allowed_protections", "latent_levels", "protections_of"]

# Steps that one would not hear the half of.
_DURATIONS_MS = (60, 100, 140, 200, 300, 400, 600, 800)
_SLOPES = (0, 1, 2, 3, 5)
_COARSEST = NUM_LEVELS - 1
_NOTHING = DredConfig()


@dataclass(frozen=True, slots=True, eq=False)
class Protections:
    """What repairs lost packets, as arrays over options.

    Attributes:
        in_band_fec: Whether Opus repeats packets.
        num_copies: Whole copies of earlier packets.
        redundancy: Deep redundancy, or None.
        has_dred: Whether there is some.
        duration_ms: How far it reaches; 0 without.
        levels: Of its latents, newest first; of no meaning without, and beyond its duration.
        num_latents: How many there are; 0 without.
    """

    in_band_fec: Bool[np.ndarray, " options"]
    num_copies: Int64[np.ndarray, " options"]
    redundancy: tuple[DredConfig | None, ...]
    has_dred: Bool[np.ndarray, " options"]
    duration_ms: Int64[np.ndarray, " options"]
    levels: Int64[np.ndarray, "options latents"]
    num_latents: Int64[np.ndarray, " options"]


def latent_levels(config: DredConfig) -> tuple[int, ...]:
    """Return the quality levels of as many latents as a packet can have, newest first."""
    return _levels(config.q0, config.dq, config.qmax)


def protections_of(plans: Sequence[RedundancyPlan]) -> Protections:
    """Return how plans protect."""
    redundancy = tuple(plan.dred for plan in plans)
    return Protections(
        in_band_fec=np.array([plan.in_band_fec for plan in plans], np.bool_),
        num_copies=np.array([plan.num_red_copies for plan in plans], np.int64),
        redundancy=redundancy,
        has_dred=np.array([dred is not None for dred in redundancy], np.bool_),
        duration_ms=np.array([dred.duration_ms if dred else 0 for dred in redundancy], np.int64),
        levels=np.array([latent_levels(dred or _NOTHING) for dred in redundancy], np.int64),
        num_latents=np.array([dred.num_latents if dred else 0 for dred in redundancy], np.int64),
    )


def allowed_protections(config: ControllerConfig) -> Protections:
    """Return all that a configuration allows, the simplest first; the same object where the same is allowed.

    Copies go alone: what they leave to repair, others repair at a fraction of their rate.
    """
    reaches = None
    if config.allow_dred:
        levels = config.finest_level, config.coarsest_level
        reaches = _Reaches(config.min_duration_ms, config.max_duration_ms, *levels, config.dred_version)
    return _protections(reaches, config.allow_lbrr, config.max_red_copies)


class _Reaches(NamedTuple):
    """What deep redundancy may be."""

    shortest_ms: int
    longest_ms: int
    finest_level: int
    coarsest_level: int
    version: str | None


# By what they depend on: streams of one kind share them, whatever their budgets. They take 10 ms, and 0.4 MB.
@lru_cache(maxsize=32)
def _protections(reaches: _Reaches | None, allow_lbrr: bool, max_red_copies: int) -> Protections:
    redundancy: list[DredConfig | None] = [None]
    if reaches is not None:
        redundancy += _allowed_redundancy(reaches)
    has_lbrr = (False, True) if allow_lbrr else (False,)
    plans = [
        RedundancyPlan(bitrate_bps=LEAST_MAIN_BPS, in_band_fec=is_on, dred=dred)
        for is_on in has_lbrr
        for dred in redundancy
    ]
    copies = range(1, max_red_copies + 1)
    plans += [RedundancyPlan(bitrate_bps=LEAST_MAIN_BPS, num_red_copies=number) for number in copies]
    return protections_of(plans)


def _allowed_redundancy(allowed: _Reaches) -> list[DredConfig]:
    between_ms = {ms for ms in _DURATIONS_MS if allowed.shortest_ms < ms < allowed.longest_ms}
    return [
        DredConfig(duration_ms=duration_ms, version=allowed.version, q0=level, dq=slope, qmax=_COARSEST)
        for duration_ms in sorted({allowed.shortest_ms, allowed.longest_ms} | between_ms)
        for level in range(allowed.finest_level, allowed.coarsest_level + 1)
        for slope in (_SLOPES if level < _COARSEST else _SLOPES[:1])
    ]


@cache
def _levels(q0: int, dq: int, qmax: int) -> tuple[int, ...]:
    return tuple(quality_level(q0, dq, qmax, index) for index in range(MAX_LATENTS))
