"""A call in virtual time: clips in a row, packets of one scheme, an emulated network, somebody who listens."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from live_listeners import BLOCK_MS, BLOCK_SAMPLES, RATE_HZ, AiortcListener, Block, DredListener, Listener
from playout import HEADER_BYTES, PACKET_MS, PACKET_RTP, SETTLING_MS

from dred.audio import float_to_int16, int16_to_float
from dred.channel import ChannelConfig, ChannelEmulator
from dred.evaluation.clips import Clip
from dred.evaluation.hearing import hear
from dred.evaluation.metrics.plcmos import PLCMOS
from dred.evaluation.schemes import Scheme, standard_schemes
from dred.evaluation.score import NO_SCORE, Score
from dred.evaluation.streams import Rates, WirePacket, encode, measure_rates, repeat
from dred.evaluation.trial import delay_samples
from dred.timebase import SAMPLE_RATE_HZ
from dred.weights import load

_CLIP_GAP_MS = 300
# What is late is still waited for.
_TAIL_MS = 1_000
_SCHEMES = {scheme.name: scheme for scheme in standard_schemes(bitrate_bps=24_000)}
_NO_LOSSES = np.zeros(0, np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Who listens to what."""

    name: str
    scheme: Scheme
    make_listener: Callable[[], Listener]


