"""What the receiver tells about its work, one value per fact."""

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Where a stretch of played audio came from."""

    RECEIVED = "received"
    RED = "red"
    LBRR = "lbrr"
    DRED = "dred"
    PLC = "plc"
    DTX = "dtx"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A stretch of audio and its source.

    Attributes:
        timestamp: Unwrapped RTP timestamp of its first sample.
        duration_rtp: Its length in RTP ticks.
        source: Where it came from.
        sequence: The packet that it came from, if any.
    """

    timestamp: int
    duration_rtp: int
    source: Source
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketDropped:
    """A packet that was not used, and why: late, duplicate, overflow, or the rule of Opus that it breaks."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RedundancyRefused:
    """Redundancy that could not be used; the packet's regular audio plays on."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRestarted:
    """The timestamps jumped too far to be one stream; playing goes on at the new ones."""

    timestamp: int


class Scaling(StrEnum):
    """How the time of played audio was scaled."""

    ACCELERATED = "accelerated"
    STRETCHED = "stretched"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeScaled:
    """A period of the signal was left out or repeated, so that playing is ahead or behind by its samples."""

    scaling: Scaling
    num_samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayChanged:
    """The delay aimed at has changed; it counts from the fastest packet seen lately."""

    target_ms: float


Event = Played | PacketDropped | RedundancyRefused | StreamRestarted | TimeScaled | DelayChanged
