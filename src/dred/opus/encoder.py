"""PCM to Opus packets, by libopus.

PCM of one packet's duration enters; the packet leaves. The settings are an `OpusEncoderConfig`.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Float32, Int16

from dred.errors import LibopusError, UsageError
from dred.opus.codec_state import CodecState
from dred.opus.libopus import Libopus, load_libopus
from dred.opus.native import APPLICATION_VOIP, Request
from dred.opus.toc import Bandwidth, Mode
from dred.timebase import OPUS_RATES_HZ, ms_to_samples

Application = Literal["voip", "audio", "lowdelay"]
Signal = Literal["voice", "music"]

# Six 20 ms frames, the most that a 120 ms packet of the largest frames has: TOC, count, five lengths, six frames.
MAX_ENCODED_BYTES: Final = 2 + 5 * 2 + 6 * 1275
MAX_DRED_FRAMES: Final = 104
FRAME_DURATIONS_MS: Final = (2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0)
MIN_BITRATE_BPS: Final = 500
MAX_BITRATE_BPS: Final = 512_000

_AUTO: Final = -1000
_APPLICATIONS: Final[dict[str, int]] = {"voip": APPLICATION_VOIP, "audio": 2049, "lowdelay": 2051}
_SIGNALS: Final[dict[str, int]] = {"voice": 3001, "music": 3002}
_BANDWIDTHS: Final[dict[str, int]] = {"narrow": 1101, "medium": 1102, "wide": 1103, "superwide": 1104, "full": 1105}
_MODES: Final[dict[str, int]] = {"silk": 1000, "hybrid": 1001, "celt": 1002}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpusEncoderConfig:
    """Settings of an encoder. None leaves the choice to libopus.

    Attributes:
        rate_hz: Sample rate of the PCM: 8, 12, 16, 24 or 48 kHz.
        channels: 1 or 2.
        application: What to favour: speech, fidelity, or delay (no SILK).
        bitrate_bps: 500 to 512,000 bits per second.
        vbr: Let packets vary in size; otherwise all are alike.
        constrained_vbr: Bound the variation to what a constant-rate link can buffer.
        complexity: 0 (fast) to 10.
        bandwidth: The coded bandwidth.
        in_band_fec: Send LBRR, if the expected loss makes it worth while.
        expected_loss_percent: 0 to 100.
        dtx: Send next to nothing in silence: packets of at most 2 bytes need not be sent.
        frame_duration_ms: Duration of a packet: 2.5, 5, 10, 20, 40, 60, 80, 100 or 120 ms.
        signal: A hint at what the PCM holds.
        force_mode: The coding layers, whatever libopus would choose (a private setting of libopus).
    """

    rate_hz: int = 16_000
    channels: int = 1
    application: Application = "voip"
    bitrate_bps: int = 24_000
    vbr: bool = True
    constrained_vbr: bool = True
    complexity: int = 9
    bandwidth: Bandwidth | None = None
    in_band_fec: bool = False
    expected_loss_percent: int = 0
    dtx: bool = False
    frame_duration_ms: float | int = 20
    signal: Signal | None = None
    force_mode: Mode | None = None

    def __post_init__(self) -> None:
        _check_choice("sample rate in Hz", self.rate_hz, OPUS_RATES_HZ)
        _check_choice("number of channels", self.channels, (1, 2))
        _check_choice("application", self.application, tuple(_APPLICATIONS))
        _check_choice("bandwidth", self.bandwidth, (None, *_BANDWIDTHS))
        _check_choice("frame duration in ms", self.frame_duration_ms, FRAME_DURATIONS_MS)
        _check_choice("signal", self.signal, (None, *_SIGNALS))
        _check_choice("forced mode", self.force_mode, (None, *_MODES))
        _check_range("bitrate in bit/s", self.bitrate_bps, MIN_BITRATE_BPS, MAX_BITRATE_BPS)
        _check_range("complexity", self.complexity, 0, 10)
        _check_range("expected loss in percent", self.expected_loss_percent, 0, 100)
        if self.application == "lowdelay" and self.force_mode in ("silk", "hybrid"):
            raise UsageError(f"the lowdelay application has no {self.force_mode} mode, only celt")

    @property
    def packet_samples(self) -> int:
        """Number of samples per channel in a packet."""
        return ms_to_samples(float(self.frame_duration_ms), self.rate_hz)


class OpusEncoder(CodecState):
    """An Opus encoder with its memory of the signal. One thread at a time; no copies.

    Args:
        config: The settings.
        library: The libopus to use; None for the default one.

    Raises:
        LibopusError: There is no libopus, or it refuses a setting.
    """

    def __init__(self, config: OpusEncoderConfig, library: Libopus | None = None) -> None:
        application = _APPLICATIONS[config.application]
        super().__init__(library or load_libopus(), "encoder", config.rate_hz, config.channels, application)
        self.config = config
        # Both lie at one place, whose address is asked for once.
        self._packet = np.empty(MAX_ENCODED_BYTES, np.uint8)
        self._packet_address = self._packet.ctypes.data
        self._pcm = np.empty((config.packet_samples, config.channels), np.float32)
        self._pcm_address = self._pcm.ctypes.data
        self._encode_float = self._library.functions.opus_encode_float
        self._set(Request.SET_BITRATE, config.bitrate_bps)
        self._set(Request.SET_VBR, config.vbr)
        self._set(Request.SET_VBR_CONSTRAINT, config.constrained_vbr)
        self._set(Request.SET_COMPLEXITY, config.complexity)
        self._set(Request.SET_BANDWIDTH, _BANDWIDTHS[config.bandwidth] if config.bandwidth else _AUTO)
        self._set(Request.SET_IN_BAND_FEC, config.in_band_fec)
        self._set(Request.SET_EXPECTED_LOSS, config.expected_loss_percent)
        self._set(Request.SET_DTX, config.dtx)
        self._set(Request.SET_SIGNAL, _SIGNALS[config.signal] if config.signal else _AUTO)
        self._set(Request.SET_FORCE_MODE, _MODES[config.force_mode] if config.force_mode else _AUTO)

    @property
    def lookahead_samples(self) -> int:
        """Delay of the decoded signal against the PCM, in samples at the encoder's rate."""
        return self._get(Request.GET_LOOKAHEAD)

    def encode(
        self,
        pcm: Float32[np.ndarray, "samples *channels"] | Int16[np.ndarray, "samples *channels"],
        max_bytes: int = MAX_ENCODED_BYTES,
    ) -> bytes:
        """Encode one packet.

        Args:
            pcm: `config.packet_samples` samples, [samples] for mono or [samples, channels]; floats within -1 to 1.
            max_bytes: The most that the packet may have, 1 to 7662.

        Raises:
            UsageError: The PCM's shape or type, or the size, is out of range.
            LibopusError: libopus refuses, for one because the packet does not fit into `max_bytes`.
        """
        _check_range("size of a packet in bytes", max_bytes, 1, MAX_ENCODED_BYTES)
        num_samples, channels = self.config.packet_samples, self.config.channels
        if pcm.shape != (num_samples, channels) and not (channels == 1 and pcm.shape == (num_samples,)):
            raise UsageError(f"a packet takes PCM of shape {(num_samples, channels)}, not {pcm.shape}")
        if pcm.dtype == np.float32:
            self._pcm[:] = pcm.reshape(num_samples, channels)
            encode, address = self._encode_float, self._pcm_address
        elif pcm.dtype == np.int16:
            pcm = np.ascontiguousarray(pcm)
            encode, address = self._library.functions.opus_encode, pcm.ctypes.data
        else:
            raise UsageError(f"PCM is float32 or int16, not {pcm.dtype}")
        size = encode(self._pointer, address, num_samples, self._packet_address, max_bytes)
        if size < 0:
            self._library.check(size, f"encode a packet of {max_bytes} bytes")
        return self._packet[:size].tobytes()

    def set_bitrate(self, bitrate_bps: int) -> None:
        """Change the bitrate from the next packet on: 500 to 512,000 bits per second."""
        _check_range("bitrate in bit/s", bitrate_bps, MIN_BITRATE_BPS, MAX_BITRATE_BPS)
        self._set(Request.SET_BITRATE, bitrate_bps)

    def set_expected_loss(self, percent: int) -> None:
        """Change the expected packet loss from the next packet on: 0 to 100."""
        _check_range("expected loss in percent", percent, 0, 100)
        self._set(Request.SET_EXPECTED_LOSS, percent)

    def set_in_band_fec(self, is_on: bool) -> None:
        """Let each packet repeat the one before it, or not, from the next packet on."""
        self._set(Request.SET_IN_BAND_FEC, is_on)

    def set_dred_duration(self, frames_10ms: int) -> None:
        """Let libopus itself add DRED about this many 10 ms frames, 0 to 104. It needs an expected loss to do so.

        Raises:
            LibopusError: This libopus is built without DRED.
        """
        _check_range("DRED duration in 10 ms frames", frames_10ms, 0, MAX_DRED_FRAMES)
        if not self._library.capabilities.native_dred:
            raise LibopusError(f"{self._library.capabilities.version} is built without DRED")
        self._set(Request.SET_DRED_DURATION, frames_10ms)


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise UsageError(f"the {name} is one of {', '.join(map(str, choices))}, not {value}")


def _check_range(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise UsageError(f"the {name} is {lowest} to {highest}, not {value}")
