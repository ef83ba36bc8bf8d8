"""The losses of a network as a loss model: what never arrives, for whoever does not care how late the rest is."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from dred.channel.emulator import ChannelConfig, ChannelEmulator
from dred.channel.models import LossModel
from dred.errors import UsageError
from dred.timebase import DOUBLE_FRAME_MS

__all__ = ["SPEECH_PACKET_BYTES", "NetworkLosses", "check_packet_bytes"]

SPEECH_PACKET_BYTES = 150
"""24 kb/s of Opus with a second of redundancy, and the headers of RTP, UDP and IPv4. Our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLosses(LossModel):
    """Packets of 20 ms that never arrive: lost at random, in outages or in front of a full queue.

    Attributes:
        config: The network.
        packet_bytes: Size of each packet, headers included, at least 1.
    """

    config: ChannelConfig
    packet_bytes: int = SPEECH_PACKET_BYTES

    def __post_init__(self) -> None:
        check_packet_bytes(self.packet_bytes)

    def stream(self, rng: np.random.Generator) -> Iterator[bool]:
        """Decide packet after packet, without an end."""
        channel = ChannelEmulator[None](self.config, rng)
        num_gone = 0
        for number in count():
            now_ms = float(number * DOUBLE_FRAME_MS)
            channel.send(None, now_ms, num_bytes=self.packet_bytes)
            # What has arrived makes room.
            channel.receive(now_ms)
            gone = channel.num_lost + channel.num_overflowed
            yield gone > num_gone
            num_gone = gone


def check_packet_bytes(packet_bytes: int) -> None:
    """Refuse packets without any bytes.

    Raises:
        UsageError: There are none.
    """
    if packet_bytes < 1:
        raise UsageError(f"packet_bytes must be at least 1, got {packet_bytes}")
