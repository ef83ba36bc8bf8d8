"""What the ends of an RTP session are asked to do."""

from dataclasses import dataclass, field

from dred.errors import UsageError
from dred.receiver import ReceiverConfig
from dred.rtp import DEFAULT_OPUS_PAYLOAD_TYPE, DEFAULT_RED_PAYLOAD_TYPE, MAX_RED_COPIES, MULTIPLEX_FORBIDDEN_TYPES
from dred.sender import SenderConfig

__all__ = ["RTP_HEADER_BYTES", "RtpReceiverConfig", "RtpSenderConfig"]

RTP_HEADER_BYTES = 12
_MAX_CNAME_BYTES = 255
# Room for the smallest packets that make sense; and what UDP over IPv4 can carry.
_MTU_RANGE_BYTES = (200, 65_507)


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpReceiverConfig:
    """How a stream is received.

    Attributes:
        stream: How packets become speech.
        opus_payload_type: 0-127, of Opus.
        red_payload_type: 0-127, of RED around Opus, or None if RED is not understood.
        ssrc: Under which reports are sent, 32 bit; by default a random one.
        cname: Canonical name in reports, up to 255 bytes. Source: RFC 7022: random names give nobody away.
        min_sequential: Packets in a row that make a source one, 1 to 100.
        takeover_ms: After so long without a packet of the source that is heard, another one may take its place.
        report_interval_ms: Mean time between reports, at least 100.
        max_packets_per_s: Packets of the heard source taken in; bursts of twice as many pass.
        max_strangers_per_s: Packets of other sources looked at, RTCP included; likewise.
        max_candidates: Other sources remembered at a time.
        unix_ms_at_zero: Unix time in milliseconds when `now` was 0; only differences matter here.
    """

    stream: ReceiverConfig = field(default_factory=ReceiverConfig)
    opus_payload_type: int = DEFAULT_OPUS_PAYLOAD_TYPE
    red_payload_type: int | None = DEFAULT_RED_PAYLOAD_TYPE
    ssrc: int | None = None
    cname: str = "dred"
    min_sequential: int = 2
    takeover_ms: float = 1_000.0
    report_interval_ms: float = 1_000.0
    # The shortest packets come 400 times a second.
    max_packets_per_s: int = 1_000
    max_strangers_per_s: int = 1_000
    max_candidates: int = 64
    unix_ms_at_zero: float = 0.0

    def __post_init__(self) -> None:
        _check_payload_types(self.opus_payload_type, self.red_payload_type)
        _check_identity(self.ssrc, self.cname)
        _check_range("min_sequential", self.min_sequential, 1, 100)
        _check_range("takeover_ms", self.takeover_ms, 0, 3_600_000)
        _check_range("report_interval_ms", self.report_interval_ms, 100, 3_600_000)
        for name in ("max_packets_per_s", "max_strangers_per_s", "max_candidates"):
            _check_range(name, getattr(self, name), 1, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpSenderConfig:
    """How a stream is sent.

    Attributes:
        stream: How speech becomes packets.
        opus_payload_type: 0-127, of Opus.
        red_payload_type: 0-127, of RED around Opus, or None if the other side does not understand RED.
        num_red_copies: Copies of previous packets in each packet, 0 to 9; a controller may change it.
        ssrc: 32 bit; by default a random one.
        cname: Canonical name in reports, up to 255 bytes.
        mtu_bytes: Largest RTP packet, its header included; encryption comes on top. Copies that exceed it are left
            out, then redundancy.
        report_interval_ms: Mean time between reports, at least 100.
        max_reports_per_s: Datagrams from the other side that are looked at.
        unix_ms_at_zero: Unix time in milliseconds when `now` was 0, told by sender reports.
    """

    stream: SenderConfig = field(default_factory=SenderConfig)
    opus_payload_type: int = DEFAULT_OPUS_PAYLOAD_TYPE
    red_payload_type: int | None = DEFAULT_RED_PAYLOAD_TYPE
    num_red_copies: int = 0
    ssrc: int | None = None
    cname: str = "dred"
    # libwebrtc's limit too.
    mtu_bytes: int = 1_200
    report_interval_ms: float = 1_000.0
    max_reports_per_s: int = 50
    unix_ms_at_zero: float = 0.0

    def __post_init__(self) -> None:
        _check_payload_types(self.opus_payload_type, self.red_payload_type)
        _check_identity(self.ssrc, self.cname)
        _check_range("num_red_copies", self.num_red_copies, 0, MAX_RED_COPIES)
        if self.num_red_copies and self.red_payload_type is None:
            raise UsageError("num_red_copies needs a red_payload_type")
        _check_range("mtu_bytes", self.mtu_bytes, *_MTU_RANGE_BYTES)
        _check_range("report_interval_ms", self.report_interval_ms, 100, 3_600_000)
        _check_range("max_reports_per_s", self.max_reports_per_s, 1, 100_000)


def _check_payload_types(opus_payload_type: int, red_payload_type: int | None) -> None:
    for payload_type in (opus_payload_type, red_payload_type):
        if payload_type is not None and (not 0 <= payload_type <= 127 or payload_type in MULTIPLEX_FORBIDDEN_TYPES):
            raise UsageError(
                f"payload types beside RTCP on one port lie in 0-63 or 96-127, got {payload_type} "
                "(64-95 look like RTCP)"
            )
    if opus_payload_type == red_payload_type:
        raise UsageError(f"Opus and RED need two payload types, got {opus_payload_type} for both")


def _check_identity(ssrc: int | None, cname: str) -> None:
    if ssrc is not None:
        _check_range("ssrc", ssrc, 0, 0xFFFFFFFF)
    if len(cname.encode()) > _MAX_CNAME_BYTES:
        raise UsageError(f"cname must have up to {_MAX_CNAME_BYTES} bytes, got {len(cname.encode())}")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} must be {low} to {high}, got {value}")
