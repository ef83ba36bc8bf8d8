"""Two who listen to the same packets in virtual time: dred's receiver, and aiortc's with a sound card behind it.

    packet + time of arrival -> Listener -> 10 ms of sound every 10 ms, and which moment of speech they end at

Both get what arrives in the same order at the same times, and both play at 48 kHz, as aiortc's applications do; neither
costs time itself.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket
from playout import PACKET_RTP

import dred
from dred.evaluation.streams import WirePacket

RATE_HZ = 48_000
BLOCK_MS = 10
BLOCK_SAMPLES = RATE_HZ * BLOCK_MS // 1000
_RTP_PER_MS = 48
# Source: aiortc 1.16, rtcrtpreceiver.py, RTCRtpReceiver.__init__ for audio.
_AIORTC_CAPACITY, _AIORTC_PREFETCH = 16, 4


class Block(NamedTuple):
    """What is played in 10 ms.

    Attributes:
        samples: At 48 kHz.
        end_ms: Time in the stream that its end stands for; None if nothing was there to be played.
    """

    samples: np.ndarray
    end_ms: float | None


class Listener(Protocol):
    """Somebody who hears a call."""

    sources: dict[int, Counter[str]]
    """For each packet's 20 ms: RTP ticks by where they came from."""

    @property
    def num_frames(self) -> int | None:
        """Frames of 20 ms that the application was given; None for one that is given whatever it asks for."""
        ...

    def receive(self, packet: WirePacket, now: float) -> None:
        """Take in a packet."""
        ...

    def play(self, now: float) -> Block:
        """Give the next 10 ms."""
        ...


@dataclass(kw_only=True)
class DredListener:
    """Our receiver with a delay that adapts."""

    receiver: dred.Receiver = field(
        default_factory=lambda: dred.Receiver(
            dred.ReceiverConfig(rate_hz=RATE_HZ, delay_ms=40.0, adaptive=dred.AdaptiveDelay())
        )
    )
    num_frames: None = None
    sources: dict[int, Counter[str]] = field(default_factory=dict)
    _num_queued: int = 0
    _has_begun: bool = False
    _end_rtp: int = 0

    def receive(self, packet: WirePacket, now: float) -> None:
        sent = packet.sent
        self.receiver.receive(sent.payload, sent.sequence, sent.timestamp, now, packet.copies)

    def play(self, now: float) -> Block:
        samples, events = self.receiver.play(BLOCK_SAMPLES, now)
        for event in events:
            if isinstance(event, dred.Played):
                self._num_queued += event.duration_rtp
                self._end_rtp = event.timestamp + event.duration_rtp
                self._attribute(event)
            elif isinstance(event, dred.TimeScaled):
                self._num_queued += event.num_samples * (1 if event.scaling == "stretched" else -1)
        self._has_begun = self._has_begun or self._num_queued > 0
        if not self._has_begun:
            return Block(samples[:, 0], None)
        self._num_queued -= BLOCK_SAMPLES
        # RTP ticks are samples at this rate.
        return Block(samples[:, 0], (self._end_rtp - self._num_queued) / _RTP_PER_MS)

    def _attribute(self, event: dred.Played) -> None:
        start, end = event.timestamp, event.timestamp + event.duration_rtp
        while start < end:
            number = start // PACKET_RTP
            stop = min(end, (number + 1) * PACKET_RTP)
            self.sources.setdefault(number, Counter())[str(event.source)] += stop - start
            start = stop


@dataclass(kw_only=True)
class AiortcListener:
    """aiortc's jitter buffer and decoder, and behind them a sound card: frames queue up, and silence fills the rest."""

    num_frames: int = 0
    sources: dict[int, Counter[str]] = field(default_factory=dict)
    _buffer: JitterBuffer = field(default_factory=lambda: JitterBuffer(_AIORTC_CAPACITY, _AIORTC_PREFETCH))
    _decoder: OpusDecoder = field(default_factory=OpusDecoder)
    _waiting: deque[Block] = field(default_factory=deque)

    def receive(self, packet: WirePacket, now: float) -> None:
        sent = packet.sent
        rtp = RtpPacket(sequence_number=sent.sequence, timestamp=sent.timestamp, payload=sent.payload)
        # Source: aiortc 1.16, RTCRtpReceiver._handle_rtp_packet: Opus payloads are taken as they are.
        rtp._data = sent.payload  # type: ignore[attr-defined]
        _, complete = self._buffer.add(rtp)
        if complete is None:
            return
        number = complete.timestamp // PACKET_RTP
        self.sources[number] = Counter(received=PACKET_RTP)
        for frame in self._decoder.decode(complete):
            self.num_frames += 1
            stereo = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
            samples = stereo.mean(1, dtype=np.float32) / 32_768
            begin_ms = complete.timestamp / _RTP_PER_MS
            for part, start in enumerate(range(0, len(samples), BLOCK_SAMPLES), start=1):
                self._waiting.append(Block(samples[start : start + BLOCK_SAMPLES], begin_ms + part * BLOCK_MS))

    def play(self, now: float) -> Block:
        return self._waiting.popleft() if self._waiting else Block(np.zeros(BLOCK_SAMPLES, np.float32), None)
