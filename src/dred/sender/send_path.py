"""The send path around its networks: PCM in, Opus packets with redundancy out, packet by packet.

    pcm -> feed -> frames -> start_packet -> steps of 20 ms -> (the networks) -> remember -> finish_packet -> packet

One stream runs its networks between the two halves of a packet; a bank of streams runs them for all streams at once.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.audio import BlockBuffer, StreamingResampler, as_block
from dred.bitstream import MIN_PAYLOAD_BYTES, PayloadTables
from dred.errors import UsageError
from dred.opus import OpusEncoder, OpusEncoderConfig, pad_to_size
from dred.sender.config import SenderConfig
from dred.sender.level_bits import LevelBits
from dred.sender.plan import RedundancyPlan, first_plan
from dred.sender.redundancy import Redundancy
from dred.timebase import RTP_TICKS_PER_MS

__all__ = ["SendPath", "SentPacket"]

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
        level_bits: What the newest speech costs at each quality level of redundancy, sent or not; measured for one
            packet in ten of a stream that can have redundancy, unless it is silent.
        is_speech: Whether its newest 20 ms may hold speech: neither silence nor a steady, faint noise. Only a stream
            that can have redundancy tells; of others every packet may.
    """

    payload: bytes
    sequence: int
    timestamp: int
    duration_ms: int
    main_bytes: int
    dred_bytes: int
    num_latents: int
    level_bits: LevelBits | None = None
    is_speech: bool = True


class SendPath:
    """One stream, without its networks."""

    def __init__(self, config: SenderConfig, tables: PayloadTables | None) -> None:
        """Start a stream.

        Args:
            config: What to send.
            tables: Those of the networks; None if there is to be no redundancy.
        """
        self.config = config
        rate_hz = config.codec_rate_hz
        self._resampler = None
        if rate_hz != config.rate_hz:
            self._resampler = StreamingResampler(from_hz=config.rate_hz, to_hz=rate_hz, num_channels=config.channels)
        self._frames = BlockBuffer(rate_hz * config.frame_ms // 1000, num_channels=config.channels)
        self._encoder = OpusEncoder(_encoder_config(config))
        self._redundancy = None
        if config.dred is not None:
            assert tables is not None, "redundancy needs the networks that describe speech"
            self._redundancy = Redundancy(
                config.dred, tables, rate_hz=rate_hz, lookahead_samples=self._encoder.lookahead_samples
            )
        self._plan = first_plan(config)
        self._sequence = config.sequence
        self._timestamp = config.timestamp
        self._frame: np.ndarray | None = None

    @property
    def lookahead_samples(self) -> int:
        """How far a decoder's output lags the input, at the codec's rate."""
        return self._encoder.lookahead_samples

    def apply(self, plan: RedundancyPlan) -> None:
        """Send the next packets as a plan says. The stream goes on: nothing that was sent or heard is forgotten.

        Raises:
            UsageError: The stream has one rate for everything (total_bitrate_bps), the plan asks for redundancy and the
                stream has no networks, or for another version.
        """
        if self.config.total_bitrate_bps is not None:
            raise UsageError("a stream with a total_bitrate_bps keeps it")
        if self._redundancy is not None:
            self._redundancy.change(plan.dred)
        elif plan.dred is not None:
            raise UsageError("a stream that starts without dred has no networks for it")
        if plan.bitrate_bps != self._plan.bitrate_bps:
            self._encoder.set_bitrate(plan.bitrate_bps)
        if plan.in_band_fec != self._plan.in_band_fec:
            self._encoder.set_in_band_fec(plan.in_band_fec)
        if plan.expected_loss_percent != self._plan.expected_loss_percent:
            self._encoder.set_expected_loss(plan.expected_loss_percent)
        self._plan = plan

    def feed(self, pcm: np.ndarray) -> None:
        """Take in samples.

        Args:
            pcm: float32 or float64 in -1 to 1, or int16; [samples] or [samples, channels]; any number of samples.

        Raises:
            UsageError: The samples are not finite, or their type or channels do not fit.
        """
        self._frames.push(self._resampler.push(as_block(pcm, self.config.channels)) if self._resampler else pcm)

    def feed_end(self) -> None:
        """Follow up what was fed by silence until the codec's delay has run out."""
        if self._resampler is not None:
            self._frames.push(self._resampler.flush())
        num_left = self._frames.num_buffered_samples + self.lookahead_samples
        num_silent = self.lookahead_samples + -num_left % self._frames.frame_samples
        self._frames.push(np.zeros((num_silent, self.config.channels), np.float32))

    def start_packet(self) -> list[Float32[np.ndarray, " 320"]] | None:
        """Begin the next packet, if there are samples for it.

        Returns:
            What the networks have to hear for it, oldest first, 16 kHz on the int16 scale; None if there is no packet.
        """
        self._frame = self._frames.pop()
        if self._frame is None:
            return None
        return self._redundancy.take_in(self._frame) if self._redundancy else []

    def remember(self, latent: Float32[np.ndarray, " latent"], state: Float32[np.ndarray, " state"]) -> None:
        """Take what the networks made of the next step of the packet that has begun."""
        assert self._redundancy is not None, "without redundancy there are no steps"
        self._redundancy.remember(latent, state)

    def finish_packet(self) -> SentPacket:
        """Encode the packet that has begun; what its steps gave is remembered."""
        samples = self._frame
        assert samples is not None, "a packet has begun"
        if self.config.total_bitrate_bps is None:
            main = self._encoder.encode(samples)
            packet, num_latents = self._redundancy.protect(main) if self._redundancy else (main, 0)
        else:
            main, packet, num_latents = self._encode_constant(samples, self.config.total_bitrate_bps)
        sent = SentPacket(
            payload=packet,
            sequence=self._sequence,
            timestamp=self._timestamp,
            duration_ms=self.config.frame_ms,
            main_bytes=len(main),
            dred_bytes=len(packet) - len(main) if num_latents else 0,
            num_latents=num_latents,
            level_bits=self._redundancy.measure_levels() if self._redundancy else None,
            is_speech=self._redundancy.is_active if self._redundancy else True,
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + self.config.frame_ms * RTP_TICKS_PER_MS) & 0xFFFFFFFF
        return sent

    def _encode_constant(self, samples: np.ndarray, total_bps: int) -> tuple[bytes, bytes, int]:
        """Write the redundancy first and give the main stream exactly the bytes that are left.

        Returns:
            The main stream's packet, the whole packet, and the latents in it.
        """
        total_bytes = total_bps * self.config.frame_ms // 8000
        main_bytes = total_bytes
        written = None
        if self._redundancy is not None:
            prefix_bytes = len(self._redundancy.version.prefix)
            least_main_bytes = -(-_MIN_MAIN_BPS * self.config.frame_ms // 8000)
            max_bytes = total_bytes - least_main_bytes - prefix_bytes - _overhead_bytes(total_bytes)
            written = self._redundancy.write(max_bytes=max_bytes) if max_bytes >= MIN_PAYLOAD_BYTES else None
            if written is not None:
                taken_bytes = prefix_bytes + len(written.data)
                main_bytes -= taken_bytes + _overhead_bytes(taken_bytes)
        self._encoder.set_bitrate(main_bytes * 8000 // self.config.frame_ms)
        main = self._encoder.encode(samples, max_bytes=main_bytes)
        packet, num_latents = main, 0
        if self._redundancy is not None and written is not None:
            packet = self._redundancy.attach(main, written)
            num_latents = 0 if packet is main else written.num_latents
        return main, pad_to_size(packet, total_bytes), num_latents


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
