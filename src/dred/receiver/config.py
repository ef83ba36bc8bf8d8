"""What a receiver is asked to do."""

from dataclasses import dataclass
from typing import Literal

from dred.errors import UsageError
from dred.receiver.adaptive_delay import AdaptiveDelay
from dred.timebase import OPUS_RATES_HZ

_MAX_DELAY_MS = 5_000

Plc = Literal["neural", "classic", "zero"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverConfig:
    """How packets become speech again.

    Attributes:
        rate_hz: Rate of the samples played: 8, 12, 16, 24 or 48 kHz.
        channels: 1 or 2; what is concealed or recovered from redundancy is the same in both.
        delay_ms: How long the first packet waits before it is played, 0 to 5000: the receiver can wait that long for
            a late packet, or for the packet behind a gap that carries its redundancy.
        adaptive: How the delay follows the network from there, by playing faster and slower; None to keep it.
        use_red: Whether copies of earlier packets are played in place of lost ones.
        use_lbrr: Whether in-band FEC is.
        use_dred: Whether deep redundancy is.
        plc: What fills a gap that nothing covers: the neural predictor, libopus's own concealment, or zeros.
        priming: Whether what the vocoder speaks is passed through the decoder, so that the packet after the gap
            continues from it; otherwise it is laid over the gap and cross-faded.
        max_conceal_ms: After so much guessing in a row comes silence.
    """

    rate_hz: int = 48_000
    channels: int = 1
    delay_ms: float = 80.0
    adaptive: AdaptiveDelay | None = None
    use_red: bool = True
    use_lbrr: bool = True
    use_dred: bool = True
    plc: Plc = "neural"
    priming: bool = True
    max_conceal_ms: float = 500.0

    def __post_init__(self) -> None:
        if self.rate_hz not in OPUS_RATES_HZ:
            raise UsageError(f"rate_hz must be one of {OPUS_RATES_HZ}, got {self.rate_hz}")
        if self.channels not in (1, 2):
            raise UsageError(f"channels must be 1 or 2, got {self.channels}")
        if not 0 <= self.delay_ms <= _MAX_DELAY_MS:
            raise UsageError(f"delay_ms must be 0 to {_MAX_DELAY_MS}, got {self.delay_ms}")
        if self.adaptive is not None and not self.adaptive.min_ms <= self.delay_ms <= self.adaptive.max_ms:
            raise UsageError(
                f"delay_ms must be {self.adaptive.min_ms:g} to {self.adaptive.max_ms:g}, where it may move, "
                f"got {self.delay_ms}"
            )
        if self.plc not in ("neural", "classic", "zero"):
            raise UsageError(f"plc must be neural, classic or zero, got {self.plc!r}")
        if not self.max_conceal_ms >= 0:
            raise UsageError(f"max_conceal_ms must be at least 0, got {self.max_conceal_ms}")
