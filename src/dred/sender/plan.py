"""What a stream is to send from its next packet on."""

from dataclasses import dataclass

from dred.errors import UsageError
from dred.sender.config import DredConfig, SenderConfig

_MAX_RED_COPIES = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class RedundancyPlan:
    """How a stream's bits are split.

    Attributes:
        bitrate_bps: Of Opus with its LBRR, 6000 to 510000.
        in_band_fec: Whether each packet repeats the one before it (LBRR).
        expected_loss_percent: What the encoder is told, 0 to 100; LBRR's share depends on it.
        num_red_copies: Copies of earlier packets that go along, 0 to 9; whoever makes RTP carries that out.
        dred: The deep redundancy, or None for packets without.
        reason: Why, in words.
    """

    bitrate_bps: int
    in_band_fec: bool = False
    expected_loss_percent: int = 0
    num_red_copies: int = 0
    dred: DredConfig | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("bitrate_bps", 6_000, 510_000),
            ("expected_loss_percent", 0, 100),
            ("num_red_copies", 0, _MAX_RED_COPIES),
        ):
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"{name} must be {low} to {high}, got {getattr(self, name)}")


def first_plan(config: SenderConfig) -> RedundancyPlan:
    """Return the plan that a configuration starts with."""
    return RedundancyPlan(
        bitrate_bps=config.bitrate_bps,
        in_band_fec=config.in_band_fec,
        expected_loss_percent=config.expected_loss_percent,
        dred=config.dred,
        reason="as configured",
    )
