"""What a sender asks of whoever decides about redundancy, by Protocol."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from dred.sender import ReceiverReport, RedundancyPlan, SentPacket

__all__ = ["ReceiverReport", "RedundancyControl"]


@runtime_checkable
class RedundancyControl(Protocol):
    """Watches packets and reports, and decides about redundancy."""

    def observe_packet(self, sent: SentPacket) -> None:
        """Take note of a packet's size."""
        ...

    def observe_report(self, report: ReceiverReport, now: float) -> None:
        """Take note of loss, jitter and delay."""
        ...

    def observe_losses(self, lost: Sequence[bool], now: float) -> None:
        """Take note of which packets were lost, each packet once, in their order."""
        ...

    def decide(self, now: float) -> RedundancyPlan | None:
        """Return a new plan, or None to go on."""
        ...
