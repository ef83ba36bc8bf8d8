"""The send path: PCM in, Opus packets with redundancy out.

    pcm -> frame -> Opus encoder ----------------------> extension -> packet
                '-> features -> RDO-VAE -> payload ----'

Networks come in by Protocol; `dred.assembly.build_sender` names them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dred.audio import BlockBuffer, StreamingResampler, as_block
from dred.bitstream import MIN_PAYLOAD_BYTES, WrittenPayload
from dred.opus import OpusEncoder, OpusEncoderConfig, pad_to_size
from dred.sender.config import SenderConfig
from dred.sender.guard import TailGuard
from dred.sender.history import RedundancyEncoder
from dred.sender.redundancy import Redundancy
from dred.timebase import RTP_TICKS_PER_MS

# The least that Opus needs to say anything at all.
_MIN_MAIN_BPS = 6_000
# The count of code 3, the padding's length, the extension's id and the guard's byte; one more per 254 of padding.
_EXTENSION_OVERHEAD_BYTES = 4
_BYTES_PER_LENGTH = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPacket:
    """One packet and what it is made of.

    Attributes:
        payload: The Opus packet.
        sequence: RTP sequence number, 16 bit.
        timestamp: RTP timestamp of its first sample, 48 kHz, 32 bit.
        duration_ms: How much speech the main stream holds.
        main_bytes: Bytes of the Opus packet without its extension.
        dred_bytes: Bytes that redundancy adds, its framing included.
        num_latents: Chunks of 40 ms in the redundancy.
    """

    payload: bytes
    sequence: int
    timestamp: int
    duration_ms: int
    main_bytes: int
    dred_bytes: int
    num_latents: int


class SendStream:
    """Speech to packets, block by block.

    Feed it with `push` and send what it yields; `finish` sends what is left, the codec's delay included.
    """

    def __init__(self, config: SenderConfig, redundancy_encoder: RedundancyEncoder | None) -> None:
        """Start a stream; the encoder may be None only if the configuration asks for no redundancy."""
        self.config = config
        rate_hz = config.codec_rate_hz
        self._resampler = None
        if rate_hz != config.rate_hz:
            self._resampler = StreamingResampler(from_hz=config.rate_hz, to_hz=rate_hz, num_channels=config.channels)
        self._frames = BlockBuffer(rate_hz * config.frame_ms // 1000, num_channels=config.channels)
        self._encoder = OpusEncoder(_encoder_config(config))
        self._redundancy = None
        if config.dred is not None:
            assert redundancy_encoder is not None, "redundancy needs the networks that describe speech"
            self._redundancy = Redundancy(
                config.dred,
                redundancy_encoder,
                rate_hz=rate_hz,
                lookahead_samples=self._encoder.lookahead_samples,
            )
        self._guard = TailGuard()
        self._sequence = config.sequence
        self._timestamp = config.timestamp

    @property
    def lookahead_samples(self) -> int:
        """How far a decoder's output lags the input, at the codec's rate."""
        return self._encoder.lookahead_samples

    def push(self, pcm: np.ndarray) -> Iterator[SentPacket]:
        """Take in samples and yield the packets they complete.

        Args:
            pcm: float32 or float64 in -1 to 1, or int16; [samples] or [samples, channels]; any number of samples.

        Raises:
            UsageError: The samples are not finite, or their type or channels do not fit.
        """
        block = as_block(pcm, self.config.channels)
        self._frames.push(self._resampler.push(block) if self._resampler else block)
        return self._encode_frames()

    def finish(self) -> Iterator[SentPacket]:
        """Yield the last packets: what is left, followed by silence until the codec's delay has run out."""
        if self._resampler is not None:
            self._frames.push(self._resampler.flush())
        num_left = self._frames.num_buffered_samples + self.lookahead_samples
        num_silent = self.lookahead_samples + -num_left % self._frames.frame_samples
        self._frames.push(np.zeros((num_silent, self.config.channels), np.float32))
        return self._encode_frames()

    def _encode_frames(self) -> Iterator[SentPacket]:
        while (frame := self._frames.pop()) is not None:
            yield self._encode_frame(frame)

    def _encode_frame(self, samples: np.ndarray) -> SentPacket:
        if self._redundancy is not None:
            self._redundancy.push(samples)
        if self.config.total_bitrate_bps is None:
            main = self._encoder.encode(samples)
            written = self._write(self.config.dred.max_bytes) if self.config.dred else None
            packet, written = self._attach(main, written)
        else:
            main, written, packet = self._encode_constant(samples, self.config.total_bitrate_bps)
        sent = SentPacket(
            payload=packet,
            sequence=self._sequence,
            timestamp=self._timestamp,
            duration_ms=self.config.frame_ms,
            main_bytes=len(main),
            dred_bytes=len(packet) - len(main) if written else 0,
            num_latents=written.num_latents if written else 0,
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + self.config.frame_ms * RTP_TICKS_PER_MS) & 0xFFFFFFFF
        return sent

    def _encode_constant(self, samples: np.ndarray, total_bps: int) -> tuple[bytes, WrittenPayload | None, bytes]:
        """Write the redundancy first and give the main stream exactly the bytes that are left."""
        total_bytes = total_bps * self.config.frame_ms // 8000
        main_bytes = total_bytes
        written = None
        if self._redundancy is not None:
            prefix_bytes = len(self._redundancy.version.prefix)
            least_main_bytes = -(-_MIN_MAIN_BPS * self.config.frame_ms // 8000)
            written = self._write(total_bytes - least_main_bytes - prefix_bytes - _overhead_bytes(total_bytes))
            if written is not None:
                taken_bytes = prefix_bytes + len(written.data)
                main_bytes -= taken_bytes + _overhead_bytes(taken_bytes)
        self._encoder.set_bitrate(main_bytes * 8000 // self.config.frame_ms)
        main = self._encoder.encode(samples, max_bytes=main_bytes)
        packet, written = self._attach(main, written)
        return main, written, pad_to_size(packet, total_bytes)

    def _write(self, max_bytes: int) -> WrittenPayload | None:
        if self._redundancy is None or max_bytes < MIN_PAYLOAD_BYTES:
            return None
        return self._redundancy.write(max_bytes=max_bytes)

    def _attach(self, main: bytes, written: WrittenPayload | None) -> tuple[bytes, WrittenPayload | None]:
        """Return the packet with its redundancy, and the redundancy, or the packet alone if it must go without."""
        if self._redundancy is None:
            return main, None
        payload = written.data if written else None
        packet = self._guard.attach(main, self._redundancy.version, payload)
        return packet, written if packet is not main else None


def _overhead_bytes(extension_bytes: int) -> int:
    return _EXTENSION_OVERHEAD_BYTES + extension_bytes // _BYTES_PER_LENGTH


def _encoder_config(config: SenderConfig) -> OpusEncoderConfig:
    return OpusEncoderConfig(
        rate_hz=config.codec_rate_hz,
        channels=config.channels,
        application=config.application,
        bitrate_bps=config.bitrate_bps,
        vbr=config.vbr and config.total_bitrate_bps is None,
        complexity=config.complexity,
        bandwidth=config.bandwidth,
        in_band_fec=config.in_band_fec,
        expected_loss_percent=config.expected_loss_percent,
        dtx=config.dtx,
        frame_duration_ms=config.frame_ms,
    )
