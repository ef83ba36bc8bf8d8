"""What a redundancy controller may do."""

from dataclasses import dataclass
from math import isfinite

from dred.bitstream import MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES, NUM_LEVELS, VERSION_NAMES
from dred.errors import UsageError
from dred.sender.config import SenderConfig

__all__ = ["LEAST_MAIN_BPS", "TOLERANCE", "ControllerConfig", "limits_of"]

TOLERANCE = 0.02
"""By what share of the budget a plan may exceed it before it is left: so that not every breath brings another."""

LEAST_MAIN_BPS = 6_000
"""The least that Opus needs to say anything at all."""

_BITRATE_RANGE_BPS = (LEAST_MAIN_BPS, 510_000)
_MAX_RED_COPIES = 9
_FRAME_DURATIONS_MS = (10, 20, 40, 60)
_MAX_DURATION_MS = 1040
_MAX_MS = 3_600_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerConfig:
    """How much there is to spend, and on what.

    Attributes:
        total_bps: The most that a stream may take while somebody speaks, in the mean over seconds: Opus, copies,
            redundancy, and `header_bytes` per packet; 6000 to 2,000,000. A plan that is followed may take up to
            `1 + TOLERANCE` times as much before another takes its place.
        header_bytes: What counts per packet besides its payload: 12 of RTP, 40 with UDP and IPv4, 60 with IPv6.
        mtu_bytes: Largest RTP packet, its header included; redundancy keeps within it.
        frame_ms: Length of a packet: 10, 20, 40 or 60.
        least_main_bps: Of Opus without LBRR, at least 6000; less is not worth protecting. Where the budget is too small
            for it, Opus goes alone, with what there is.
        most_main_bps: Of Opus without LBRR, up to 510000.
        allow_lbrr: Whether Opus may repeat packets (LBRR).
        max_red_copies: Whole copies of earlier packets at most, 0 to 9; 0 if the other side does not understand RED.
        allow_dred: Whether there may be deep redundancy; if not, none at all.
        min_duration_ms: What deep redundancy covers at least, if there is any: 20 to 1040.
        max_duration_ms: At most.
        finest_level: Finest quality level of redundancy, 0 to 15.
        coarsest_level: Coarsest one that the newest speech may have, up to 15.
        max_dred_bytes: Of a payload of redundancy at most, 8 to 1000, without its framing.
        dred_version: A version of the payload, as the stream has it; None for the one that its weights speak.
        least_gain_per_kbps: PLCMOS that one more kb/s must be expected to bring: the price of bits. 0 spends them all.
        least_gain: PLCMOS that a change must be expected to bring.
        expected_loss: A loss that is always reckoned with, 0 to 1, whatever is reported: bursts come unannounced.
        expected_burst: Its mean burst in packets of 20 ms, 1 to 50; with other lengths it lasts as long.
        unheard_loss: Likewise, while nobody reports.
        interval_ms: Time between decisions.
        rise_ms: Time constant with which losses are believed.
        fall_ms: Time constant with which they are forgotten, at least as long.
        patience_ms: After so long without a report nobody counts as listening.
    """

    total_bps: int = 48_000
    header_bytes: int = 12
    mtu_bytes: int = 1_200
    frame_ms: int = 20
    least_main_bps: int = 12_000
    most_main_bps: int = 64_000
    allow_lbrr: bool = True
    max_red_copies: int = 0
    allow_dred: bool = True
    min_duration_ms: int = 100
    max_duration_ms: int = 1_000
    finest_level: int = 0
    coarsest_level: int = 13
    max_dred_bytes: int = MAX_PAYLOAD_BYTES
    dred_version: str | None = None
    least_gain_per_kbps: float = 0.002
    least_gain: float = 0.01
    expected_loss: float = 0.01
    expected_burst: float = 4.0
    unheard_loss: float = 0.05
    interval_ms: float = 1_000.0
    rise_ms: float = 1_000.0
    fall_ms: float = 5_000.0
    patience_ms: float = 10_000.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("total_bps", _BITRATE_RANGE_BPS[0], 2_000_000),
            ("header_bytes", 0, 200),
            ("mtu_bytes", 200, 65_507),
            ("least_main_bps", *_BITRATE_RANGE_BPS),
            ("most_main_bps", self.least_main_bps, _BITRATE_RANGE_BPS[1]),
            ("max_red_copies", 0, _MAX_RED_COPIES),
            ("min_duration_ms", 20, _MAX_DURATION_MS),
            ("max_duration_ms", self.min_duration_ms, _MAX_DURATION_MS),
            ("finest_level", 0, NUM_LEVELS - 1),
            ("coarsest_level", self.finest_level, NUM_LEVELS - 1),
            ("max_dred_bytes", MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES),
            ("least_gain_per_kbps", 0, 1),
            ("least_gain", 0, 1),
            ("expected_loss", 0, 1),
            ("expected_burst", 1, 50),
            ("unheard_loss", 0, 1),
            ("interval_ms", 20, _MAX_MS),
            ("rise_ms", 20, _MAX_MS),
            ("fall_ms", self.rise_ms, _MAX_MS),
            ("patience_ms", 100, _MAX_MS),
        ):
            value = getattr(self, name)
            if not (isfinite(value) and low <= value <= high):
                raise UsageError(f"{name} must be {low} to {high}, got {value}")
        if self.frame_ms not in _FRAME_DURATIONS_MS:
            raise UsageError(f"frame_ms must be one of {_FRAME_DURATIONS_MS}, got {self.frame_ms}")
        if self.dred_version not in (None, *VERSION_NAMES):
            names = ", ".join(VERSION_NAMES)
            raise UsageError(f"dred_version must be one of {names} or None, got {self.dred_version!r}")


def limits_of(
    stream: SenderConfig,
    *,
    total_bps: int,
    header_bytes: int = 12,
    mtu_bytes: int = 1_200,
    allow_lbrr: bool = True,
    max_red_copies: int = 0,
) -> ControllerConfig:
    """Return limits within which a stream gets no more Opus and redundancy than it is configured to have.

    Of redundancy that is its duration and its bytes: how fine it is, is decided. The loss that the stream is configured
    to expect is reckoned with while nobody reports.

    Raises:
        UsageError: A number is outside its range.
    """
    fallback = ControllerConfig()
    dred = stream.dred
    longest_ms = fallback.max_duration_ms if dred is None else dred.duration_ms
    return ControllerConfig(
        total_bps=total_bps,
        header_bytes=header_bytes,
        mtu_bytes=mtu_bytes,
        frame_ms=stream.frame_ms,
        least_main_bps=min(fallback.least_main_bps, stream.bitrate_bps),
        most_main_bps=stream.bitrate_bps,
        allow_lbrr=allow_lbrr,
        max_red_copies=max_red_copies,
        allow_dred=dred is not None,
        min_duration_ms=min(fallback.min_duration_ms, longest_ms),
        max_duration_ms=longest_ms,
        max_dred_bytes=fallback.max_dred_bytes if dred is None else dred.max_bytes,
        unheard_loss=max(fallback.unheard_loss, stream.expected_loss_percent / 100),
        dred_version=fallback.dred_version if dred is None else dred.version,
    )
