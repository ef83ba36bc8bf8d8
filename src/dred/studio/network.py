"""A network that changes while packets are under way: sliders move, or another one is chosen by name."""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np

from dred.channel import ChannelConfig, ChannelEmulator, GilbertElliott, NetworkPreset
from dred.errors import UsageError

__all__ = ["LiveNetwork", "Network", "NetworkSettings"]

PacketT = TypeVar("PacketT")

MAX_LOSS_PERCENT: Final = 60.0
MAX_BURST: Final = 25.0
MAX_JITTER_MS: Final = 200.0
# Networks of earlier settings that may still deliver. Their packets are all there within a second, and a hand on a
# slider is no faster than this.
_MAX_DRAINING: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """Where the sliders are.

    Attributes:
        loss_percent: Share of packets that are lost, 0 to 60.
        mean_burst: Mean length of a burst in packets, 1 to 25; at a loss above one half, at least what losses and
            arrivals in turns make.
        jitter_ms: Largest extra time that a packet takes, 0 to 200.
    """

    loss_percent: float = 10.0
    mean_burst: float = 3.0
    jitter_ms: float = 0.0

    def __post_init__(self) -> None:
        limits = {
            "loss_percent": (0.0, MAX_LOSS_PERCENT),
            "mean_burst": (1.0, MAX_BURST),
            "jitter_ms": (0.0, MAX_JITTER_MS),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name} must be {low:g} to {high:g}, got {value}")

    def channel_config(self) -> ChannelConfig:
        """Return the network that the sliders describe."""
        loss = self.loss_percent / 100
        model = GilbertElliott(loss=loss, mean_burst=max(self.mean_burst, loss / (1 - loss)))
        return ChannelConfig(loss=model, jitter_ms=self.jitter_ms)


Network = NetworkSettings | NetworkPreset
"""What the page may choose: places of the sliders, or a network with a name."""


class LiveNetwork(Generic[PacketT]):
    """Carry packets of any type. Times are milliseconds that never run back."""

    def __init__(self, network: Network, rng: np.random.Generator) -> None:
        """Start an empty network; `rng` is split for each setting of the sliders."""
        self._rng = rng
        self._draining: list[ChannelEmulator[PacketT]] = []
        self._emulator = self._build(network)

    def change(self, network: Network) -> None:
        """Let what is sent from now on meet other conditions; what is under way arrives as it would have."""
        self._draining = [*self._draining, self._emulator][-_MAX_DRAINING:]
        self._emulator = self._build(network)

    def send(self, packet: PacketT, now: float, *, num_bytes: int = 0) -> bool:
        """Hand a packet to the network; tell whether it gets lost. Its size, headers included, fills queues."""
        before = self._num_gone
        self._emulator.send(packet, now, num_bytes=num_bytes)
        return self._num_gone > before

    def receive(self, now: float) -> list[tuple[float, PacketT]]:
        """Take what has arrived by now, with the times of arrival, in their order."""
        arrived = [arrival for network in [*self._draining, self._emulator] for arrival in network.receive(now)]
        self._draining = [network for network in self._draining if network.next_arrival() is not None]
        return sorted(arrived, key=lambda arrival: arrival[0])

    @property
    def _num_gone(self) -> int:
        return self._emulator.num_lost + self._emulator.num_overflowed

    def _build(self, network: Network) -> ChannelEmulator[PacketT]:
        config = network.config if isinstance(network, NetworkPreset) else network.channel_config()
        return ChannelEmulator(config, self._rng.spawn(1)[0])
