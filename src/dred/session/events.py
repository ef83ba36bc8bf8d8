"""What the ends of an RTP session tell about their work, one value per fact."""

from dataclasses import dataclass
from enum import StrEnum

from dred.receiver import Event
from dred.sender import RedundancyPlan

__all__ = [
    "DatagramsRefused",
    "PlanApplied",
    "ReceiverEvent",
    "RedundancyLeftOut",
    "Refusal",
    "ReportHeard",
    "SenderEvent",
    "SourceEnded",
    "SourceLocked",
]


class Refusal(StrEnum):
    """Why a datagram was not used."""

    MALFORMED = "malformed"
    """It is no RTP or RTCP, or its RED is broken."""
    OTHER_TYPE = "other type"
    """Its payload type means neither Opus nor RED here, or it is RTP where only RTCP is expected."""
    OTHER_SOURCE = "other source"
    """Another source than the one that is heard, or one that is still on probation."""
    REPLAYED = "replayed"
    """It has arrived before."""
    OUTDATED = "outdated"
    """It is too far behind to be of use, or tells less than what is known."""
    FLOOD = "flood"
    """More arrived than is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLocked:
    """From now on this source is heard, and no other."""

    ssrc: int
    address: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEnded:
    """The source that is heard has said goodbye, and why."""

    ssrc: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatagramsRefused:
    """So many datagrams were not used for one reason since the last call."""

    reason: Refusal
    num_datagrams: int


ReceiverEvent = Event | SourceLocked | SourceEnded | DatagramsRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHeard:
    """What a listener says about the stream.

    Attributes:
        fraction_lost: Since its last report, 0 to 1.
        num_lost: In all; duplicates can make it negative.
        jitter_ms: Interarrival jitter.
        round_trip_ms: None if it cannot be told yet.
    """

    fraction_lost: float
    num_lost: int
    jitter_ms: float
    round_trip_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanApplied:
    """The controller has decided, and the next packet keeps to it."""

    plan: RedundancyPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RedundancyLeftOut:
    """A packet that exceeded the MTU went out without its deep redundancy.

    Attributes:
        sequence: RTP sequence number.
        num_bytes: What was left out.
        still_exceeds: Whether the main stream alone is larger than the MTU; it is sent nevertheless.
    """

    sequence: int
    num_bytes: int
    still_exceeds: bool


SenderEvent = ReportHeard | PlanApplied | RedundancyLeftOut | SourceEnded | DatagramsRefused
