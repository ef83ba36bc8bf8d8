"""The ends of an RTP session in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from dred.receiver import ReceiverStatistics
from dred.rtp import Reception
from dred.session.events import Refusal
from dred.timebase import RTP_TICKS_PER_MS

__all__ = ["RtpReceiverStatistics", "RtpSenderStatistics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpReceiverStatistics:
    """What has arrived.

    Attributes:
        ssrc: The source that is heard, or None.
        cname: Its name, if it has told one.
        reception: How it is heard.
        round_trip_ms: None if the sender does not answer extended reports.
        num_datagrams: All that arrived.
        num_bytes: Of these, used RTP packets and their headers.
        num_sources: Sources that were heard one after the other.
        refused: Datagrams that were not used, by reason.
        stream: What the receiver of the source that is heard has done.
    """

    ssrc: int | None
    cname: str | None
    reception: Reception
    round_trip_ms: float | None
    num_datagrams: int
    num_bytes: int
    num_sources: int
    refused: Mapping[Refusal, int]
    stream: ReceiverStatistics

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter of RFC 3550."""
        return self.reception.jitter_rtp / RTP_TICKS_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpSenderStatistics:
    """What was sent, and what the other side says about it.

    Attributes:
        num_packets: RTP packets.
        main_bytes: Opus packets without their extensions, LBRR included.
        dred_bytes: Deep redundancy.
        red_bytes: Copies and RED's headers.
        overhead_bytes: RTP headers.
        fraction_lost: Of the last report, 0 to 1; None before.
        num_lost: Of the last report; None before.
        jitter_ms: Of the last report; None before.
        round_trip_ms: None before it can be told.
    """

    num_packets: int = 0
    main_bytes: int = 0
    dred_bytes: int = 0
    red_bytes: int = 0
    overhead_bytes: int = 0
    fraction_lost: float | None = None
    num_lost: int | None = None
    jitter_ms: float | None = None
    round_trip_ms: float | None = None
