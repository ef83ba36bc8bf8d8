"""The receive path: packets and times in, samples and events out. No socket, no clock: the caller brings `now`.

    receive -> arrivals -> production -> (fixed delay) ------------> samples
                  '-> live delay --------> waits, faster, slower --'

`play` always yields exactly the samples asked for.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from dred.errors import UsageError
from dred.receiver.arrivals import Arrivals
from dred.receiver.config import ReceiverConfig
from dred.receiver.events import Event, PacketDropped, StreamRestarted
from dred.receiver.gap import GapFiller
from dred.receiver.live import LiveDelay
from dred.receiver.parts import Codec, NeuralParts, Vocoder
from dred.receiver.priming import PrimingConfig
from dred.receiver.production import Block, Production
from dred.receiver.speaking import Speaking, let_speak
from dred.receiver.statistics import ReceiverStatistics, StatisticsCounter
from dred.rtp import RedBlock
from dred.timebase import ms_to_rtp

# Beyond this, timestamps belong to another stream: our choice, far more than any redundancy or delay.
_MAX_JUMP_RTP = ms_to_rtp(10_000)
# After so long without anything known, packets that come too late are no stragglers: the delay has grown. Our choice.
_STALLED_RTP = ms_to_rtp(500)


class ReceiveStream:
    """One stream's receiver. Networks come in as parts; `dred.assembly` names them."""

    def __init__(
        self,
        config: ReceiverConfig,
        codec: Codec,
        parts: NeuralParts | None,
        *,
        priming: PrimingConfig | None = None,
    ) -> None:
        """Start without any packet.

        Args:
            config: What to do.
            codec: The decoder, with the configuration's rate and channels.
            parts: The networks; None only if neither redundancy nor neural concealment is asked for.
            priming: The local encoder's settings, by default the knee of cost against quality.
        """
        self.config = config
        self.vocoder: Vocoder | None = None
        filler = None
        if parts is not None:
            self.vocoder = parts.vocoder
            filler = GapFiller(
                parts,
                codec,
                rate_hz=config.rate_hz,
                channels=config.channels,
                priming=(priming or PrimingConfig()) if config.priming else None,
            )
        self._counter = StatisticsCounter(config.delay_ms)
        self._live = None
        if config.adaptive is not None:
            self._live = LiveDelay(config, config.adaptive, counter=self._counter, report=self._report)
        self._arrivals = Arrivals(parts.readers if parts is not None and config.use_dred else (), self._report)
        self._production = Production(config, codec, filler, self._arrivals, counter=self._counter, report=self._report)
        self._events: list[Event] = []
        self._ready = np.zeros((0, config.channels), np.float32)
        self._first_arrival_ms = 0.0
        self._sample_ms = 1000 / config.rate_hz

    def start(self, timestamp: int) -> None:
        """Begin to play at a timestamp (32 bit) whatever arrives; without this, the first packet tells.

        Raises:
            UsageError: Playing has begun.
        """
        if self._production.position is not None:
            raise UsageError("start comes before the first play")
        self._production.position = self._arrivals.unwrap_timestamp(timestamp)

    @property
    def statistics(self) -> ReceiverStatistics:
        """What was done so far, by the names of webrtc-stats."""
        return self._counter.sum_up(num_discarded=self._arrivals.num_discarded, num_fec=self._arrivals.num_fec)

    def receive(
        self, packet: bytes, sequence: int, timestamp: int, now: float, copies: Sequence[RedBlock] = ()
    ) -> None:
        """Take in a packet, at any time and in any order.

        Args:
            packet: The Opus packet; any bytes, a broken packet is dropped and told by an event.
            sequence: Its RTP sequence number, 16 bit.
            timestamp: Its RTP timestamp, 32 bit.
            now: Time of arrival in milliseconds, on any clock that never goes back.
            copies: RED copies of earlier packets that came with it.
        """
        if self._live is not None:
            self._receive_live(self._live, packet, sequence, timestamp, now, copies)
            return
        numbers = self._arrivals.unwrap(sequence, timestamp)
        if numbers is None:
            return
        sequence, timestamp = numbers
        self._counter.arrive(sequence, timestamp, now)
        position = self._production.position
        if position is None:
            if not len(self._arrivals):
                self._first_arrival_ms = now
        elif self._has_stalled(timestamp - position) or abs(timestamp - position) > _MAX_JUMP_RTP:
            position = self._restart(timestamp, self.config.delay_ms)
        self._arrivals.add(packet, sequence, timestamp, position, now, is_copy=False, has_copies=bool(copies))
        if self.config.use_red:
            for copy in copies:
                copied = timestamp - copy.timestamp_offset
                self._arrivals.add(copy.payload, sequence, copied, position, now, is_copy=True)

    def _receive_live(
        self, live: LiveDelay, payload: bytes, sequence: int, timestamp: int, now: float, copies: Sequence[RedBlock]
    ) -> None:
        """Do as `receive` where the delay adapts."""
        position = self._production.position
        numbers = live.continuity.place(sequence, timestamp, position, now)
        if numbers is None:
            self._report(PacketDropped(sequence=sequence, reason="of another stream"))
            return
        sequence, timestamp, is_anew = numbers
        self._counter.arrive(sequence, timestamp, now)
        packet = self._arrivals.parse(payload, sequence, timestamp, now, is_copy=False, has_copies=bool(copies))
        if packet is None:
            return
        ahead_rtp = 0 if position is None else timestamp - position
        # Nothing was heard for its time.
        is_awaited = ahead_rtp < 0 <= ahead_rtp + self._production.unheard_rtp
        if is_anew or (is_awaited and not live.is_in_reach(timestamp, now) and self._has_stalled(ahead_rtp)):
            live.restart()
            if position is None:
                self._arrivals.clear()
            else:
                position = self._restart(timestamp, live.target_ms)
        elif is_awaited and live.is_in_reach(timestamp, now):
            position = self._production.position = timestamp
            live.playout.forget_delay()
        if position is None and not len(self._arrivals):
            self._first_arrival_ms = now
        copied = []
        if self.config.use_red:
            for copy in copies:
                parsed = self._arrivals.parse(
                    copy.payload, sequence, timestamp - copy.timestamp_offset, now, is_copy=True
                )
                copied += [] if parsed is None else [parsed]
        live.observe(packet, copied, now, lambda time: self._arrivals.tell(packet, time))
        for taken in (packet, *copied):
            self._arrivals.put(taken, position)

    def play(self, num_samples: int, now: float) -> tuple[Float32[np.ndarray, "samples channels"], list[Event]]:
        """Return exactly the next samples, and what has happened since the last call.

        Samples lie in -1 to 1, but loud speech overshoots, as from every decoder to float.

        Raises:
            UsageError: num_samples is negative.
        """
        return let_speak([self.playing(num_samples, now)], self.vocoder)[0]

    def playing(self, num_samples: int, now: float) -> Speaking[tuple[Block, list[Event]]]:
        """Do as `play`, but ask for speech by yielding, so that many streams can be answered at once."""
        if num_samples < 0:
            raise UsageError(f"num_samples must be at least 0, got {num_samples}")
        production = self._production
        if production.position is None:
            first = self._arrivals.first()
            if first is not None and now - self._first_arrival_ms >= self.config.delay_ms:
                production.position = first.timestamp
        if production.position is None:
            played = np.zeros((num_samples, self.config.channels), np.float32)
        elif self._live is not None:
            played = yield from self._playing_live(self._live, num_samples, now)
        else:
            blocks = [self._ready]
            num_ready = len(self._ready)
            while num_ready < num_samples:
                production.heard_ms = now + num_ready * self._sample_ms
                blocks.append((yield from production.produce(production.find_next())))
                num_ready += len(blocks[-1])
            # Mostly one packet is one block.
            joined = blocks[-1] if len(blocks[-1]) == num_ready else np.concatenate(blocks)
            self._ready = joined[num_samples:]
            played = joined[:num_samples]
        events, self._events = self._events, []
        return played, events

    def _playing_live(self, live: LiveDelay, num_samples: int, now: float) -> Speaking[Block]:
        playout, production = live.playout, self._production
        while playout.lacks(num_samples):
            following = production.find_next()
            live.measure(following.position, now)
            if following.is_unknown and live.wait(following.position, now):
                continue
            production.heard_ms = now + playout.num_queued * self._sample_ms
            block = yield from production.produce(following)
            live.add(block, is_known=not production.unheard_rtp)
        return playout.take(num_samples)

    def _has_stalled(self, ahead_rtp: int) -> bool:
        return ahead_rtp < 0 and self._production.unheard_rtp >= _STALLED_RTP and not len(self._arrivals)

    def _restart(self, timestamp: int, delay_ms: float) -> int:
        """Go on at another time, whose first packet waits as the very first did; return where playing stands."""
        self._arrivals.clear()
        position = timestamp - ms_to_rtp(delay_ms)
        self._production.restart(position)
        self._report(StreamRestarted(timestamp=timestamp))
        return position

    def _report(self, event: Event) -> None:
        self._events.append(event)
