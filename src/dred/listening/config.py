"""What a listening test asks, of whom, and about what."""

from dataclasses import dataclass
from enum import StrEnum

from dred.errors import UsageError

__all__ = ["ListeningConfig", "Method"]


class Method(StrEnum):
    """How listeners judge.

    Source: ITU-T P.800 Annexes B and E; ITU-T P.808.
    """

    ACR = "acr"
    """One recording after another, each on a scale from bad (1) to excellent (5)."""
    CCR = "ccr"
    """The original and a condition in random order: how much better or worse the second is, -3 to 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningConfig:
    """The choices behind a plan.

    Attributes:
        method: How listeners judge.
        schemes: Schemes to compare, at least one; None for all.
        networks: Networks to hear them over; None for all.
        by_network: Each scheme over each network is a condition of its own. Otherwise a scheme is a condition, and
            each clip is heard over one network, in turns.
        clips: How many recordings, at least 1, spread over the speakers; fewer if there are fewer.
        per_rater: How many recordings of each condition a listener rates, at least 1; at most all of them.
        seed: Of all orders, at least 0.
    """

    method: Method = Method.ACR
    schemes: tuple[str, ...] | None = None
    networks: tuple[str, ...] | None = None
    by_network: bool = False
    clips: int = 12
    per_rater: int = 3
    seed: int = 1

    def __post_init__(self) -> None:
        if self.clips < 1 or self.per_rater < 1 or self.seed < 0:
            raise UsageError(
                "clips and per_rater must be at least 1, seed at least 0, "
                f"got {self.clips}, {self.per_rater}, {self.seed}"
            )
        for name, chosen in (("schemes", self.schemes), ("networks", self.networks)):
            if chosen is not None and (not chosen or len(set(chosen)) != len(chosen)):
                raise UsageError(f"{name} must be at least one, each named once, got {', '.join(chosen) or 'none'}")
