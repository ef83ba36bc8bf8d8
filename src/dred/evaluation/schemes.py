"""Ways to meet losses, as data: what is sent, and what fills the gaps that remain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dred.errors import UsageError
from dred.receiver.config import Plc
from dred.rtp import MAX_RED_COPIES, red_overhead_bytes
from dred.sender import DredConfig, SenderConfig
from dred.sender.config import Bandwidth
from dred.timebase import DOUBLE_FRAME_MS

__all__ = ["SCHEME_NAMES", "Scheme", "expected_loss_percent", "find_schemes", "standard_schemes"]

PACKET_MS = DOUBLE_FRAME_MS
_BITRATES_BPS = (6_000, 300_000)
# With LBRR, 24 kb/s become 40: so much more keeps the main stream as good as it is without.
_LBRR_FACTOR = 5 / 3
# LBRR gets finer with the loss that libopus expects, and there is none at 0. The range is our choice.
_EXPECTED_LOSS_PERCENT = (10, 25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A way to meet losses.

    Attributes:
        name: Short name, unique among those that are compared; also that of a wav file.
        family: What it shares with the same scheme at other rates; by default its name.
        title: What it is, in a phrase.
        is_lossy: Whether its packets meet the losses; the reference's do not.
        bitrate_bps: Rate of the Opus stream, in-band FEC included, 6000 to 300000; RED and DRED come on top.
        total_bitrate_bps: If given, the rate of everything together, 8000 to 300000: all packets get one size,
            redundancy takes what it needs, and Opus the rest. Not for RED and DRED at once.
        bandwidth: Audio bandwidth; None lets Opus choose.
        in_band_fec: Whether each packet repeats the one before it at a low rate (LBRR).
        num_red_copies: How many packets before it each packet repeats whole (RFC 2198), 0 to 9.
        dred: Deep redundancy; None for none.
        plc: What fills a gap that nothing covers.
        priming: Whether what is recovered passes through the decoder.
        expected_loss_percent: What the encoder is told, 0 to 100; by default the loss there is, from 10 to 25.
    """

    name: str
    family: str = ""
    title: str = ""
    is_lossy: bool = True
    bitrate_bps: int = 24_000
    total_bitrate_bps: int | None = None
    bandwidth: Bandwidth | None = None
    in_band_fec: bool = False
    num_red_copies: int = 0
    dred: DredConfig | None = None
    plc: Plc = "neural"
    priming: bool = True
    expected_loss_percent: int | None = None

    def __post_init__(self) -> None:
        if not self.family:
            object.__setattr__(self, "family", self.name)
        lowest, highest = _BITRATES_BPS
        if not lowest <= self.bitrate_bps <= highest:
            raise UsageError(f"bitrate must be {lowest} to {highest} bit/s, got {self.bitrate_bps}")
        if not 0 <= self.num_red_copies <= MAX_RED_COPIES:
            raise UsageError(f"the number of RED copies must be 0 to {MAX_RED_COPIES}, got {self.num_red_copies}")
        if self.total_bitrate_bps is not None and self.num_red_copies and self.dred:
            raise UsageError("a total bitrate is shared out with RED or with DRED, not with both")
        if self.plc not in ("neural", "classic", "zero"):
            raise UsageError(f"plc must be neural, classic or zero, got {self.plc!r}")
        # What is out of range there is out of range here.
        self.sender_config(rate_hz=16_000, channels=1, loss_rate=0.0)

    def sender_config(self, *, rate_hz: int, channels: int, loss_rate: float) -> SenderConfig:
        """Return what the sender is asked to do.

        Args:
            rate_hz: Of the speech.
            channels: Of the speech.
            loss_rate: What the network loses, 0-1.

        Raises:
            UsageError: A rate outside the sender's range.
        """
        expected = self.expected_loss_percent
        return SenderConfig(
            rate_hz=rate_hz,
            channels=channels,
            bitrate_bps=self.bitrate_bps,
            total_bitrate_bps=self._opus_total_bps(),
            bandwidth=self.bandwidth,
            in_band_fec=self.in_band_fec,
            expected_loss_percent=expected_loss_percent(loss_rate) if expected is None else expected,
            dred=self.dred,
        )

    def _opus_total_bps(self) -> int | None:
        """Return the rate of the Opus packets, where RED's copies take their share of the total."""
        if self.total_bitrate_bps is None or not self.num_red_copies:
            return self.total_bitrate_bps
        total_bytes = self.total_bitrate_bps * PACKET_MS // 8000
        packet_bytes = (total_bytes - red_overhead_bytes(self.num_red_copies)) // (1 + self.num_red_copies)
        return packet_bytes * 8000 // PACKET_MS


def expected_loss_percent(loss_rate: float) -> int:
    """Return what an encoder is told about a network that loses so much, 0-1."""
    lowest, highest = _EXPECTED_LOSS_PERCENT
    return min(max(round(100 * loss_rate), lowest), highest)


def standard_schemes(
    *, bitrate_bps: int = 24_000, dred: DredConfig | None = None, num_red_copies: int = 1
) -> tuple[Scheme, ...]:
    """Return the eight schemes that `dred simulate` compares.

    Args:
        bitrate_bps: Rate of the main Opus stream; all redundancy comes on top.
        dred: By default one second.
        num_red_copies: Packets repeated by RED, 1 to 9.

    Raises:
        UsageError: A number outside its range.
    """
    if num_red_copies < 1:
        raise UsageError(f"the number of RED copies must be 1 to {MAX_RED_COPIES}, got {num_red_copies}")
    dred = dred or DredConfig()
    plain = Scheme(name="plain", bitrate_bps=bitrate_bps)
    with_lbrr_bps = min(round(bitrate_bps * _LBRR_FACTOR), _BITRATES_BPS[1])
    fec = Scheme(name="fec", bitrate_bps=with_lbrr_bps, in_band_fec=True)
    return (
        _variant(plain, "clean", "no loss", is_lossy=False),
        _variant(plain, "zero", "gaps left silent", plc="zero"),
        _variant(plain, "plc", "classic concealment of libopus", plc="classic"),
        _variant(plain, "neural-plc", "neural concealment"),
        _variant(plain, "red", "whole packets repeated, neural concealment", num_red_copies=num_red_copies),
        _variant(fec, "lbrr", "in-band FEC, neural concealment"),
        _variant(plain, "dred", "deep redundancy", dred=dred),
        _variant(fec, "dred+lbrr", "deep redundancy and in-band FEC", dred=dred),
    )


def _variant(scheme: Scheme, name: str, title: str, **changes: Any) -> Scheme:
    return replace(scheme, name=name, family=name, title=title, **changes)


SCHEME_NAMES = tuple(scheme.name for scheme in standard_schemes())
"""The names of `standard_schemes`."""


def find_schemes(names: Sequence[str], schemes: Sequence[Scheme]) -> tuple[Scheme, ...]:
    """Look schemes up by name, each once, in the order of the schemes.

    Raises:
        UsageError: No name, or an unknown one.
    """
    known = [scheme.name for scheme in schemes]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UsageError(f"schemes must be some of {', '.join(known)}, got {', '.join(unknown) or 'none'}")
    return tuple(scheme for scheme in schemes if scheme.name in names)
