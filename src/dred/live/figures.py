"""What is shown and printed once a second, counted from events: plain values, for people, scripts and tests."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from dred.receiver import DelayChanged, Played, Source
from dred.session import (
    ReceiverEvent,
    RtpReceiverStatistics,
    RtpSenderStatistics,
    SenderEvent,
    SourceEnded,
    SourceLocked,
)
from dred.session.events import PlanApplied
from dred.timebase import rtp_to_ms

__all__ = ["STRIP_CELL_MS", "ReceivingCounter", "ReceivingFigures", "SendingCounter", "SendingFigures"]

STRIP_CELL_MS = 40
_MAX_STRIP_CELLS = 400
_TOLD = (Source.RECEIVED, Source.RED, Source.LBRR, Source.DRED)
# What tells most about a cell comes last.
_RANK = (Source.DTX, Source.RECEIVED, Source.RED, Source.LBRR, Source.DRED, Source.PLC, Source.SILENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivingFigures:
    """A receiver after so long.

    Attributes:
        seconds: Since the beginning.
        ssrc: The source that is heard, or None.
        num_packets: Packets of it that arrived.
        num_lost: Packets of it that did not.
        lost_percent: Share of them in the last second.
        jitter_ms: Of RFC 3550.
        delay_ms: How long playing waits for packets now.
        round_trip_ms: None before it can be told.
        bitrate_bps: RTP in the last second, without UDP and IP.
        num_refused: Datagrams that were not used, those that failed the check of a key included.
        played_ms: By source, since the beginning.
        strip: The latest cells of 40 ms of audio, each by the source that tells most about it, oldest first.
    """

    seconds: float
    ssrc: int | None
    num_packets: int
    num_lost: int
    lost_percent: float
    jitter_ms: float
    delay_ms: float
    round_trip_ms: float | None
    bitrate_bps: float
    num_refused: int
    played_ms: dict[str, float]
    strip: tuple[Source, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return everything but the strip."""
        return {
            "seconds": round(self.seconds, 1),
            "ssrc": self.ssrc,
            "packets": self.num_packets,
            "lost": self.num_lost,
            "lost_percent": round(self.lost_percent, 1),
            "jitter_ms": round(self.jitter_ms, 2),
            "delay_ms": round(self.delay_ms, 1),
            "round_trip_ms": None if self.round_trip_ms is None else round(self.round_trip_ms, 1),
            "bitrate_bps": round(self.bitrate_bps),
            "refused": self.num_refused,
            "played_ms": {name: round(ms, 1) for name, ms in self.played_ms.items()},
        }


