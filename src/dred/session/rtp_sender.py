"""The sending end: speech in, datagrams out; reports in, decisions about redundancy out.

```
 pcm --> stream --> RED copies --> fits the MTU? --> RTP --> datagrams
            ^------ plan ------ controller <-- losses, round trip <-- RTCP
```
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from dred.errors import RtpFormatError
from dred.opus import strip_extensions
from dred.rtp import DEFAULT_RED_PAYLOAD_TYPE, RedSender, RtpPacket, is_rtcp, rtcp, write_rtp
from dred.sender import SendStream, SentPacket
from dred.session.config import RTP_HEADER_BYTES, RtpSenderConfig
from dred.session.control import RedundancyControl
from dred.session.events import PlanApplied, RedundancyLeftOut, Refusal, SenderEvent
from dred.session.feedback import Feedback
from dred.session.pace import ReportTimer, TokenBucket
from dred.session.refusals import Refusals
from dred.session.statistics import RtpSenderStatistics
from dred.timebase import ms_to_rtp

__all__ = ["RtpSender"]

_SEQUENCES, _TIMESTAMPS = 1 << 16, 1 << 32
# Opus says with at most two bytes that there is nothing to say. Source: RFC 7587 section 3.1.3.
_PAUSE_BYTES = 2
_MAX_EVENTS = 256


class RtpSender:
    """One stream's sending end. Stream and controller come in ready made; `dred.RtpSender` names them."""

    def __init__(
        self,
        config: RtpSenderConfig,
        stream: SendStream,
        controller: RedundancyControl | None,
        rng: np.random.Generator,
    ) -> None:
        """Start a stream.

        Args:
            config: What to do.
            stream: Turns speech into packets.
            controller: Decides about redundancy from what the other side reports; None to keep the configuration.
            rng: For the SSRC, for where sequence numbers and timestamps begin, and for the times of reports.
        """
        self.config = config
        self.ssrc = int(rng.integers(1 << 32)) if config.ssrc is None else config.ssrc
        self._stream = stream
        self._controller = controller
        # Source: RFC 3550 section 5.1: beginnings are random.
        self._sequence_offset = int(rng.integers(_SEQUENCES))
        self._timestamp_offset = int(rng.integers(_TIMESTAMPS))
        self._timer = ReportTimer(config.report_interval_ms, rng)
        self._room_bytes = config.mtu_bytes - RTP_HEADER_BYTES
        red_payload_type = config.red_payload_type
        self._red = RedSender(
            config.num_red_copies,
            red_payload_type=DEFAULT_RED_PAYLOAD_TYPE if red_payload_type is None else red_payload_type,
            opus_payload_type=config.opus_payload_type,
            max_bytes=self._room_bytes,
            strip=strip_extensions,
        )
        self._reports = TokenBucket(config.max_reports_per_s)
        self._refusals = Refusals()
        self._feedback = Feedback(self.ssrc, controller, self._report_event)
        self._sent = RtpSenderStatistics()
        self._last_timestamp = self._timestamp_offset
        self._last_sent_ms: float | None = None
        self._is_paused = True
        self._events: list[SenderEvent] = []

    @property
    def statistics(self) -> RtpSenderStatistics:
        """What was sent so far, and what the other side says."""
        heard = self._feedback.last_heard
        if heard is None:
            return self._sent
        return replace(
            self._sent,
            fraction_lost=heard.fraction_lost,
            num_lost=heard.num_lost,
            jitter_ms=heard.jitter_ms,
            round_trip_ms=heard.round_trip_ms,
        )

    def push(self, pcm: np.ndarray, now: float) -> list[bytes]:
        """Take in samples and return the RTP packets that they complete.

        Args:
            pcm: float32 or float64 in -1 to 1, or int16; [samples] or [samples, channels]; any number of samples.
            now: Time in milliseconds, on any clock that never goes back.

        Raises:
            UsageError: The samples are not finite, or their type or channels do not fit.
        """
        if self._controller is not None:
            plan = self._controller.decide(now)
            if plan is not None:
                self._stream.apply(plan)
                if self.config.red_payload_type is not None:
                    self._red.num_copies = plan.num_red_copies
                self._report_event(PlanApplied(plan=plan))
        return self._send(self._stream.push(pcm), now)

    def finish(self, now: float) -> list[bytes]:
        """Return the last packets, and behind them a report with a goodbye."""
        packets = self._send(self._stream.finish(), now)
        return [*packets, rtcp.write_rtcp([*self._report(now), rtcp.Goodbye(ssrcs=(self.ssrc,))])]

    def receive(self, datagram: bytes, now: float) -> None:
        """Take in a datagram from the other side, RTCP; any bytes, nothing raises."""
        refusal = None
        try:
            if not self._reports.take(now):
                refusal = Refusal.FLOOD
            elif not is_rtcp(datagram):
                refusal = Refusal.OTHER_TYPE
            else:
                for packet in rtcp.parse_rtcp(datagram):
                    refusal = self._feedback.hear(packet, now, self._ntp(now)) or refusal
        except RtpFormatError:
            refusal = Refusal.MALFORMED
        if refusal is not None:
            self._refusals.count(refusal)

    def reports(self, now: float) -> list[bytes]:
        """Return the RTCP that is due: at most one datagram."""
        if not self._timer.is_due(now) or self._last_sent_ms is None:
            return []
        return [rtcp.write_rtcp(self._report(now))]

    def events(self) -> list[SenderEvent]:
        """Return what has happened since the last call."""
        events, self._events = self._events, []
        return [*events, *self._refusals.tell()]

    def _send(self, packets: Iterable[SentPacket], now: float) -> list[bytes]:
        datagrams = []
        for sent in packets:
            if self._controller is not None:
                self._controller.observe_packet(sent)
            datagrams.append(self._pack(sent, now))
        return datagrams

    def _pack(self, sent: SentPacket, now: float) -> bytes:
        sequence = (sent.sequence + self._sequence_offset) % _SEQUENCES
        timestamp = (sent.timestamp + self._timestamp_offset) % _TIMESTAMPS
        packet, dred_bytes = sent.payload, sent.dred_bytes
        if len(packet) > self._room_bytes:
            packet, dred_bytes = strip_extensions(packet), 0
            self._report_event(
                RedundancyLeftOut(
                    sequence=sequence,
                    num_bytes=len(sent.payload) - len(packet),
                    still_exceeds=len(packet) > self._room_bytes,
                )
            )
        payload_type, payload = self._red.send(packet, timestamp)
        if not self._red.num_copies:
            payload_type, payload = self.config.opus_payload_type, packet
        is_pause = len(packet) <= _PAUSE_BYTES
        data = write_rtp(
            RtpPacket(
                payload_type=payload_type,
                sequence=sequence,
                timestamp=timestamp,
                ssrc=self.ssrc,
                payload=payload,
                # Source: RFC 3551 section 4.1: the first packet behind a silence.
                marker=self._is_paused and not is_pause,
            )
        )
        self._is_paused = is_pause
        self._last_timestamp, self._last_sent_ms = timestamp, now
        self._feedback.sent(sequence)
        before = self._sent
        self._sent = replace(
            before,
            num_packets=before.num_packets + 1,
            main_bytes=before.main_bytes + len(packet) - dred_bytes,
            dred_bytes=before.dred_bytes + dred_bytes,
            red_bytes=before.red_bytes + len(payload) - len(packet),
            overhead_bytes=before.overhead_bytes + RTP_HEADER_BYTES,
        )
        return data

    def _report(self, now: float) -> list[rtcp.RtcpPacket]:
        ntp = self._ntp(now)
        self._feedback.round_trips.remember(ntp)
        since_last_ms = 0.0 if self._last_sent_ms is None else now - self._last_sent_ms
        payload_bytes = self._sent.main_bytes + self._sent.dred_bytes + self._sent.red_bytes
        packets: list[rtcp.RtcpPacket] = [
            rtcp.SenderReport(
                ssrc=self.ssrc,
                ntp=ntp,
                rtp_timestamp=(self._last_timestamp + ms_to_rtp(since_last_ms)) % _TIMESTAMPS,
                num_packets=self._sent.num_packets % (1 << 32),
                num_bytes=payload_bytes % (1 << 32),
            ),
            rtcp.SourceDescription(sources=(rtcp.Described(ssrc=self.ssrc, cname=self.config.cname),)),
        ]
        heard = self._feedback.reference
        if heard is not None:
            delay = rtcp.DelaySinceReference(
                ssrc=heard.ssrc,
                last_reference=heard.compact_ntp,
                delay=rtcp.ms_to_compact_ntp(now - heard.heard_ms),
            )
            packets.append(rtcp.ExtendedReport(ssrc=self.ssrc, blocks=(rtcp.ReferenceDelays(delays=(delay,)),)))
        return packets

    def _ntp(self, now: float) -> int:
        return rtcp.unix_ms_to_ntp(self.config.unix_ms_at_zero + now)

    def _report_event(self, event: SenderEvent) -> None:
        # Whoever does not ask does not want to know.
        self._events = [*self._events[1 - _MAX_EVENTS :], event]
