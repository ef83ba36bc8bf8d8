"""What is played next: a decision, and the samples that follow from it.

    arrivals -> decide -> regular | RED | LBRR -> decoder ----------------.
                      '-> DRED | PLC -> gap filler -> (primes) decoder ---+-> samples

Whatever a packet holds, it costs at most itself.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from dred.errors import OpusFormatError
from dred.opus import Toc
from dred.receiver.arrivals import Arrivals
from dred.receiver.buffer import BufferedPacket
from dred.receiver.config import ReceiverConfig
from dred.receiver.coverage import REACH_RTP
from dred.receiver.decision import (
    SHORTEST_FRAME_RTP,
    Conceal,
    Decision,
    Dred,
    Lbrr,
    Pause,
    Red,
    Regular,
    Silence,
    Situation,
    decide,
)
from dred.receiver.events import Event, PacketDropped, Played, RedundancyRefused, Source
from dred.receiver.gap import GapFiller, cross_fade
from dred.receiver.history import PlayedHistory
from dred.receiver.parts import Codec
from dred.receiver.speaking import Speaking
from dred.receiver.statistics import StatisticsCounter
from dred.timebase import RTP_TICKS_PER_MS, ms_to_rtp, rtp_to_samples

# Gaps are filled in steps of 20 ms, or of the longest Opus frame that divides what is left.
_STEPS_RTP = (960, 480, 240, SHORTEST_FRAME_RTP)
_DEFAULT_STEP_RTP = 960

_HEARD = (Source.RECEIVED, Source.RED, Source.LBRR)
_KNOWN = (*_HEARD, Source.DRED)
_UNKNOWN = (Conceal, Silence)
_PACKET_IS_DUE, _COPY_IS_DUE = (Situation(until_next=0, next_is_copy=is_copy) for is_copy in (False, True))

Block = Float32[np.ndarray, "samples channels"]


class Next(NamedTuple):
    """What is due: where, what to do about it, and the packet that comes next."""

    position: int
    decision: Decision
    upcoming: BufferedPacket | None

    @property
    def is_unknown(self) -> bool:
        """Whether nothing tells what belongs there."""
        return isinstance(self.decision, _UNKNOWN)


class Production:
    """One stream's audio, stretch by stretch."""

    def __init__(
        self,
        config: ReceiverConfig,
        codec: Codec,
        filler: GapFiller | None,
        arrivals: Arrivals,
        *,
        counter: StatisticsCounter,
        report: Callable[[Event], None],
    ) -> None:
        """Start without a position; report takes what is worth telling, counter what there is to count."""
        self.config = config
        self.position: int | None = None
        """Where the next stretch starts, as an unwrapped timestamp; None before the first."""
        self.unheard_rtp = 0
        """How long before it nothing was known."""
        self.heard_ms = 0.0
        """When the next stretch will be heard."""
        self._codec = codec
        self._filler = filler
        self._arrivals = arrivals
        self._counter = counter
        self._report = report
        self._history = PlayedHistory(config.rate_hz)
        self._may_guess_rtp = ms_to_rtp(config.max_conceal_ms)
        self._tail: Block = np.zeros((0, config.channels), np.float32)
        self._toc: Toc | None = None
        self._last_sequence: int | None = None
        self._is_paused = False
        self._guessed_rtp = 0

    def restart(self, position: int) -> None:
        """Go on at another time."""
        self._close_gap()
        self.position = position
        self._last_sequence = None
        self._is_paused = False

    def find_next(self) -> Next:
        """Decide what is to be done next."""
        position = self.position
        assert position is not None, "playing has begun"
        upcoming = self._arrivals.first_from(position)
        if upcoming is not None and 0 < upcoming.timestamp - position < SHORTEST_FRAME_RTP:
            # No Opus frame is so short: a sender's clock that slipped. Playing jumps to the packet.
            position = upcoming.timestamp
        return Next(position, decide(self._situation(position, upcoming)), upcoming)

    def produce(self, following: Next) -> Speaking[Block]:
        """Produce the next stretch of audio and advance to its end."""
        position, decision, upcoming = following
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
            return _COPY_IS_DUE if upcoming.is_copy else _PACKET_IS_DUE
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
        duration_rtp = packet.duration_rtp
        waited_ms = self.heard_ms + duration_rtp / (2 * RTP_TICKS_PER_MS) - packet.arrived_ms
        return self._finish(position, duration_rtp, source, played, sequence=packet.sequence, waited_ms=waited_ms)

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
        self,
        position: int,
        duration_rtp: int,
        source: Source,
        played: Block,
        *,
        sequence: int | None = None,
        waited_ms: float | None = None,
    ) -> Block:
        """Join, remember and report a stretch of audio."""
        if len(self._tail):
            cross_fade(self._tail, played)
            self._tail = self._tail[:0]
        if source in _KNOWN:
            self._guessed_rtp = self.unheard_rtp = 0
        else:
            self.unheard_rtp += duration_rtp
        self._history.add(played, is_heard=source in _HEARD)
        self.position = position + duration_rtp
        self._counter.play(len(played), source, sequence, waited_ms)
        self._report(Played(timestamp=position, duration_rtp=duration_rtp, source=source, sequence=sequence))
        return played
