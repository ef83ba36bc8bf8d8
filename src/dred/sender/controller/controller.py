"""The controller: watches what is sent and what is said about it, and decides once per interval.

SentPacket --> RateEstimator --.
                               +--> choose_plan --> RedundancyPlan
reports ----> LossEstimator ---'
"""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite

from dred.errors import UsageError
from dred.sender.controller.config import ControllerConfig
from dred.sender.controller.decision import Knowledge, choose_plan
from dred.sender.controller.losses import LossEstimator, LossPicture
from dred.sender.controller.protections import allowed_protections
from dred.sender.controller.rates import RateEstimator, RateModel
from dred.sender.controller.reports import ReceiverReport
from dred.sender.plan import RedundancyPlan
from dred.sender.send_path import SentPacket

__all__ = ["RedundancyController"]

# A report need not wait for the interval to end: with one a second, decisions follow them.
_EARLIEST = 0.5


class RedundancyController:
    """One stream's decisions. The same packets, reports and times give the same plans."""

    def __init__(self, config: ControllerConfig | None = None) -> None:
        """Start knowing nothing about the stream and the network."""
        self.config = config or ControllerConfig()
        # What takes time the first time: no packet is to wait for it.
        allowed_protections(self.config)
        self._losses = LossEstimator(
            frame_ms=self.config.frame_ms, rise_ms=self.config.rise_ms, fall_ms=self.config.fall_ms
        )
        self._rates = RateEstimator(frame_ms=self.config.frame_ms)
        self._plan: RedundancyPlan | None = None
        self._num_unreported = 0
        self._now = float("-inf")
        self._decided_ms = float("-inf")
        self._is_told = False

    @property
    def plan(self) -> RedundancyPlan | None:
        """The plan of the last decision."""
        return self._plan

    @property
    def losses(self) -> LossPicture:
        """What is known about losses."""
        return self._losses.picture(self._now)

    @property
    def rates(self) -> RateModel:
        """What settings cost this stream."""
        return self._rates.model

    def observe_packet(self, sent: SentPacket) -> None:
        """Take note of a packet of the stream, sent as the last plan says."""
        self._num_unreported += 1
        if self._plan is not None:
            self._rates.observe(sent, self._plan)

    def observe_report(self, report: ReceiverReport, now: float) -> None:
        """Take note of loss, jitter and delay.

        Raises:
            UsageError: The time is not finite, or before an earlier call's.
        """
        self._advance(now)
        self._losses.observe_report(report, self._num_unreported, now)
        self._num_unreported = 0
        self._is_told = True

    def observe_losses(self, lost: Sequence[bool], now: float) -> None:
        """Take note of which packets were lost, each packet once, in their order.

        Raises:
            UsageError: The time is not finite or before an earlier call's, or there are more than 100,000 packets.
        """
        self._advance(now)
        self._losses.observe_losses(lost, now)

    def decide(self, now: float) -> RedundancyPlan | None:
        """Return a new plan once per interval, sooner behind a report; None between, and if none is worth a change.

        Raises:
            UsageError: The time is not finite, or before an earlier call's.
        """
        self._advance(now)
        since_last_ms = now - self._decided_ms
        if since_last_ms < self.config.interval_ms * (_EARLIEST if self._is_told else 1.0):
            return None
        self._decided_ms, self._is_told = now, False
        silent_ms = self._losses.silent_ms(now)
        known = Knowledge(
            losses=self._losses.picture(now),
            is_heard=silent_ms is not None and silent_ms <= self.config.patience_ms,
            rates=self._rates.model,
            present=self._plan,
        )
        plan = choose_plan(known, self.config)
        if self._plan is not None and replace(plan, reason="") == replace(self._plan, reason=""):
            return None
        self._plan = plan
        return plan

    def _advance(self, now: float) -> None:
        if not (isfinite(now) and now >= self._now):
            raise UsageError(f"now must be finite and at least {self._now}, got {now}")
        self._now = now
