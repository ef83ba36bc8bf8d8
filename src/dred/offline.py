"""Whole streams at once: redundancy for packets that exist, speech from packets that survived.

`protect` is for packets of another encoder; `recover` is a receiver with all the time in the world, as files allow.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from dred.assembly import Receiver, build_encoder
from dred.errors import OpusFormatError, UsageError
from dred.opus import packet_duration_rtp
from dred.receiver import Event, PrimingConfig, ReceiverConfig
from dred.rtp import RedBlock
from dred.sender import DredConfig, protect_packets
from dred.timebase import ms_to_rtp, rtp_to_samples
from dred.weights import WeightSet

# How far ahead of playing packets are handed in: more than redundancy can reach back.
_HORIZON_RTP = ms_to_rtp(1_500)
_BLOCK_RTP = ms_to_rtp(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedPacket:
    """A packet that survived: Opus payload, 16-bit sequence number, 32-bit RTP timestamp, RED copies."""

    payload: bytes
    sequence: int
    timestamp: int
    copies: Sequence[RedBlock] = ()


def protect(
    packets: Iterable[bytes],
    pcm: np.ndarray,
    *,
    rate_hz: int = 48_000,
    config: DredConfig | None = None,
    weights: WeightSet | None = None,
) -> Iterator[bytes]:
    """Add redundancy to consecutive Opus packets that another encoder made of pcm; their frames stay bit for bit.

    Args:
        packets: The Opus packets.
        pcm: What they were made of: float in -1 to 1 or int16, [samples] or [samples, channels].
        rate_hz: Rate of pcm: 8, 12, 16, 24 or 48 kHz.
        config: How much redundancy, and how fine.
        weights: The networks; by default the installed ones.

    Raises:
        UsageError: pcm or its rate is not usable.
        OpusFormatError: A packet is no Opus packet.
        ModelError: There are no weights.
    """
    config = config or DredConfig()
    return protect_packets(packets, pcm, rate_hz=rate_hz, config=config, encoder=build_encoder(config, weights))


def recover(
    packets: Sequence[bytes | None],
    *,
    config: ReceiverConfig | None = None,
    weights: Sequence[WeightSet] | None = None,
    priming: PrimingConfig | None = None,
) -> tuple[Float32[np.ndarray, "samples channels"], list[Event]]:
    """Turn consecutive Opus packets, None where one was lost, into speech and the events on the way.

    Lost packets, and broken ones, are taken to be as long as the first sound one. The samples include the codec's delay
    of 6.5 ms at their start.

    Raises:
        UsageError: There is no sound packet at all.
        ModelError: There are no weights.
    """
    durations = [None if packet is None else _duration_rtp(packet) for packet in packets]
    usual_rtp = next((duration for duration in durations if duration is not None), None)
    if usual_rtp is None:
        raise UsageError("recover needs at least one sound packet")
    arrived = []
    timestamp = 0
    for number, (packet, duration) in enumerate(zip(packets, durations)):
        if packet is not None:
            arrived.append(ArrivedPacket(payload=packet, sequence=number & 0xFFFF, timestamp=timestamp & 0xFFFFFFFF))
        timestamp += usual_rtp if duration is None else duration
    return recover_stream(arrived, start=0, duration_rtp=timestamp, config=config, weights=weights, priming=priming)


def recover_stream(
    packets: Iterable[ArrivedPacket],
    *,
    start: int,
    duration_rtp: int,
    config: ReceiverConfig | None = None,
    weights: Sequence[WeightSet] | None = None,
    priming: PrimingConfig | None = None,
) -> tuple[Float32[np.ndarray, "samples channels"], list[Event]]:
    """Turn packets in order of their time into speech of a given length.

    Args:
        packets: What survived.
        start: RTP timestamp of the first sample to play.
        duration_rtp: How much to play, in RTP ticks.
        config: What to do; its delay is of no meaning here.
        weights: The networks; by default all installed sets.
        priming: The local encoder's settings.

    Raises:
        ModelError: There are no weights.
    """
    # Packets are handed in ahead of their time, so that none has to be waited for.
    config = replace(config or ReceiverConfig(), delay_ms=0.0)
    receiver = Receiver(config, weights, priming=priming)
    receiver.start(start)
    blocks: list[np.ndarray] = []
    events: list[Event] = []
    remaining = iter(packets)
    ahead = next(remaining, None)
    for position in range(0, duration_rtp, _BLOCK_RTP):
        while ahead is not None and _signed(ahead.timestamp - start) <= position + _HORIZON_RTP:
            receiver.receive(ahead.payload, ahead.sequence, ahead.timestamp, 0.0, ahead.copies)
            ahead = next(remaining, None)
        length = min(_BLOCK_RTP, duration_rtp - position)
        played, news = receiver.play(rtp_to_samples(length, config.rate_hz), 0.0)
        blocks.append(played)
        events.extend(news)
    return np.concatenate(blocks) if blocks else np.zeros((0, config.channels), np.float32), events


def _duration_rtp(packet: bytes) -> int | None:
    """Return a packet's duration, or None if it is broken: the receiver drops it and tells so."""
    try:
        return packet_duration_rtp(packet)
    except OpusFormatError:
        return None


def _signed(ticks: int) -> int:
    """Read a difference of 32-bit timestamps as the shorter way around."""
    return (ticks + 2**31) % 2**32 - 2**31
