"""Loss models: a seeded generator enters, packet losses leave (True = lost).

A model is a frozen value. `stream` gives its losses one by one without an end, `draw` the first of them as an array.
Both use nothing but `rng.random()`: one number per packet, and for `GilbertElliott` one more at the start. So
`np.random.Generator(np.random.PCG64(seed))`, which is what `np.random.default_rng(seed)` makes, gives the same losses
on every machine, and a longer draw begins like a shorter one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int64

from dred.errors import UsageError

__all__ = [
    "GilbertElliott",
    "LossModel",
    "LossStatistics",
    "Trace",
    "Uniform",
    "burst_lengths",
    "gilbert_elliott_losses",
    "loss_statistics",
    "uniform_losses",
]


_ROUNDING = 1e-12


@runtime_checkable
class LossModel(Protocol):
    """What decides which packets a network loses. Subclasses write `stream` and get `draw`."""

    __slots__ = ()

    def stream(self, rng: np.random.Generator) -> Iterator[bool]:
        """Decide packet after packet, without an end."""
        ...

    def draw(self, num_packets: int, rng: np.random.Generator) -> Bool[np.ndarray, " packets"]:
        """Take the first `num_packets` decisions of a stream.

        Raises:
            UsageError: `num_packets` is negative.
        """
        if num_packets < 0:
            raise UsageError(f"num_packets must be at least 0, got {num_packets}")
        return np.fromiter(islice(self.stream(rng), num_packets), bool, num_packets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform(LossModel):
    """Each packet is lost with the same probability, whatever happened to the others.

    Attributes:
        loss: Probability, 0-1.
    """

    loss: float

    def __post_init__(self) -> None:
        if not 0 <= self.loss <= 1:
            raise UsageError(f"loss must lie in 0-1, got {self.loss}")

    def stream(self, rng: np.random.Generator) -> Iterator[bool]:
        """Decide packet after packet, without an end."""
        while True:
            yield rng.random() < self.loss


@dataclass(frozen=True, slots=True, kw_only=True)
class GilbertElliott(LossModel):
    """Losses come in bursts: a network that is good loses nothing, one that is bad loses everything.

    Attributes:
        loss: Share of lost packets, 0 to below 1.
        mean_burst: Mean length of a burst in packets: at least 1, and at least `loss / (1 - loss)`, since a burst is
            followed by at least one packet that arrives.

    Source: E. N. Gilbert, "Capacity of a Burst-Noise Channel", 1960; here the good state never loses and the bad one
    always does.
    """

    loss: float
    mean_burst: float

    def __post_init__(self) -> None:
        if not 0 <= self.loss < 1:
            raise UsageError(f"loss must lie in 0 to below 1, got {self.loss}")
        shortest = max(1.0, self.loss / (1 - self.loss))
        # A loss that was computed from bursts may lie a rounding above what they allow.
        if not shortest * (1 - _ROUNDING) <= self.mean_burst < float("inf"):
            raise UsageError(
                f"mean_burst must be finite and at least {shortest:.4g} packets at a loss of {self.loss}, "
                f"got {self.mean_burst}"
            )

    def stream(self, rng: np.random.Generator) -> Iterator[bool]:
        """Decide packet after packet, without an end; the first state has the long-run probability of being bad."""
        leave_bad = 1 / self.mean_burst
        # In the long run a state is entered as often as it is left: loss * leave_bad = (1 - loss) * leave_good.
        leave_good = leave_bad * self.loss / (1 - self.loss)
        is_bad = rng.random() < self.loss
        while True:
            yield is_bad
            is_bad ^= rng.random() < (leave_bad if is_bad else leave_good)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace(LossModel):
    """The losses of a recorded trace, over and over; randomness plays no part.

    Attributes:
        lost: At least one packet, True = lost.
        start: Index of the first packet used.
    """

    lost: Bool[np.ndarray, " packets"]
    start: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.start < len(self.lost):
            raise UsageError(f"start must lie within the {len(self.lost)} packets of the trace, got {self.start}")

    def stream(self, rng: np.random.Generator) -> Iterator[bool]:
        """Decide packet after packet; after the last one follows the first."""
        return cycle(np.roll(self.lost, -self.start).tolist())


def uniform_losses(num_packets: int, loss: float, rng: np.random.Generator) -> Bool[np.ndarray, " packets"]:
    """Draw independent losses; see `Uniform`."""
    return Uniform(loss=loss).draw(num_packets, rng)


def gilbert_elliott_losses(
    num_packets: int, loss: float, mean_burst: float, rng: np.random.Generator
) -> Bool[np.ndarray, " packets"]:
    """Draw losses in bursts; see `GilbertElliott`."""
    return GilbertElliott(loss=loss, mean_burst=mean_burst).draw(num_packets, rng)


def burst_lengths(lost: Bool[np.ndarray, " packets"]) -> Int64[np.ndarray, " bursts"]:
    """Measure each run of lost packets, in order."""
    edges = np.diff(lost.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossStatistics:
    """What a trace or a draw looks like, in packets."""

    num_packets: int
    num_lost: int
    num_bursts: int
    longest_burst: int

    @property
    def loss_rate(self) -> float:
        """Share of lost packets, 0-1; 0 without packets."""
        return self.num_lost / self.num_packets if self.num_packets else 0.0

    @property
    def mean_burst(self) -> float:
        """Mean length of a burst; 0 without bursts."""
        return self.num_lost / self.num_bursts if self.num_bursts else 0.0


def loss_statistics(lost: Bool[np.ndarray, " packets"]) -> LossStatistics:
    """Count packets, losses and bursts."""
    bursts = burst_lengths(lost)
    return LossStatistics(
        num_packets=len(lost),
        num_lost=int(bursts.sum()),
        num_bursts=len(bursts),
        longest_burst=int(bursts.max(initial=0)),
    )