class ReceivingCounter:
    """Events to figures."""

    def __init__(self, *, delay_ms: float, now: float) -> None:
        """Start at a time."""
        self._start_ms = self._last_ms = now
        self._last: RtpReceiverStatistics | None = None
        self._delay_ms = delay_ms
        self._played_ms = dict.fromkeys(Source, 0.0)
        self._strip: deque[Source] = deque(maxlen=_MAX_STRIP_CELLS)
        self._cell: list[Source] = []
        self._cell_ms = 0.0
        self.address: object = None
        self.unknown_ms = 0.0
        """How long nothing that a packet tells has been played."""
        self.has_ended = False

    def add(self, events: Iterable[ReceiverEvent]) -> None:
        """Take note of what has happened."""
        for event in events:
            match event:
                case Played():
                    self._add_played(event.source, rtp_to_ms(event.duration_rtp))
                case DelayChanged():
                    self._delay_ms = event.target_ms
                case SourceLocked():
                    self.address, self.has_ended = event.address, False
                case SourceEnded():
                    self.has_ended = True

    def tell(
        self, statistics: RtpReceiverStatistics, now: float, *, num_unchecked: int, whole: bool = False
    ) -> ReceivingFigures:
        """Return the figures now; the next second begins here.

        Args:
            statistics: Of the receiver.
            now: Milliseconds.
            num_unchecked: Datagrams that failed the check of a key.
            whole: Whether loss and rate are to be of the whole time, not of the last second.
        """
        if whole:
            self._last, self._last_ms = None, self._start_ms
        before, self._last = self._last, statistics
        same = before is not None and before.ssrc == statistics.ssrc
        reception, seconds = statistics.reception, (now - self._last_ms) / 1000
        expected = reception.num_expected - (before.reception.num_expected if before and same else 0)
        received = reception.num_received - (before.reception.num_received if before and same else 0)
        num_bytes = statistics.num_bytes - (before.num_bytes if before else 0)
        self._last_ms = now
        return ReceivingFigures(
            seconds=(now - self._start_ms) / 1000,
            ssrc=statistics.ssrc,
            num_packets=reception.num_received,
            num_lost=max(reception.num_lost, 0),
            lost_percent=100 * max(expected - received, 0) / expected if expected > 0 else 0.0,
            jitter_ms=statistics.jitter_ms,
            delay_ms=self._delay_ms,
            round_trip_ms=statistics.round_trip_ms,
            bitrate_bps=8 * num_bytes / seconds if seconds > 0 else 0.0,
            num_refused=sum(statistics.refused.values()) + num_unchecked,
            played_ms={source.value: ms for source, ms in self._played_ms.items()},
            strip=tuple(self._strip),
        )

    def _add_played(self, source: Source, ms: float) -> None:
        self._played_ms[source] += ms
        self.unknown_ms = 0.0 if source in _TOLD else self.unknown_ms + ms
        self._cell.append(source)
        self._cell_ms += ms
        while self._cell_ms >= STRIP_CELL_MS:
            self._strip.append(max(self._cell, key=_RANK.index))
            self._cell_ms -= STRIP_CELL_MS
            self._cell = [source] if self._cell_ms else []


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingFigures:
    """A sender after so long. Rates are of the last second.

    Attributes:
        seconds: Since the beginning.
        num_packets: Sent.
        num_dropped: Of these, not handed to the network for demonstration, or too large to be protected.
        main_bps: Opus, its LBRR included.
        dred_bps: Deep redundancy.
        red_bps: Copies.
        header_bps: RTP headers, without UDP and IP.
        lost_percent: What the other side reports; None before.
        jitter_ms: Likewise.
        round_trip_ms: Likewise.
        plan: Why bits are split as they are.
        num_refused: Datagrams of the other side that were not used.
    """

    seconds: float
    num_packets: int
    num_dropped: int
    main_bps: float
    dred_bps: float
    red_bps: float
    header_bps: float
    lost_percent: float | None
    jitter_ms: float | None
    round_trip_ms: float | None
    plan: str
    num_refused: int

    @property
    def has_listener(self) -> bool:
        """Whether the other side has reported."""
        return self.lost_percent is not None

    def as_json(self) -> dict[str, object]:
        """Return everything."""
        return {
            "seconds": round(self.seconds, 1),
            "packets": self.num_packets,
            "dropped": self.num_dropped,
            "main_bps": round(self.main_bps),
            "dred_bps": round(self.dred_bps),
            "red_bps": round(self.red_bps),
            "header_bps": round(self.header_bps),
            "lost_percent": None if self.lost_percent is None else round(self.lost_percent, 1),
            "jitter_ms": None if self.jitter_ms is None else round(self.jitter_ms, 2),
            "round_trip_ms": None if self.round_trip_ms is None else round(self.round_trip_ms, 1),
            "plan": self.plan,
            "refused": self.num_refused,
        }


class SendingCounter:
    """Statistics and events to figures."""

    def __init__(self, now: float) -> None:
        """Start at a time."""
        self._start_ms = self._last_ms = now
        self._last = RtpSenderStatistics()
        self._plan = "as configured"

    def add(self, events: Iterable[SenderEvent]) -> None:
        """Take note of what has happened."""
        for event in events:
            if isinstance(event, PlanApplied):
                self._plan = event.plan.reason

    def tell(
        self,
        statistics: RtpSenderStatistics,
        now: float,
        *,
        num_dropped: int,
        num_refused: int,
        whole: bool = False,
    ) -> SendingFigures:
        """Return the figures now; the next second begins here. With `whole`, rates are of the whole time."""
        if whole:
            self._last, self._last_ms = RtpSenderStatistics(), self._start_ms
        before, self._last = self._last, statistics
        per_s = 8000 / max(now - self._last_ms, 1.0)
        self._last_ms = now
        lost = statistics.fraction_lost
        return SendingFigures(
            seconds=(now - self._start_ms) / 1000,
            num_packets=statistics.num_packets,
            num_dropped=num_dropped,
            main_bps=per_s * (statistics.main_bytes - before.main_bytes),
            dred_bps=per_s * (statistics.dred_bytes - before.dred_bytes),
            red_bps=per_s * (statistics.red_bytes - before.red_bytes),
            header_bps=per_s * (statistics.overhead_bytes - before.overhead_bytes),
            lost_percent=None if lost is None else 100 * lost,
            jitter_ms=statistics.jitter_ms,
            round_trip_ms=statistics.round_trip_ms,
            plan=self._plan,
            num_refused=num_refused,
        )
