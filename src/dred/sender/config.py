"""What a sender is asked to do."""

from dataclasses import dataclass, field
from typing import Literal

from dred.bitstream import MAX_LATENTS, MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES, NUM_LEVELS, VERSION_NAMES
from dred.errors import UsageError
from dred.timebase import CHUNK_MS, OPUS_RATES_HZ

_MAX_DURATION_MS = MAX_LATENTS * CHUNK_MS
_FRAME_DURATIONS_MS = (10, 20, 40, 60)

Application = Literal["voip", "audio", "lowdelay"]
Bandwidth = Literal["narrow", "medium", "wide", "superwide", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DredConfig:
    """How much redundancy each packet carries, and how fine it is.

    Attributes:
        duration_ms: How much past speech, 20 to 1040.
        version: The payload's version: "12" (libopus 1.6), "10" (libopus 1.5), "final", or "201" for networks of dred's
            own, which nothing but dred reads. None for the one that the weights speak.
        q0: Quality level of the newest speech, 0 (finest) to 15.
        dq: Slope index, 0 to 7: how fast older speech gets coarser.
        qmax: Coarsest level, q0 + 1 to 15; of no effect with dq 0.
        max_bytes: Most bytes a payload may take, 8 to 1000, without the extension's own few bytes.
    """

    duration_ms: int = 1000
    version: str | None = None
    q0: int = 6
    dq: int = 5
    qmax: int = 15
    max_bytes: int = MAX_PAYLOAD_BYTES

    def __post_init__(self) -> None:
        _check_range("duration_ms", self.duration_ms, 20, _MAX_DURATION_MS)
        if self.version not in (None, *VERSION_NAMES):
            raise UsageError(f"version must be one of {', '.join(VERSION_NAMES)} or None, got {self.version!r}")
        _check_range("q0", self.q0, 0, NUM_LEVELS - 1)
        _check_range("dq", self.dq, 0, 7)
        _check_range("qmax", self.qmax, self.q0, NUM_LEVELS - 1)
        if self.dq > 0 and self.qmax == self.q0 < NUM_LEVELS - 1:
            raise UsageError(f"qmax must be {self.q0 + 1} to 15 for q0 {self.q0}; for a constant level use dq 0")
        _check_range("max_bytes", self.max_bytes, MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES)

    @property
    def num_latents(self) -> int:
        """Most latents of 40 ms a packet takes: the duration and what the vocoder's look-ahead needs."""
        return min((self.duration_ms + 50) // CHUNK_MS, MAX_LATENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderConfig:
    """How speech becomes packets.

    Attributes:
        rate_hz: Rate of the samples pushed in; a rate that Opus lacks is resampled to 48 kHz.
        channels: 1 or 2; redundancy describes the mean of both.
        bitrate_bps: Rate of the main Opus stream, 6000 to 510000; redundancy comes on top of it.
        total_bitrate_bps: If given, every packet has exactly this rate: redundancy first, the main stream gets the
            rest, and bitrate_bps and vbr are not used.
        frame_ms: Length of a packet: 10, 20, 40 or 60.
        application: Opus's tuning.
        complexity: Opus encoder complexity, 0 to 10.
        vbr: Whether the main stream's rate follows the speech.
        bandwidth: Audio bandwidth, or None to let Opus choose.
        in_band_fec: Whether each packet repeats the one before it (LBRR).
        expected_loss_percent: 0 to 100; LBRR's rate depends on it.
        dtx: Whether Opus stops sending in silence.
        dred: The redundancy, or None to send plain Opus.
        sequence: First sequence number, 0 to 65535.
        timestamp: First RTP timestamp, 0 to 2**32 - 1.
    """

    rate_hz: int = 48_000
    channels: int = 1
    bitrate_bps: int = 24_000
    total_bitrate_bps: int | None = None
    frame_ms: int = 20
    application: Application = "voip"
    complexity: int = 9
    vbr: bool = True
    bandwidth: Bandwidth | None = None
    in_band_fec: bool = False
    expected_loss_percent: int = 0
    dtx: bool = False
    dred: DredConfig | None = field(default_factory=DredConfig)
    sequence: int = 0
    timestamp: int = 0

    def __post_init__(self) -> None:
        _check_range("rate_hz", self.rate_hz, 8_000, 192_000)
        _check_range("channels", self.channels, 1, 2)
        _check_range("bitrate_bps", self.bitrate_bps, 6_000, 510_000)
        if self.total_bitrate_bps is not None:
            _check_range("total_bitrate_bps", self.total_bitrate_bps, 8_000, 510_000)
        if self.frame_ms not in _FRAME_DURATIONS_MS:
            raise UsageError(f"frame_ms must be one of {_FRAME_DURATIONS_MS}, got {self.frame_ms}")
        _check_range("complexity", self.complexity, 0, 10)
        _check_range("expected_loss_percent", self.expected_loss_percent, 0, 100)
        _check_range("sequence", self.sequence, 0, 0xFFFF)
        _check_range("timestamp", self.timestamp, 0, 0xFFFFFFFF)

    @property
    def codec_rate_hz(self) -> int:
        """The rate at which Opus encodes."""
        return self.rate_hz if self.rate_hz in OPUS_RATES_HZ else OPUS_RATES_HZ[-1]


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} must be {low} to {high}, got {value}")
