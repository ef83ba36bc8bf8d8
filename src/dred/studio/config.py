"""What a studio compares."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dred.errors import UsageError
from dred.evaluation.schemes import SCHEME_NAMES, Scheme, find_schemes, standard_schemes
from dred.receiver import AdaptiveDelay
from dred.sender import DredConfig
from dred.timebase import DOUBLE_FRAME_MS, RTP_CLOCK_HZ

__all__ = ["BLOCK_MS", "BLOCK_SAMPLES", "RATE_HZ", "StudioConfig"]

RATE_HZ = RTP_CLOCK_HZ
"""Browsers speak and hear at this rate."""
BLOCK_MS = DOUBLE_FRAME_MS
"""One block is one packet of each scheme."""
BLOCK_SAMPLES = RATE_HZ * BLOCK_MS // 1000

# Gaps left silent teach nothing that concealment does not.
_SCHEMES = tuple(name for name in SCHEME_NAMES if name != "zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioConfig:
    """Which schemes meet the same losses, and at what rates.

    Attributes:
        schemes: Names of standard schemes.
        bitrate_bps: Rate of the main Opus stream, 6000 to 300000; redundancy comes on top.
        expected_loss_percent: What encoders are told to expect, 0 to 100: LBRR is tuned for it.
        dred: Deep redundancy of the schemes that have it.
        delay: How every receiver adapts its delay.
        start_delay_ms: Where its delay starts, within what it may adapt to.
    """

    schemes: Sequence[str] = _SCHEMES
    bitrate_bps: int = 24_000
    expected_loss_percent: int = 20
    dred: DredConfig = field(default_factory=DredConfig)
    delay: AdaptiveDelay = field(default_factory=AdaptiveDelay)
    start_delay_ms: float = 60.0

    def __post_init__(self) -> None:
        self.chosen_schemes()
        if not 0 <= self.expected_loss_percent <= 100:
            raise UsageError(f"expected_loss_percent must be 0 to 100, got {self.expected_loss_percent}")
        if not self.delay.min_ms <= self.start_delay_ms <= self.delay.max_ms:
            raise UsageError(
                f"start_delay_ms must be {self.delay.min_ms:g} to {self.delay.max_ms:g}, got {self.start_delay_ms}"
            )

    def chosen_schemes(self) -> tuple[Scheme, ...]:
        """Return the schemes, in the order of `standard_schemes`.

        Raises:
            UsageError: A name is unknown, or a number outside its range.
        """
        return find_schemes(self.schemes, standard_schemes(bitrate_bps=self.bitrate_bps, dred=self.dred))
