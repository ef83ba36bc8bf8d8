"""Which packets of a simulation are lost: a recorded trace, a named network, or a model. The same for every scheme."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from dred.channel import GilbertElliott, LossModel, NetworkLosses, Trace, Uniform, find_preset, read_trace
from dred.errors import UsageError

__all__ = ["LossConfig"]

_MAX_LOSS_PERCENT = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig:
    """A lossy network.

    Attributes:
        trace: File of one 0 or 1 per packet, repeated as needed; then nothing below counts.
        network: Name of one of `dred.channel.PRESETS`, whose losses these are; of what stands below, only the seed
            counts then.
        loss_percent: Share of lost packets, 0 to 99.
        mean_burst: Mean number of packets lost in a row, at least 1; with 1, each is lost on its own.
        seed: Of the random numbers, at least 0.
    """

    trace: Path | None = None
    network: str | None = None
    loss_percent: float = 20.0
    mean_burst: float = 5.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.network is not None:
            find_preset(self.network)
            if self.trace is not None:
                raise UsageError("losses come from a trace or from a network, not from both")
        if not 0 <= self.loss_percent <= _MAX_LOSS_PERCENT:
            raise UsageError(f"loss must be 0 to {_MAX_LOSS_PERCENT} percent, got {self.loss_percent}")
        if not 1 <= self.mean_burst < float("inf"):
            raise UsageError(f"burst must be at least 1 packet, got {self.mean_burst}")
        if self.seed < 0:
            raise UsageError(f"seed must be at least 0, got {self.seed}")

    def model(self) -> LossModel:
        """Read the trace or set up the model.

        Raises:
            UsageError: The trace cannot be read, or the bursts are too short for so much loss.
            FileFormatError: The trace breaks its format.
        """
        if self.trace is not None:
            return Trace(lost=read_trace(self.trace))
        if self.network is not None:
            return NetworkLosses(config=find_preset(self.network).config)
        loss = self.loss_percent / 100
        if self.mean_burst == 1:
            return Uniform(loss=loss)
        return GilbertElliott(loss=loss, mean_burst=self.mean_burst)

    def draw(self, num_packets: int) -> Bool[np.ndarray, " packets"]:
        """Decide about so many packets (True = lost); a longer draw begins like a shorter one.

        Raises:
            UsageError: As in `model`.
            FileFormatError: As in `model`.
        """
        return self.model().draw(num_packets, np.random.default_rng(self.seed))

    def describe(self) -> str:
        """Say it in a phrase."""
        if self.trace is not None:
            return f"trace {self.trace.name}"
        if self.network is not None:
            return f"the network {self.network}, seed {self.seed}"
        if self.mean_burst == 1:
            return f"{self.loss_percent:g} % uniform loss, seed {self.seed}"
        return f"{self.loss_percent:g} % loss in bursts of {self.mean_burst:g} packets, seed {self.seed}"
