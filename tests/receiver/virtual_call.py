"""A call in virtual time: a sender's clock, a network, and a sound card, each with its own ideas of time."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from constant_parts import make_packet

from dred.channel import ChannelConfig, ChannelEmulator
from dred.receiver import DelayChanged, Event, Played, ReceiveStream, Scaling, TimeScaled
from dred.timebase import RTP_CLOCK_HZ

PACKET_MS = 20
RTP_PER_MS = 48
WRAP = 2**32


@dataclass(slots=True)
class Call:
    """What came of a call.

    Attributes:
        delays_ms: For each block asked for, how much later than the sender's time its end is heard.
        produced: Samples that were decoded, and repeated, less those left out, so far as a block was asked for.
        asked: Samples that were asked for since the first was there.
        sources: What was heard in RTP ticks.
        targets_ms: Each target.
        scaled: Samples repeated and left out.
    """

    delays_ms: list[float] = field(default_factory=list)
    produced: int = 0
    asked: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    targets_ms: list[float] = field(default_factory=list)
    scaled: Counter[Scaling] = field(default_factory=Counter)
    end_rtp: int = 0

    @property
    def queued(self) -> int:
        return self.produced - self.asked

    @property
    def share_known(self) -> float:
        unknown = self.sources["plc"] + self.sources["silence"]
        return 1 - unknown / self.sources.total()

    def note(self, events: Iterable[Event], num_samples: int, now: float, rate_hz: int) -> None:
        """Take in what one play told."""
        for event in events:
            if isinstance(event, Played):
                self.produced += event.duration_rtp * rate_hz // RTP_CLOCK_HZ
                self.sources[event.source] += event.duration_rtp
                self.end_rtp = event.timestamp + event.duration_rtp
            elif isinstance(event, TimeScaled):
                self.produced += event.num_samples * (1 if event.scaling is Scaling.STRETCHED else -1)
                self.scaled[event.scaling] += event.num_samples
            elif isinstance(event, DelayChanged):
                self.targets_ms.append(event.target_ms)
        if self.produced:
            self.asked += num_samples
            heard_ms = self.end_rtp / RTP_PER_MS - self.queued * 1000 / rate_hz
            self.delays_ms.append(now + num_samples * 1000 / rate_hz - heard_ms)


@dataclass(slots=True, kw_only=True)
class Line:
    """Sender, network and sound card.

    Attributes:
        stream: The receiver.
        channel: The network.
        packet_of: The packet for a time, by its number, or None if none is sent.
        packet_ms: How long its packets are.
        drift_ppm: How much faster than the sound card's the sender's clock is.
        block_ms: How much the sound card asks for at once.
        card_jitter_ms: How much later than regularly it asks at most.
        first_timestamp: Of packet 0, 32 bit.
        first_sequence: Likewise, 16 bit.
    """

    stream: ReceiveStream
    channel: ChannelConfig = field(default_factory=ChannelConfig)
    packet_of: Callable[[int], bytes | None] = lambda number: make_packet(number, num_latents=12)
    packet_ms: int = PACKET_MS
    drift_ppm: float = 0.0
    block_ms: int = 20
    card_jitter_ms: float = 0.0
    first_timestamp: int = 0
    first_sequence: int = 0
    seed: int = 3

    def talk(self, seconds: float, extra: Callable[[float], None] | None = None) -> Call:
        """Talk for so long; extra is called before each play, with its time, and may hand in what it likes."""
        call = Call()
        rng = np.random.default_rng(self.seed)
        network: ChannelEmulator[tuple[int, int, bytes]] = ChannelEmulator(self.channel, rng)
        card_rng = np.random.default_rng(self.seed)
        block_samples = self.stream.config.rate_hz * self.block_ms // 1000
        number = num_sent = 0
        period_ms = self.packet_ms / (1 + self.drift_ppm * 1e-6)
        for block in range(int(seconds * 1000 / self.block_ms)):
            regular_ms = block * self.block_ms
            now = regular_ms + self.card_jitter_ms * float(card_rng.random())
            while number * period_ms <= now:
                packet = self.packet_of(number)
                if packet is not None:
                    network.send((number, num_sent, packet), number * period_ms)
                    num_sent += 1
                number += 1
            for arrived_ms, (place, sequence, packet) in network.receive(now):
                timestamp = (self.first_timestamp + place * self.packet_ms * RTP_PER_MS) % WRAP
                self.stream.receive(packet, (self.first_sequence + sequence) % 2**16, timestamp, arrived_ms)
            if extra is not None:
                extra(now)
            samples, events = self.stream.play(block_samples, now)
            assert samples.shape == (block_samples, self.stream.config.channels)
            sender_now = regular_ms * self.packet_ms / period_ms + self.first_timestamp / RTP_PER_MS
            call.note(events, block_samples, sender_now, self.stream.config.rate_hz)
        return call
