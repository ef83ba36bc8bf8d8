"""Audio enters, a file's packets leave: what `dred encode` does between reading and writing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.assembly import Sender
from dred.audio import to_mono
from dred.opus import strip_extensions
from dred.rtp import DEFAULT_RED_PAYLOAD_TYPE, PacketStream, RedBlock, RedSender, TimedPacket, parse_red
from dred.sender import SenderConfig, SentPacket
from dred.timebase import RTP_CLOCK_HZ, ms_to_rtp, samples_to_rtp
from dred.weights import WeightSet

__all__ = ["Outgoing", "as_channels", "encode_audio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """The packets and the bytes they are made of; the main stream's bytes include its LBRR."""

    stream: PacketStream
    main_bytes: int
    dred_bytes: int
    red_bytes: int

    def summarise(self) -> dict[str, float]:
        """Tell length and rates."""
        last = self.stream.packets[-1]
        duration_ms = last.arrival_ms
        return {
            "packets": len(self.stream.packets),
            "duration_ms": duration_ms,
            "opus_bps": round(8000 * self.main_bytes / duration_ms),
            "dred_bps": round(8000 * self.dred_bytes / duration_ms),
            "red_bps": round(8000 * self.red_bytes / duration_ms),
        }


def as_channels(
    samples: Float32[np.ndarray, "samples channels"], num_channels: int
) -> Float32[np.ndarray, "samples out_channels"]:
    """Give a signal another number of channels by way of their mean."""
    if samples.shape[1] == num_channels:
        return samples
    return np.repeat(to_mono(samples)[:, None], num_channels, axis=1)


def encode_audio(
    samples: Float32[np.ndarray, "samples channels"],
    config: SenderConfig,
    *,
    num_copies: int,
    weights: WeightSet | None,
    report: Callable[[float], None],
) -> Outgoing:
    """Encode a whole signal.

    Args:
        samples: With the configuration's rate and channels.
        config: What to send.
        num_copies: RED copies in each packet, 0 to 9.
        weights: The networks; by default the installed ones.
        report: Called with the share that is done, 0 to 1.

    Raises:
        UsageError: num_copies is out of range.
        ModelError: There are no weights, or they speak another version.
    """
    red = RedSender(num_copies, strip=strip_extensions)
    sender = Sender(config, weights)
    sent: list[SentPacket] = []
    # Blocks of a second, so that progress can be seen.
    for start in range(0, len(samples), config.rate_hz):
        sent.extend(sender.push(samples[start : start + config.rate_hz]))
        report(start / len(samples))
    sent.extend(sender.finish())
    packets = tuple(_timed(packet, number, red) for number, packet in enumerate(sent))
    pre_skip = samples_to_rtp(sender.lookahead_samples, config.codec_rate_hz)
    total = len(sent) * ms_to_rtp(config.frame_ms)
    # Resampling rounds, so the packets may hold one sample less.
    num_samples_48k = min(round(len(samples) * RTP_CLOCK_HZ / config.rate_hz), total - pre_skip)
    return Outgoing(
        stream=PacketStream(
            packets=packets, channels=config.channels, pre_skip=pre_skip, num_samples_48k=num_samples_48k
        ),
        main_bytes=sum(packet.main_bytes for packet in sent),
        dred_bytes=sum(packet.dred_bytes for packet in sent),
        red_bytes=sum(len(copy.payload) for packet in packets for copy in packet.redundant),
    )


def _timed(packet: SentPacket, number: int, red: RedSender) -> TimedPacket:
    timestamp = number * ms_to_rtp(packet.duration_ms)
    return TimedPacket(
        sequence=number,
        timestamp=timestamp,
        # A packet can leave when its last sample has been heard.
        arrival_ms=float((number + 1) * packet.duration_ms),
        payload=packet.payload,
        redundant=tuple(_copies(red, packet.payload, timestamp)),
    )


def _copies(red: RedSender, payload: bytes, timestamp: int) -> Sequence[RedBlock]:
    payload_type, red_payload = red.send(payload, timestamp)
    return parse_red(red_payload)[0] if payload_type == DEFAULT_RED_PAYLOAD_TYPE else ()
