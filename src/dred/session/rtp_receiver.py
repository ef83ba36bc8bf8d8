"""The receiving end: datagrams in, speech, events and reports out.

```
                  .-- RTCP --> goodbye, sender reports, round trip
 datagram --> which?
                  '-- RTP --> continues the heard source? --> RED --> stream --> samples
                                   '-- no --> candidates (a stream begins, or has another SSRC)
```

One source is heard at a time. Another takes its place only when it has passed its probation and the heard one has
fallen silent or has said goodbye. So nobody who does not know the stream's numbers can disturb it; who can see the
packets can forge them, and only encryption helps (SRTP, `dred.live`).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from dred.errors import RtpFormatError
from dred.receiver import ReceiveStream
from dred.rtp import Reception, RedBlock, RtpPacket, is_rtcp, parse_red, parse_rtp, rtcp
from dred.session.candidates import Candidates
from dred.session.config import RTP_HEADER_BYTES, RtpReceiverConfig
from dred.session.events import ReceiverEvent, Refusal, SourceEnded, SourceLocked
from dred.session.heard_source import Continuity, HeardSource, SourceKey
from dred.session.pace import ReportTimer, TokenBucket
from dred.session.refusals import Refusals
from dred.session.round_trip import RoundTrips
from dred.session.statistics import RtpReceiverStatistics

__all__ = ["RtpReceiver"]

# Behind a goodbye, packets that were overtaken by it may still come. Our choice.
_GOODBYE_GRACE_MS = 100
_MAX_EVENTS = 256
_REFUSALS = {Continuity.REPLAYED: Refusal.REPLAYED, Continuity.OUTDATED: Refusal.OUTDATED}
_NOTHING_RECEIVED = Reception(num_received=0, num_expected=0, highest_sequence=0, jitter_rtp=0.0)


class RtpReceiver:
    """One stream's receiving end. Its streams come in ready made; `dred.RtpReceiver` names their networks."""

    def __init__(
        self, config: RtpReceiverConfig, make_stream: Callable[[], ReceiveStream], rng: np.random.Generator
    ) -> None:
        """Start without any source.

        Args:
            config: What to do.
            make_stream: Builds the receiver of one source; called once now and once for each source that follows.
            rng: For the SSRC and the times of reports.
        """
        self.config = config
        self.ssrc = int(rng.integers(1 << 32)) if config.ssrc is None else config.ssrc
        self._make_stream = make_stream
        self._stream = make_stream()
        self._source: HeardSource | None = None
        self._candidates = Candidates(max_candidates=config.max_candidates, min_sequential=config.min_sequential)
        self._packets = TokenBucket(config.max_packets_per_s)
        self._strangers = TokenBucket(config.max_strangers_per_s)
        self._timer = ReportTimer(config.report_interval_ms, rng)
        self._round_trips = RoundTrips()
        self._round_trip_ms: float | None = None
        self._events: list[ReceiverEvent] = []
        self._refusals = Refusals()
        self._num_datagrams = self._num_bytes = self._num_sources = 0

    @property
    def stream(self) -> ReceiveStream:
        """The receiver of the source that is heard."""
        return self._stream

    @property
    def statistics(self) -> RtpReceiverStatistics:
        """What has arrived so far."""
        source = self._source
        return RtpReceiverStatistics(
            ssrc=source.key.ssrc if source else None,
            cname=source.cname if source else None,
            reception=source.reception.reception if source else _NOTHING_RECEIVED,
            round_trip_ms=self._round_trip_ms,
            num_datagrams=self._num_datagrams,
            num_bytes=self._num_bytes,
            num_sources=self._num_sources,
            refused=self._refusals.totals(),
            stream=self._stream.statistics,
        )

    def receive(self, datagram: bytes, now: float, address: object = None) -> None:
        """Take in a datagram; any bytes, nothing raises.

        Args:
            datagram: RTP or RTCP.
            now: Time of arrival in milliseconds, on any clock that never goes back.
            address: Where it came from, anything that can be compared and hashed: sources of other addresses are
                other sources. None if that is not known.
        """
        self._num_datagrams += 1
        try:
            refusal = (
                self._receive_rtcp(datagram, now, address)
                if is_rtcp(datagram)
                else self._receive_rtp(datagram, now, address)
            )
        except RtpFormatError:
            refusal = Refusal.MALFORMED
        if refusal is not None:
            self._refusals.count(refusal)

    def play(self, num_samples: int, now: float) -> tuple[Float32[np.ndarray, "samples channels"], list[ReceiverEvent]]:
        """Return exactly the next samples, and what has happened since the last call.

        Raises:
            UsageError: num_samples is negative.
        """
        samples, events = self._stream.play(num_samples, now)
        session_events, self._events = self._events, []
        return samples, [*session_events, *self._refusals.tell(), *events]

    def reports(self, now: float) -> list[bytes]:
        """Return the RTCP that is due: at most one datagram, to be sent to where RTP comes from."""
        if not self._timer.is_due(now) or self._source is None:
            return []
        return [rtcp.write_rtcp(self._report(self._source, now))]

    def finish(self, now: float) -> list[bytes]:
        """Return the last report and a goodbye."""
        report: list[rtcp.RtcpPacket] = [rtcp.ReceiverReport(ssrc=self.ssrc), self._description()]
        if self._source is not None:
            report = self._report(self._source, now)
        return [rtcp.write_rtcp([*report, rtcp.Goodbye(ssrcs=(self.ssrc,))])]

    def _receive_rtp(self, datagram: bytes, now: float, address: object) -> Refusal | None:
        packet = parse_rtp(datagram)
        key = SourceKey(address, packet.ssrc)
        if self._source is not None and key == self._source.key:
            continuity = self._source.judge(packet.sequence, packet.timestamp, now)
            if continuity is Continuity.NEW:
                return self._take(self._source, packet, now)
            if continuity is not Continuity.FOREIGN:
                return _REFUSALS[continuity]
        if not self._strangers.take(now):
            return Refusal.FLOOD
        return self._consider(key, packet, now)

    def _take(self, source: HeardSource, packet: RtpPacket, now: float) -> Refusal | None:
        """Play a packet of the heard source."""
        if not self._packets.take(now):
            return Refusal.FLOOD
        # Broken RED raises before anything is noted, so that the genuine packet may still come.
        payload, copies = self._unpack(packet)
        source.accept(packet.sequence, packet.timestamp, now)
        source.has_said_goodbye = False
        if payload is None:
            return Refusal.OTHER_TYPE
        self._deliver(packet, payload, copies, now)
        return None

    def _consider(self, key: SourceKey, packet: RtpPacket, now: float) -> Refusal | None:
        """Look at a packet of another source, and hear that source if it may take over."""
        if self._unpack(packet)[0] is None:
            return Refusal.OTHER_TYPE
        found = self._candidates.receive(key, packet, now)
        if found is None or not self._may_take_over(now):
            # The first source's first packets are held, and played once they have passed.
            return Refusal.OTHER_SOURCE if self._source is not None else None
        source, packets = found
        self._candidates.remove(key)
        if self._source is not None:
            self._stream = self._make_stream()
        self._source = source
        self._num_sources += 1
        self._report_event(SourceLocked(ssrc=key.ssrc, address=key.address))
        for held, arrived_ms in packets:
            payload, copies = self._unpack(held)
            assert payload is not None, "only packets that can be played are held"
            self._deliver(held, payload, copies, arrived_ms)
        return None

    def _may_take_over(self, now: float) -> bool:
        if self._source is None:
            return True
        silent_ms = now - self._source.last_heard_ms
        return silent_ms >= (_GOODBYE_GRACE_MS if self._source.has_said_goodbye else self.config.takeover_ms)

    def _unpack(self, packet: RtpPacket) -> tuple[bytes | None, tuple[RedBlock, ...]]:
        """Return the Opus packet and its copies; None if the payload is of another type."""
        if packet.payload_type == self.config.opus_payload_type:
            return packet.payload, ()
        if packet.payload_type != self.config.red_payload_type:
            return None, ()
        copies, primary = parse_red(packet.payload)
        if primary.payload_type != self.config.opus_payload_type:
            return None, ()
        return primary.payload, tuple(
            copy for copy in copies if copy.payload_type == self.config.opus_payload_type and copy.payload
        )

    def _deliver(self, packet: RtpPacket, payload: bytes, copies: tuple[RedBlock, ...], now: float) -> None:
        self._num_bytes += RTP_HEADER_BYTES + len(packet.payload)
        self._stream.receive(payload, packet.sequence, packet.timestamp, now, copies)

    def _receive_rtcp(self, datagram: bytes, now: float, address: object) -> Refusal | None:
        if not self._strangers.take(now):
            return Refusal.FLOOD
        source = self._source
        is_used = False
        for packet in rtcp.parse_rtcp(datagram):
            if source is None or source.key.address != address:
                continue
            is_used = True
            match packet:
                case rtcp.SenderReport(ssrc=source.key.ssrc):
                    source.hear_report(packet.ntp, now)
                case rtcp.SourceDescription():
                    names = {found.ssrc: found.cname for found in packet.sources}
                    source.cname = names.get(source.key.ssrc) or source.cname
                case rtcp.Goodbye() if source.key.ssrc in packet.ssrcs:
                    if not source.has_said_goodbye:
                        self._report_event(SourceEnded(ssrc=source.key.ssrc, reason=packet.reason))
                    source.has_said_goodbye = True
                case rtcp.ExtendedReport(ssrc=source.key.ssrc):
                    self._hear_delays(packet, now)
        return None if is_used else Refusal.OTHER_SOURCE

    def _hear_delays(self, report: rtcp.ExtendedReport, now: float) -> None:
        delays = [delay for block in report.blocks if isinstance(block, rtcp.ReferenceDelays) for delay in block.delays]
        for delay in delays:
            if delay.ssrc == self.ssrc:
                measured_ms = self._round_trips.measure_ms(delay.last_reference, delay.delay, self._ntp(now))
                self._round_trip_ms = self._round_trip_ms if measured_ms is None else measured_ms

    def _report(self, source: HeardSource, now: float) -> list[rtcp.RtcpPacket]:
        ntp = self._ntp(now)
        self._round_trips.remember(ntp)
        losses = source.loss_block()
        blocks = (rtcp.ReceiverReferenceTime(ntp=ntp), *((losses,) if losses is not None else ()))
        return [
            rtcp.ReceiverReport(ssrc=self.ssrc, blocks=(source.report_block(now),)),
            self._description(),
            rtcp.ExtendedReport(ssrc=self.ssrc, blocks=blocks),
        ]

    def _description(self) -> rtcp.SourceDescription:
        return rtcp.SourceDescription(sources=(rtcp.Described(ssrc=self.ssrc, cname=self.config.cname),))

    def _ntp(self, now: float) -> int:
        return rtcp.unix_ms_to_ntp(self.config.unix_ms_at_zero + now)

    def _report_event(self, event: ReceiverEvent) -> None:
        # Whoever does not play does not listen either.
        self._events = [*self._events[1 - _MAX_EVENTS :], event]
