"""What an aiortc application asks of its audio."""

from dataclasses import dataclass, field
from typing import Literal

from dred.errors import UsageError
from dred.receiver import AdaptiveDelay, ReceiverConfig
from dred.rtp import MAX_RED_COPIES
from dred.sender import SenderConfig
from dred.timebase import RTP_CLOCK_HZ

UseDred = Literal["negotiated", "always", "never"]


def _live_receiver() -> ReceiverConfig:
    # Two channels, as aiortc's own decoder gives: whoever reads its frames need not change.
    return ReceiverConfig(rate_hz=RTP_CLOCK_HZ, channels=2, delay_ms=40.0, adaptive=AdaptiveDelay())


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRtcConfig:
    """How calls are received and sent. What the peer declares in its `a=fmtp` narrows what is sent.

    Attributes:
        receiver: The receiving side; its rate and channels are those of the frames that tracks give.
        sender: The sending side, at 48 kHz; bitrate_bps is the most that Opus gets, LBRR not counted.
        total_bps: The most that Opus, LBRR, copies and redundancy take together, 8000 to 510000. How it is split
            follows the losses that the peer reports (`dred.sender.RedundancyController`). None: what is sent stays as
            the sender is configured, unless the peer limits the rate.
        use_dred: Whether packets carry deep redundancy: if the peer says that it is of use to it
            (`ext32-dred-duration`), to everybody, or to nobody. Who does not know it plays on, but its bits are lost.
        max_red_copies: How many copies of earlier packets may go along where the peer takes RED, 0 to 9. They go when
            they are expected to help more than LBRR and deep redundancy do.
    """

    receiver: ReceiverConfig = field(default_factory=_live_receiver)
    sender: SenderConfig = field(default_factory=lambda: SenderConfig(bitrate_bps=32_000, in_band_fec=True))
    total_bps: int | None = 64_000
    use_dred: UseDred = "negotiated"
    max_red_copies: int = 1

    def __post_init__(self) -> None:
        if self.sender.rate_hz != RTP_CLOCK_HZ:
            raise UsageError(f"the sender's rate_hz must be {RTP_CLOCK_HZ}, got {self.sender.rate_hz}")
        if self.total_bps is not None and not 8_000 <= self.total_bps <= 510_000:
            raise UsageError(f"total_bps must be 8000 to 510000, got {self.total_bps}")
        if self.use_dred not in ("negotiated", "always", "never"):
            raise UsageError(f"use_dred must be negotiated, always or never, got {self.use_dred!r}")
        if not 0 <= self.max_red_copies <= MAX_RED_COPIES:
            raise UsageError(f"max_red_copies must be 0 to {MAX_RED_COPIES}, got {self.max_red_copies}")