BASELINE = Way(name="dred, plain Opus", scheme=_SCHEMES["neural-plc"], make_listener=DredListener)
WAYS = (
    Way(name="aiortc, plain Opus", scheme=_SCHEMES["neural-plc"], make_listener=AiortcListener),
    BASELINE,
    Way(name="dred, RED", scheme=_SCHEMES["red"], make_listener=DredListener),
    Way(name="dred, DRED", scheme=_SCHEMES["dred"], make_listener=DredListener),
    Way(name="dred, LBRR and DRED", scheme=_SCHEMES["dred+lbrr"], make_listener=DredListener),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Clips in a row.

    Attributes:
        samples: At 16 kHz, mono.
        spans_ms: When each clip begins and ends.
    """

    samples: np.ndarray
    spans_ms: list[tuple[float, float]]

    @classmethod
    def join(cls, clips: tuple[Clip, ...]) -> "Speech":
        """Put clips in a row, a pause behind each."""
        parts: list[np.ndarray] = []
        spans_ms = []
        begin_ms = 0.0
        for clip in clips:
            parts.append(np.pad(clip.pcm.astype(np.float32) / 32_768, (0, SAMPLE_RATE_HZ * _CLIP_GAP_MS // 1000)))
            spans_ms.append((begin_ms, begin_ms + 1000 * clip.seconds))
            begin_ms += len(parts[-1]) * 1000 / SAMPLE_RATE_HZ
        return cls(samples=np.concatenate(parts), spans_ms=spans_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A scheme's packets of all the speech.

    Attributes:
        codec_ms: By how much what is decoded lags what was said.
    """

    packets: list[WirePacket]
    rates: Rates
    codec_ms: float

    @classmethod
    def make(cls, speech: Speech, scheme: Scheme) -> "Sent":
        """Encode speech."""
        config = scheme.sender_config(rate_hz=SAMPLE_RATE_HZ, channels=1, loss_rate=0.0)
        packets = repeat(encode(speech.samples[:, np.newaxis], config, load()), scheme.num_red_copies)
        codec_ms = 1000 * delay_samples(config) / SAMPLE_RATE_HZ
        return cls(packets=packets, rates=measure_rates(packets), codec_ms=codec_ms)


@dataclass(kw_only=True)
class Heard:
    """What became of calls.

    Attributes:
        scores: PLCMOS of each clip, summed over calls.
        delays_ms: From mouth to ear, of each 10 ms that are heard from the third second on.
        sources_rtp: RTP ticks of speech by what it was heard from.
        num_frames: Frames of 20 ms that the application was given, if that depends on what arrives.
        num_frames_due: Those that were due, from the first one to the call's end; 0 if that tells nothing.
    """

    scores: list[Score]
    delays_ms: list[float] = field(default_factory=list)
    sources_rtp: Counter[str] = field(default_factory=Counter)
    speech_rtp: int = 0
    num_sent: int = 0
    num_lost: int = 0
    num_frames: int = 0
    num_frames_due: int = 0

    @property
    def missing_rtp(self) -> int:
        """Speech that was not heard from its own packet."""
        return self.speech_rtp - self.sources_rtp["received"]


class Call:
    """One call over one network."""

    def __init__(self, speech: Speech, sent: Sent, listener: Listener) -> None:
        """Make ready to speak."""
        self._speech = speech
        self._sent = sent
        self._listener = listener
        self._end_ms = len(sent.packets) * PACKET_MS
        self._blocks: list[Block] = []
        self._arrived: set[int] = set()

    def run(self, network: ChannelConfig, seed: int, pauses: set[int], heard: Heard) -> None:
        """Make the call, and add what becomes of it; pauses are numbers of packets."""
        channel = ChannelEmulator[WirePacket](network, np.random.default_rng(seed))
        for now in range(0, self._end_ms + _TAIL_MS, BLOCK_MS):
            number, is_between = divmod(now, PACKET_MS)
            if not is_between and 1 <= number <= len(self._sent.packets):
                # A packet is complete when its last sample has been said.
                packet = self._sent.packets[number - 1]
                channel.send(packet, now, num_bytes=HEADER_BYTES + len(packet.sent.payload) + packet.red_bytes)
            for arrived_ms, packet in channel.receive(now):
                self._arrived.add(packet.sent.timestamp)
                self._listener.receive(packet, arrived_ms)
            self._blocks.append(self._listener.play(now))
            if now == self._end_ms:
                self._count_frames(heard)
        heard.num_sent += len(self._sent.packets)
        heard.num_lost += len(self._sent.packets) - len(self._arrived)
        heard.delays_ms += self._delays_ms()
        self._count_sources(pauses, heard)
        heard.scores = [score + more for score, more in zip(heard.scores, self._rate(), strict=True)]

    def _count_frames(self, heard: Heard) -> None:
        num_frames = self._listener.num_frames
        if num_frames is None:
            return
        first = next((place for place, block in enumerate(self._blocks) if block.end_ms is not None), len(self._blocks))
        heard.num_frames += num_frames
        heard.num_frames_due += -(-(len(self._blocks) - first) * BLOCK_MS // PACKET_MS)

    def _delays_ms(self) -> list[float]:
        return [
            (place + 1) * BLOCK_MS - block.end_ms + self._sent.codec_ms
            for place, block in enumerate(self._blocks)
            if place * BLOCK_MS >= SETTLING_MS and block.end_ms is not None and block.end_ms <= self._end_ms
        ]

    def _count_sources(self, pauses: set[int], heard: Heard) -> None:
        for number in set(range(len(self._sent.packets))) - pauses:
            heard.speech_rtp += PACKET_RTP
            heard.sources_rtp.update(self._listener.sources.get(number, {}))

    def _rate(self) -> list[Score]:
        """Rate each clip as it was heard, from its first to its last sample."""
        # Applications get 16 bits.
        played = int16_to_float(float_to_int16(np.concatenate([block.samples for block in self._blocks])))
        ends_ms = np.array([np.nan if block.end_ms is None else block.end_ms for block in self._blocks])
        scores = []
        for begin_ms, end_ms in self._speech.spans_ms:
            said_ms = ends_ms - self._sent.codec_ms
            places = np.flatnonzero((said_ms > begin_ms) & (said_ms <= end_ms + BLOCK_MS))
            if not len(places):
                scores.append(NO_SCORE)
                continue
            heard = played[places[0] * BLOCK_SAMPLES : (places[-1] + 1) * BLOCK_SAMPLES, np.newaxis]
            scores.append(PLCMOS.score(hear(heard, heard, RATE_HZ, _NO_LOSSES, 0.0)))
        return scores
