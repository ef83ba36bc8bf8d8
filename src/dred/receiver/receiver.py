"""The receive path: packets and times in, samples and events out. No socket, no clock: the caller brings `now`.

    receive -> arrivals -> decide -> regular | RED | LBRR -> decoder ----------------.
                                 '-> DRED | PLC -> gap filler -> (primes) decoder ---+-> samples

`play` always yields exactly the samples asked for. Whatever a packet holds, it costs at most itself.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from dred.errors import OpusFormatError, UsageError
from dred.opus import Toc
from dred.receiver.arrivals import Arrivals
from dred.receiver.buffer import BufferedPacket
from dred.receiver.config import ReceiverConfig
from dred.receiver.coverage import REACH_RTP
from dred.receiver.decision import (
    SHORTEST_FRAME_RTP,
    Conceal,
    Dred,
    Lbrr,
    Pause,
    Red,
    Regular,
    Silence,
    Situation,
    decide,
)
from dred.receiver.events import Event, PacketDropped, Played, RedundancyRefused, Source, StreamRestarted
from dred.receiver.gap import GapFiller, cross_fade
from dred.receiver.history import PlayedHistory
from dred.receiver.parts import Codec, NeuralParts, Vocoder
from dred.receiver.priming import PrimingConfig
from dred.receiver.speaking import Speaking, let_speak
from dred.rtp import RedBlock
from dred.timebase import ms_to_rtp, rtp_to_samples

# Gaps are filled in steps of 20 ms, or of the longest Opus frame that divides what is left.
_STEPS_RTP = (960, 480, 240, SHORTEST_FRAME_RTP)
# Beyond this, timestamps belong to another stream: our choice, far more than any redundancy or delay.
_MAX_JUMP_RTP = ms_to_rtp(10_000)
# After so long without anything known, packets that come too late are no stragglers: the delay has grown. Our choice.
_STALLED_RTP = ms_to_rtp(500)
_DEFAULT_STEP_RTP = 960

_HEARD = (Source.RECEIVED, Source.RED, Source.LBRR)
_KNOWN = (*_HEARD, Source.DRED)

Block = Float32[np.ndarray, "samples channels"]


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
        self._codec = codec
        self._filler = None
        if parts is not None:
            self.vocoder = parts.vocoder
            self._filler = GapFiller(
                parts,
                codec,
                rate_hz=config.rate_hz,
                channels=config.channels,
                priming=(priming or PrimingConfig()) if config.priming else None,
            )
        self._arrivals = Arrivals(parts.readers if parts is not None and config.use_dred else (), self._report)
        self._history = PlayedHistory(config.rate_hz)
        self._may_guess_rtp = ms_to_rtp(config.max_conceal_ms)
        self._events: list[Event] = []
        self._ready = self._tail = np.zeros((0, config.channels), np.float32)
        self._position: int | None = None
        self._first_arrival_ms = 0.0
        self._toc: Toc | None = None
        self._last_sequence: int | None = None
        self._is_paused = False
        self._guessed_rtp = 0
        self._unheard_rtp = 0

    def start(self, timestamp: int) -> None:
        """Begin to play at a timestamp (32 bit) whatever arrives; without this, the first packet tells.

        Raises:
            UsageError: Playing has begun.
        """
        if self._position is not None:
            raise UsageError("start comes before the first play")
        self._position = self._arrivals.unwrap_timestamp(timestamp)

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
        numbers = self._arrivals.unwrap(sequence, timestamp)
        if numbers is None:
            return
        sequence, timestamp = numbers
        if self._position is None:
            if not len(self._arrivals):
                self._first_arrival_ms = now
        elif self._must_restart(timestamp - self._position):
            self._restart(timestamp)
        self._arrivals.add(packet, sequence, timestamp, self._position, is_copy=False)
        if self.config.use_red:
            for copy in copies:
                copied = timestamp - copy.timestamp_offset
                self._arrivals.add(copy.payload, sequence, copied, self._position, is_copy=True)

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
        if self._position is None:
            first = self._arrivals.first()
            if first is not None and now - self._first_arrival_ms >= self.config.delay_ms:
                self._position = first.timestamp
        blocks = [self._ready]
        num_ready = len(self._ready)
        while num_ready < num_samples:
            if self._position is None:
                blocks.append(np.zeros((num_samples - num_ready, self.config.channels), np.float32))
            else:
                blocks.append((yield from self._play_next(self._position)))
            num_ready += len(blocks[-1])
        # Mostly one packet is one block.
        joined = blocks[-1] if len(blocks[-1]) == num_ready else np.concatenate(blocks)
        self._ready = joined[num_samples:]
        events, self._events = self._events, []
        return joined[:num_samples], events

    def _must_restart(self, ahead_rtp: int) -> bool:
        has_stalled = ahead_rtp < 0 and self._unheard_rtp >= _STALLED_RTP and not len(self._arrivals)
        return has_stalled or abs(ahead_rtp) > _MAX_JUMP_RTP

    def _restart(self, timestamp: int) -> None:
        """Go on at another time, whose first packet waits as the very first did."""
        self._close_gap()
        self._arrivals.clear()
        self._position = timestamp - ms_to_rtp(self.config.delay_ms)
        self._last_sequence = None
        self._is_paused = False
        self._report(StreamRestarted(timestamp=timestamp))

    def _play_next(self, position: int) -> Speaking[Block]:
        """Produce the next stretch of audio and advance to its end."""
        upcoming = self._arrivals.first_from(position)
        if upcoming is not None and 0 < upcoming.timestamp - position < SHORTEST_FRAME_RTP:
            # No Opus frame is so short: a sender's clock that slipped. Playing jumps to the packet.
            self._position = position = upcoming.timestamp
        decision = decide(self._situation(position, upcoming))
        match decision:
            case Regular() | Red():
                assert upcoming is not None
                played = self._decode(position, upcoming)
                return played if played is not None else (yield from self._conceal(position, upcoming.duration_rtp))
            case Lbrr():
                assert upcoming is not None
                played = self._decode_lbrr(position, upcoming)
                return played if played is not None else (yield from self._conceal(position, upcoming.lbrr_reach_rtp))
            case Dred(limit):
                return (yield from self._fill(position, self._step(limit), Source.DRED))
            case Conceal(limit):
                return (yield from self._conceal(position, limit))
            case Pause(limit):
                return self._rest(position, self._step(limit), Source.DTX)
            case Silence(limit):
                return self._rest(position, self._step(limit), Source.SILENCE)

    def _situation(self, position: int, upcoming: BufferedPacket | None) -> Situation:
        if upcoming is None:
            return Situation(paused=self._is_paused, already_guessed=self._guessed_rtp, may_guess=self._may_guess_rtp)
        until_next = upcoming.timestamp - position
        if until_next == 0:
            return Situation(until_next=0, next_is_copy=upcoming.is_copy)
        nothing_is_missing = (
            not upcoming.is_copy and self._last_sequence is not None and upcoming.sequence == self._last_sequence + 1
        )
        return Situation(
            until_next=until_next,
            next_is_copy=upcoming.is_copy,
            lbrr_reach=upcoming.lbrr_reach_rtp if self.config.use_lbrr else 0,
            paused=nothing_is_missing or (self._is_paused and until_next > REACH_RTP),
            is_covered=self._arrivals.cover(position, min(until_next, _DEFAULT_STEP_RTP)),
            already_guessed=self._guessed_rtp,
            may_guess=self._may_guess_rtp,
        )

    def _step(self, limit: int | None) -> int:
        """Choose how much of a gap to fill at once, so that what is left can be filled too."""
        longest = _DEFAULT_STEP_RTP
        if self._toc is not None:
            longest = min(longest, self._toc.frame_duration_rtp)
        if limit is None or limit % longest == 0:
            return longest
        fitting = [step for step in _STEPS_RTP if step <= min(longest, limit)]
        return next((step for step in fitting if limit % step == 0), fitting[0])

    def _decode(self, position: int, packet: BufferedPacket) -> Block | None:
        """Play a packet, or return None if the decoder refuses it."""
        self._arrivals.remove(packet)
        try:
            played = self._codec.decode(packet.payload)
        except OpusFormatError as error:
            self._report(PacketDropped(sequence=packet.sequence, reason=str(error)))
            return None
        self._toc = packet.parsed.toc
        self._is_paused = packet.is_dtx
        if not packet.is_copy:
            self._last_sequence = packet.sequence
        source = Source.RED if packet.is_copy else Source.RECEIVED
        self._close_gap()
        return self._finish(position, packet.duration_rtp, source, played, sequence=packet.sequence)

    def _decode_lbrr(self, position: int, packet: BufferedPacket) -> Block | None:
        """Play a packet's in-band FEC, or return None if the decoder refuses it."""
        reach_rtp = packet.lbrr_reach_rtp
        try:
            played = self._codec.decode_fec(packet.payload, rtp_to_samples(reach_rtp, self.config.rate_hz))
        except OpusFormatError as error:
            self._report(RedundancyRefused(sequence=packet.sequence, reason=str(error)))
            return None
        self._toc = packet.parsed.toc
        self._close_gap()
        return self._finish(position, reach_rtp, Source.LBRR, played, sequence=packet.sequence)

    def _conceal(self, position: int, limit: int | None) -> Speaking[Block]:
        step_rtp = self._step(limit)
        self._guessed_rtp += step_rtp
        if self.config.plc == "neural" and self._filler is not None and self._toc is not None:
            return (yield from self._fill(position, step_rtp, Source.PLC))
        self._close_gap()
        played = self._codec.conceal(rtp_to_samples(step_rtp, self.config.rate_hz))
        if self.config.plc == "zero":
            played = np.zeros_like(played)
        return self._finish(position, step_rtp, Source.PLC, played)

    def _fill(self, position: int, step_rtp: int, source: Source) -> Speaking[Block]:
        assert self._filler is not None
        upcoming = self._arrivals.first()
        toc = self._toc or (upcoming.parsed.toc if upcoming else Toc(config=9))
        played = yield from self._filler.fill(position, step_rtp, toc, self._history, self._arrivals.features_from)
        sequence = upcoming.sequence if upcoming is not None and source is Source.DRED else None
        return self._finish(position, step_rtp, source, played, sequence=sequence)

    def _rest(self, position: int, step_rtp: int, source: Source) -> Block:
        """Let the decoder fade or make comfort noise."""
        self._close_gap()
        played = self._codec.conceal(rtp_to_samples(step_rtp, self.config.rate_hz))
        if source is Source.SILENCE:
            played = np.zeros_like(played)
        return self._finish(position, step_rtp, source, played)

    def _close_gap(self) -> None:
        if self._filler is not None and self._filler.is_open:
            self._tail = self._filler.finish()

    def _finish(
        self, position: int, duration_rtp: int, source: Source, played: Block, *, sequence: int | None = None
    ) -> Block:
        """Join, remember and report a stretch of audio."""
        if len(self._tail):
            cross_fade(self._tail, played)
            self._tail = self._tail[:0]
        if source in _KNOWN:
            self._guessed_rtp = self._unheard_rtp = 0
        else:
            self._unheard_rtp += duration_rtp
        self._history.add(played, is_heard=source in _HEARD)
        self._position = position + duration_rtp
        self._report(Played(timestamp=position, duration_rtp=duration_rtp, source=source, sequence=sequence))
        return played

    def _report(self, event: Event) -> None:
        self._events.append(event)
