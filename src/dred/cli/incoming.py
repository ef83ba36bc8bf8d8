"""A file's packets enter, audio in step with the encoder's input leaves: what `dred decode` does in between."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from dred.errors import OpusFormatError, UsageError
from dred.offline import ArrivedPacket, recover_stream
from dred.opus import packet_duration_rtp
from dred.receiver import Event, PacketDropped, Played, ReceiverConfig, RedundancyRefused, Source
from dred.rtp import PacketStream, TimedPacket
from dred.timebase import ms_to_rtp, rtp_to_ms, rtp_to_samples
from dred.weights import WeightSet

__all__ = ["Decoded", "decode_stream"]

# Of libopus's voip and audio applications, which a capture does not tell.
_USUAL_LOOKAHEAD_MS = 6.5
# Timestamps may announce any length; this one still fits in memory. Our choice.
_MAX_DURATION_MS = 3 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """What was played, and what happened to the packets."""

    samples: Float32[np.ndarray, "samples channels"]
    num_packets: int
    num_lost: int
    events: Sequence[Event]

    def played_ms(self) -> dict[str, float]:
        """Count the milliseconds that came from each source."""
        played: Counter[Source] = Counter()
        for event in self.events:
            if isinstance(event, Played):
                played[event.source] += event.duration_rtp
        return {source.value: rtp_to_ms(played[source]) for source in Source}

    def summarise(self) -> dict[str, object]:
        """Tell what happened to the packets and where the speech came from."""
        return {
            "packets": self.num_packets,
            "lost": self.num_lost,
            "dropped": sum(isinstance(event, PacketDropped) for event in self.events),
            "redundancy_refused": sum(isinstance(event, RedundancyRefused) for event in self.events),
            "played_ms": self.played_ms(),
        }


def decode_stream(
    stream: PacketStream,
    config: ReceiverConfig,
    *,
    lost: Bool[np.ndarray, " packets"] | None,
    lookahead_ms: float | None,
    weights: Sequence[WeightSet] | None,
    report: Callable[[float], None],
) -> Decoded:
    """Decode a stream, without the codec's look-ahead at its start.

    Args:
        stream: The packets; what is missing between their timestamps was lost.
        config: What to do.
        lost: Packets to lose on top, by their sequence number from the first on, over and over.
        lookahead_ms: How much to cut at the start, 0 to 1000; by default what the file says, else 6.5 ms.
        weights: The networks; by default all installed ones.
        report: Called with the share that is done, 0 to 1.

    Raises:
        UsageError: No packet can be decoded, the timestamps span more than three hours, or lookahead_ms is out of its
            range.
        ModelError: Networks are needed and there are no weights.
    """
    if lookahead_ms is not None and not 0 <= lookahead_ms <= 1000:
        raise UsageError(f"lookahead_ms must be 0 to 1000, got {lookahead_ms}")
    in_order = sorted(stream.packets, key=lambda packet: packet.timestamp)
    first_sequence = min(packet.sequence for packet in in_order)
    start = in_order[0].timestamp
    ends = [packet.timestamp + duration for packet in in_order if (duration := _duration_rtp(packet))]
    if not ends:
        raise UsageError("there is no Opus packet among them")
    duration_rtp = max(ends) - start
    if duration_rtp > ms_to_rtp(_MAX_DURATION_MS):
        raise UsageError(f"the packets span {rtp_to_ms(duration_rtp) / 3_600_000:.1f} hours, more than 3 are too many")
    kept = [packet for packet in in_order if lost is None or not lost[(packet.sequence - first_sequence) % len(lost)]]
    samples, events = recover_stream(
        _arriving(kept, lambda packet: report((packet.timestamp - start) / duration_rtp)),
        start=start & 0xFFFFFFFF,
        duration_rtp=duration_rtp,
        config=config,
        weights=weights,
    )
    return Decoded(
        samples=_cut(samples, stream, config.rate_hz, lookahead_ms) * _gain(stream),
        num_packets=len(in_order),
        num_lost=len(in_order) - len(kept),
        events=events,
    )


def _duration_rtp(packet: TimedPacket) -> int:
    """Read how long a packet is; 0 if it is broken, which the receiver will tell."""
    try:
        return packet_duration_rtp(packet.payload)
    except OpusFormatError:
        return 0


def _arriving(packets: Sequence[TimedPacket], report: Callable[[TimedPacket], None]) -> Iterator[ArrivedPacket]:
    for packet in packets:
        report(packet)
        yield ArrivedPacket(
            payload=packet.payload,
            sequence=packet.sequence & 0xFFFF,
            timestamp=packet.timestamp & 0xFFFFFFFF,
            copies=packet.redundant,
        )


def _cut(
    samples: Float32[np.ndarray, "samples channels"], stream: PacketStream, rate_hz: int, lookahead_ms: float | None
) -> Float32[np.ndarray, "kept channels"]:
    is_capture = stream.num_samples_48k is None
    if lookahead_ms is None:
        skip_rtp = ms_to_rtp(_USUAL_LOOKAHEAD_MS) if is_capture else stream.pre_skip
    else:
        skip_rtp = ms_to_rtp(lookahead_ms)
    end_rtp = None if stream.num_samples_48k is None else skip_rtp + stream.num_samples_48k
    end = None if end_rtp is None else rtp_to_samples(end_rtp, rate_hz)
    return samples[rtp_to_samples(skip_rtp, rate_hz) : end]


def _gain(stream: PacketStream) -> np.float32:
    # Source: RFC 7845 section 5.1: dB in steps of 1/256.
    return np.float32(10 ** (stream.output_gain_q8 / (20 * 256)))
