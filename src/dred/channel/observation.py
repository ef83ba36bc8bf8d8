"""A network watched: what becomes of packets that are sent at a steady pace.

ChannelConfig, generator --observe--> Observation: delay and queue of each packet --summarize--> NetworkSummary
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from dred.channel.emulator import ChannelConfig, ChannelEmulator
from dred.channel.models import LossStatistics, loss_statistics
from dred.channel.network_losses import SPEECH_PACKET_BYTES, check_packet_bytes
from dred.errors import UsageError
from dred.timebase import DOUBLE_FRAME_MS

__all__ = ["QUANTILES", "NetworkSummary", "Observation", "observe"]

QUANTILES = (0.5, 0.95, 0.99, 1.0)
"""Of delays, in a summary."""

_PACKET_MS = DOUBLE_FRAME_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSummary:
    """Figures of an observation.

    Attributes:
        losses: Rate and bursts.
        delays_ms: The quantiles of `QUANTILES` among packets that arrived, NaN if none did.
        queue_ms: The same of the bottleneck's queue, over all packets.
        overtaking: Share of the packets that arrived before one that was sent earlier, 0 to 1.
    """

    losses: LossStatistics
    delays_ms: tuple[float, ...]
    queue_ms: tuple[float, ...]
    overtaking: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observation:
    """What became of packets.

    Attributes:
        sent_ms: When each was sent.
        delays_ms: How long it took; NaN if it never arrived.
        queue_ms: How long the bottleneck's queue was behind it; 0 without one.
    """

    sent_ms: Float64[np.ndarray, " packets"]
    delays_ms: Float64[np.ndarray, " packets"]
    queue_ms: Float64[np.ndarray, " packets"]

    @property
    def lost(self) -> Bool[np.ndarray, " packets"]:
        """Which packets never arrived."""
        return np.isnan(self.delays_ms)

    def first(self, num_packets: int) -> "Observation":
        """Return the beginning of it."""
        return Observation(
            sent_ms=self.sent_ms[:num_packets],
            delays_ms=self.delays_ms[:num_packets],
            queue_ms=self.queue_ms[:num_packets],
        )

    def summarize(self) -> NetworkSummary:
        """Sum up at least one packet."""
        arrived = ~self.lost
        arrivals_ms = (self.sent_ms + self.delays_ms)[arrived]
        is_early = arrivals_ms < np.maximum.accumulate(arrivals_ms)
        return NetworkSummary(
            losses=loss_statistics(self.lost),
            delays_ms=_quantiles(self.delays_ms[arrived]),
            queue_ms=_quantiles(self.queue_ms),
            overtaking=float(is_early.mean()) if len(is_early) else 0.0,
        )


def observe(
    config: ChannelConfig, num_packets: int, rng: np.random.Generator, *, packet_bytes: int = SPEECH_PACKET_BYTES
) -> Observation:
    """Send packets, one per 20 ms, and wait for the last.

    Args:
        config: The network.
        num_packets: How many, at least 1.
        rng: As for `ChannelEmulator`.
        packet_bytes: Size of each, headers included, at least 1; by default that of speech with a second of redundancy.

    Raises:
        UsageError: A number outside its range.
    """
    if num_packets < 1:
        raise UsageError(f"num_packets must be at least 1, got {num_packets}")
    check_packet_bytes(packet_bytes)
    channel = ChannelEmulator[int](config, rng)
    sent_ms = np.arange(num_packets, dtype=np.float64) * _PACKET_MS
    queue_ms = np.zeros(num_packets)
    delays_ms = np.full(num_packets, np.nan)
    arrivals: list[tuple[float, int]] = []
    for number, now_ms in enumerate(sent_ms.tolist()):
        channel.send(number, now_ms, num_bytes=packet_bytes)
        queue_ms[number] = channel.queue_ms
        arrivals += channel.receive(now_ms)
    while (arrival_ms := channel.next_arrival()) is not None:
        arrivals += channel.receive(arrival_ms)
    for arrival_ms, number in arrivals:
        # Of two copies, the first counts.
        if np.isnan(delays_ms[number]):
            delays_ms[number] = arrival_ms - sent_ms[number]
    return Observation(sent_ms=sent_ms, delays_ms=delays_ms, queue_ms=queue_ms)


def _quantiles(values: Float64[np.ndarray, " values"]) -> tuple[float, ...]:
    return tuple(np.quantile(values, QUANTILES).tolist()) if len(values) else (float("nan"),) * len(QUANTILES)
