"""One scheme's receiver, and how far behind it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.assembly import Receiver
from dred.evaluation.schemes import Scheme
from dred.receiver import Event, Played, ReceiverConfig, Scaling, Source, TimeScaled
from dred.studio.config import BLOCK_SAMPLES, RATE_HZ, StudioConfig
from dred.studio.packets import StudioPacket
from dred.weights import WeightSet

__all__ = ["Listener", "SchemeStep"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SchemeStep:
    """20 ms of one scheme.

    Attributes:
        samples: What is heard.
        sources: Where packets' speech came from, by the packet's number; known a little before it is heard.
        delay_ms: From mouth to ear; None before anything was played.
        opus_bytes: Bytes sent as Opus frames.
        red_bytes: Bytes that RED added.
        dred_bytes: Bytes that deep redundancy added.
    """

    samples: Float32[np.ndarray, " 960"]
    sources: Sequence[tuple[int, Source]]
    delay_ms: float | None
    opus_bytes: int
    red_bytes: int
    dred_bytes: int


class Listener:
    """The receiving side of one scheme."""

    def __init__(
        self, scheme: Scheme, config: StudioConfig, weights: Sequence[WeightSet], *, lookahead_samples: int
    ) -> None:
        """Start without any packet; lookahead_samples is by how much the codec's output lags its input."""
        self.scheme = scheme
        receiver = ReceiverConfig(
            rate_hz=RATE_HZ,
            delay_ms=config.start_delay_ms,
            adaptive=config.delay,
            plc=scheme.plc,
            priming=scheme.priming,
        )
        self._receiver = Receiver(receiver, weights)
        self._lookahead_samples = lookahead_samples
        # The end of what was decoded. Samples are RTP ticks at this rate.
        self._decoded_rtp: int | None = None
        # Decoded and repeated, less what was left out and heard.
        self._num_queued = 0

    def receive(self, packet: StudioPacket, arrival_ms: float) -> None:
        """Take in a packet."""
        self._receiver.receive(packet.payload, packet.sequence, packet.timestamp, arrival_ms, packet.copies)

    def play(self, number: int, sent: StudioPacket, now: float) -> SchemeStep:
        """Play 20 ms.

        Args:
            number: How many packets were sent before the last one.
            sent: The last one, whatever became of it.
            now: Milliseconds.
        """
        samples, events = self._receiver.play(BLOCK_SAMPLES, now)
        played = [event for event in events if isinstance(event, Played)]
        self._follow(events)
        delay_samples = None
        if self._decoded_rtp is not None:
            heard_rtp = self._decoded_rtp - self._num_queued
            # The first of a block's samples has waited for the last one.
            delay_samples = (number + 2) * BLOCK_SAMPLES - heard_rtp + self._lookahead_samples
        return SchemeStep(
            samples=samples[:, 0],
            sources=[(event.timestamp // BLOCK_SAMPLES, event.source) for event in played],
            delay_ms=None if delay_samples is None else 1000 * delay_samples / RATE_HZ,
            opus_bytes=sent.opus_bytes,
            red_bytes=sent.red_bytes,
            dred_bytes=sent.dred_bytes,
        )

    def _follow(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Played):
                self._decoded_rtp = event.timestamp + event.duration_rtp
                self._num_queued += event.duration_rtp
            elif isinstance(event, TimeScaled):
                is_longer = event.scaling is Scaling.STRETCHED
                self._num_queued += event.num_samples if is_longer else -event.num_samples
        if self._decoded_rtp is not None:
            self._num_queued -= BLOCK_SAMPLES
