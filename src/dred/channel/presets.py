"""Networks with names: what to try a call on."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dred.channel.emulator import ChannelConfig
from dred.channel.link import BottleneckConfig, OutagesConfig
from dred.channel.models import GilbertElliott, Uniform
from dred.errors import UsageError

__all__ = ["PRESETS", "PRESETS_SOURCE", "NetworkPreset", "find_preset"]

PRESETS_SOURCE = (
    "our choice; losses, delay and jitter of the order of ITU-T G.1050's well managed, partially managed and unmanaged "
    "networks, stalls of radios that wait or change cells: tens to hundreds of milliseconds"
)
"""Where the presets' numbers come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPreset:
    """A network, and what it is like.

    Attributes:
        name: For command lines.
        title: What it is, in a line.
        config: What it does.
    """

    name: str
    title: str
    config: ChannelConfig


_ALL = (
    NetworkPreset(
        name="good-wifi",
        title="Wi-Fi near the access point: hardly a loss, now and then a wait for the channel",
        config=ChannelConfig(
            loss=GilbertElliott(loss=0.003, mean_burst=1.5),
            delay_ms=10.0,
            jitter_ms=8.0,
            jitter_shape="normal",
            outages=OutagesConfig(every_ms=5_000.0, shortest_ms=10.0, longest_ms=30.0),
        ),
    ),
    NetworkPreset(
        name="lossy-wifi",
        title="Wi-Fi two rooms away: short bursts of loss, waits of up to 80 ms",
        config=ChannelConfig(
            loss=GilbertElliott(loss=0.06, mean_burst=3.0),
            delay_ms=15.0,
            jitter_ms=25.0,
            jitter_shape="normal",
            reorder=0.002,
            reorder_delay_ms=30.0,
            outages=OutagesConfig(every_ms=2_000.0, shortest_ms=20.0, longest_ms=80.0),
        ),
    ),
    NetworkPreset(
        name="congested-uplink",
        title="an uplink of 1 Mb/s that somebody else fills: the queue grows to 200 ms and overflows",
        config=ChannelConfig(
            loss=Uniform(loss=0.005),
            delay_ms=25.0,
            jitter_ms=5.0,
            bottleneck=BottleneckConfig(
                rate_bps=1_000_000.0, max_queue_ms=200.0, others_share=0.55, others_burst_ms=1_500.0
            ),
        ),
    ),
    NetworkPreset(
        name="train",
        title="mobile data on a train: long bursts of loss, stalls of up to half a second",
        config=ChannelConfig(
            loss=GilbertElliott(loss=0.08, mean_burst=6.0),
            delay_ms=60.0,
            jitter_ms=50.0,
            jitter_shape="normal",
            outages=OutagesConfig(every_ms=8_000.0, shortest_ms=100.0, longest_ms=500.0, loss=0.3),
        ),
    ),
    NetworkPreset(
        name="handover",
        title="mobile data from cell to cell: good, but for stalls in which half of the packets vanish",
        config=ChannelConfig(
            loss=Uniform(loss=0.01),
            delay_ms=40.0,
            jitter_ms=15.0,
            jitter_shape="normal",
            outages=OutagesConfig(every_ms=10_000.0, shortest_ms=100.0, longest_ms=300.0, loss=0.5),
        ),
    ),
)
PRESETS: Mapping[str, NetworkPreset] = MappingProxyType({preset.name: preset for preset in _ALL})
"""The presets by name."""


def find_preset(name: str) -> NetworkPreset:
    """Look a preset up.

    Raises:
        UsageError: There is none of this name.
    """
    if name not in PRESETS:
        raise UsageError(f"a network must be one of {', '.join(PRESETS)}, got {name!r}")
    return PRESETS[name]
