"""What the peer's receiver reports say becomes a plan: LBRR's share, and copies where nothing deeper is understood.

Source: our choice; `dred.sender` says what each kind of redundancy is good for.
"""

from collections import deque
from typing import Final

from dred.errors import UsageError
from dred.sender import RedundancyPlan
from dred.webrtc.negotiation import SendSettings

__all__ = ["LossPlanner"]

# Reported losses count at once when they rise, and fade over some reports when they fall.
_FADE: Final = 0.8
# More than this LBRR cannot be told: it is as fine as it gets.
_MOST_LOSS_PERCENT: Final = 30
# Fewer losses are not worth a second copy of everything.
_LEAST_LOSS_FOR_COPIES_PERCENT: Final = 2
_MAX_WAITING: Final = 64


class LossPlanner:
    """One stream's plans. `report` and `decide` may be called from different threads."""

    def __init__(self, settings: SendSettings) -> None:
        """Start without losses."""
        self._settings = settings
        self._reported: deque[float] = deque(maxlen=_MAX_WAITING)
        self._lost = 0.0
        self._plan: RedundancyPlan | None = None

    def report(self, fraction_lost: float) -> None:
        """Take in the share of packets that was lost since the report before, 0 to 1.

        Raises:
            UsageError: It lies outside.
        """
        if not 0 <= fraction_lost <= 1:
            raise UsageError(f"fraction_lost must lie in 0-1, got {fraction_lost}")
        self._reported.append(fraction_lost)

    def decide(self) -> RedundancyPlan | None:
        """Return a plan if it differs from the one before."""
        while self._reported:
            lost = self._reported.popleft()
            self._lost = max(lost, _FADE * self._lost + (1 - _FADE) * lost)
        plan = self._make_plan(round(100 * self._lost))
        if plan == self._plan:
            return None
        self._plan = plan
        return plan

    def _make_plan(self, loss_percent: int) -> RedundancyPlan:
        sender = self._settings.sender
        has_copies = sender.dred is None and loss_percent >= _LEAST_LOSS_FOR_COPIES_PERCENT
        expected_percent = min(max(loss_percent, sender.expected_loss_percent), _MOST_LOSS_PERCENT)
        return RedundancyPlan(
            bitrate_bps=sender.bitrate_bps,
            in_band_fec=sender.in_band_fec,
            expected_loss_percent=expected_percent,
            num_red_copies=self._settings.max_red_copies if has_copies else 0,
            dred=sender.dred,
            reason=f"{loss_percent} % of the packets were lost lately",
        )
