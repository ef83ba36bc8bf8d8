"""The studio without a browser: 20 ms in, 20 ms of the chosen scheme out, and what became of every scheme.

    block -> PacketSource -> one bundle of packets -> LiveNetwork --> Listener of each scheme -> the chosen one
                                     '-- (the scheme without losses) --^

All schemes meet the same losses and delays, and all are played all the time, so that one can switch between them.
Time and chance are arguments: the same blocks, times and seed give the same samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.errors import UsageError
from dred.studio.config import BLOCK_SAMPLES, StudioConfig
from dred.studio.listener import Listener, SchemeStep
from dred.studio.network import LiveNetwork, Network
from dred.studio.packets import PacketSource, StudioPacket
from dred.weights import WeightSet, load

__all__ = ["SchemeStep", "StudioPipeline", "StudioStep"]

# From one scheme to the other; as long as a frame of CELT's shortest.
_FADE = np.linspace(0, 1, BLOCK_SAMPLES // 8, dtype=np.float32)

# Of IPv4, UDP and RTP.
_HEADER_BYTES = 40

Bundle = Mapping[str, StudioPacket]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudioStep:
    """What 20 ms brought.

    Attributes:
        number: Of the packet that was sent, from 0.
        is_lost: Whether the network lost it.
        heard: The chosen scheme's sound, cross-faded after a switch.
        schemes: By name.
    """

    number: int
    is_lost: bool
    heard: Float32[np.ndarray, " 960"]
    schemes: Mapping[str, SchemeStep]


class StudioPipeline:
    """One speaker, one network, all schemes."""

    def __init__(
        self,
        config: StudioConfig,
        network: Network,
        rng: np.random.Generator,
        weights: WeightSet | None = None,
    ) -> None:
        """Start in silence, with the last scheme chosen.

        Args:
            config: What is compared.
            network: Where the sliders are, or which named network it is.
            rng: Decides about losses and jitter.
            weights: The networks; by default the best at hand.

        Raises:
            ModelError: There are no weights.
        """
        weights = weights or load()
        self.config = config
        self._source = PacketSource(config, weights)
        self._listeners: Sequence[Listener] = [
            Listener(scheme, config, [weights], lookahead_samples=self._source.lookahead_samples)
            for scheme in config.chosen_schemes()
        ]
        self._network: LiveNetwork[Bundle] = LiveNetwork(network, rng)
        self._names = [listener.scheme.name for listener in self._listeners]
        self.chosen = self._before = self._names[-1]
        """Name of the scheme that is heard."""
        self._number = 0

    def choose(self, name: str) -> None:
        """Let another scheme be heard from the next block on.

        Raises:
            UsageError: There is no such scheme.
        """
        if name not in self._names:
            raise UsageError(f"the scheme must be one of {', '.join(self._names)}, got {name}")
        self.chosen = name

    def change_network(self, network: Network) -> None:
        """Move the sliders, or choose a named network."""
        self._network.change(network)

    def step(self, block: Float32[np.ndarray, " 960"], now: float) -> StudioStep:
        """Send 20 ms, play 20 ms.

        Args:
            block: Speech at 48 kHz, -1 to 1.
            now: Milliseconds; 20 more than at the last step, or about so.
        """
        bundle = self._source.push(block)
        # All meet the same queue: that of the largest.
        largest = max(packet.num_bytes for packet in bundle.values())
        is_lost = self._network.send(bundle, now, num_bytes=largest + _HEADER_BYTES)
        arrived = self._network.receive(now)
        schemes = {}
        for listener in self._listeners:
            name = listener.scheme.name
            for arrival_ms, packets in arrived if listener.scheme.is_lossy else [(now, bundle)]:
                listener.receive(packets[name], arrival_ms)
            schemes[name] = listener.play(self._number, bundle[name], now)
        heard = schemes[self.chosen].samples
        if self.chosen != self._before:
            heard = heard.copy()
            fading = schemes[self._before].samples[: len(_FADE)]
            heard[: len(_FADE)] = heard[: len(_FADE)] * _FADE + fading * (1 - _FADE)
            self._before = self.chosen
        self._number += 1
        return StudioStep(number=self._number - 1, is_lost=is_lost, heard=heard, schemes=schemes)
