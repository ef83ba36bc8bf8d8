"""aiortc's receiver, led to ours: packets as they come, frames when they are due.

    aiortc: RTP -> statistics, reports -> (jitter buffer) -> decoder -> track
                                               '- ours: Opus and RED -> dred.Receiver -> track, 20 ms every 20 ms

Everything is attached to one object; aiortc's class stays as it is. Other codecs go aiortc's way.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from aiortc import MediaStreamTrack, RTCRtpReceiver
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtp import RtpPacket
from aiortc.stats import RTCInboundRtpStreamStats, RTCStatsReport
from av.frame import Frame

from dred.assembly import Receiver
from dred.errors import RtpFormatError
from dred.receiver import Event, ReceiverStatistics
from dred.rtp import RedBlock, parse_red
from dred.webrtc.audio_frames import to_frame
from dred.webrtc.codecs import is_opus, is_red
from dred.webrtc.config import WebRtcConfig

__all__ = ["PlayoutTrack", "ReceiveAttachment"]

_FRAME_MS = 20
_MAX_EVENTS = 1_000
_MAX_LAG_S = 0.2
_STREAM_BEGINS = object()

Deliver = Callable[[bytes, RtpPacket, tuple[RedBlock, ...]], None]


class PlayoutTrack(MediaStreamTrack):
    """A remote audio track that plays in time, whatever arrives.

    From the first packet on `recv` gives 20 ms every 20 ms. A consumer that is late by up to 200 ms gets what it missed
    at once; one that was away for longer goes on from there, and our receiver catches up.

    Attributes:
        events: The last thousand things that happened, oldest first.
    """

    kind = "audio"

    def __init__(self, source: Any, config: WebRtcConfig) -> None:
        """Take the place of one of aiortc's remote tracks, with its id and its queue.

        Raises:
            ModelError: Networks are needed and there are no weights.
        """
        super().__init__()
        self._id = source.id
        self._queue: asyncio.Queue[Any] = source._queue
        self._config = config
        self._receiver = Receiver(config.receiver)
        self._ssrc: int | None = None
        self.events: deque[Event] = deque(maxlen=_MAX_EVENTS)
        self._start_s: float | None = None
        self._num_samples = 0

    @property
    def statistics(self) -> ReceiverStatistics:
        """What was received and played so far, by the names of webrtc-stats."""
        return self._receiver.statistics

    def take(self, payload: bytes, packet: RtpPacket, copies: tuple[RedBlock, ...]) -> None:
        """Take in an Opus packet, and RED copies that came with it."""
        if self._ssrc is None:
            self._queue.put_nowait(_STREAM_BEGINS)
        elif self._ssrc != packet.ssrc:
            self._receiver = Receiver(self._config.receiver)
        self._ssrc = packet.ssrc
        now = asyncio.get_running_loop().time() * 1000
        self._receiver.receive(payload, packet.sequence_number, packet.timestamp, now, copies)

    async def recv(self) -> Frame:
        """Return the next 20 ms once they are due.

        Raises:
            MediaStreamError: The track has ended.
        """
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._start_s is None:
            # Nothing has come yet, or another codec, which aiortc decodes.
            item = await self._queue.get()
            if item is None:
                self._end()
            if item is not _STREAM_BEGINS:
                return item
            self._start_s = loop.time()
        rate_hz = self._config.receiver.rate_hz
        ahead_s = self._start_s + self._num_samples / rate_hz - loop.time()
        if ahead_s < -_MAX_LAG_S:
            # Frames given all at once would run past packets that wait for the event loop.
            self._start_s -= ahead_s
        await asyncio.sleep(max(0.0, ahead_s))
        while not self._queue.empty():
            if self._queue.get_nowait() is None:
                self._end()
        samples, events = self._receiver.play(rate_hz * _FRAME_MS // 1000, loop.time() * 1000)
        self.events.extend(events)
        frame = to_frame(samples, rate_hz=rate_hz, pts=self._num_samples)
        self._num_samples += len(samples)
        return frame

    def _end(self) -> None:
        self.stop()
        raise MediaStreamError


class _Sieve:
    """Stands for aiortc's jitter buffer: keeps Opus and RED, hands the rest on."""

    def __init__(self, behind: JitterBuffer, deliver: Deliver) -> None:
        self._behind = behind
        self._deliver = deliver
        self.opus_types: set[int] = set()
        self.red_types: set[int] = set()

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        if packet.payload_type in self.opus_types:
            if packet.payload:
                self._deliver(packet.payload, packet, ())
        elif packet.payload_type in self.red_types:
            try:
                copies, primary = parse_red(packet.payload)
            except RtpFormatError:
                return False, None
            if primary.payload_type in self.opus_types:
                known = tuple(copy for copy in copies if copy.payload_type in self.opus_types)
                self._deliver(primary.payload, packet, known)
        else:
            return self._behind.add(packet)
        return False, None


class ReceiveAttachment:
    """What makes one of aiortc's audio receivers play through ours, once Opus is agreed on."""

    def __init__(self, receiver: RTCRtpReceiver, config: WebRtcConfig) -> None:
        """Attach to a receiver that has not begun to receive."""
        self._config = config
        self._original_receive = receiver.receive
        self._original_stats = receiver.getStats
        # Its parts are exchanged, which its type does not foresee.
        self._receiver = seams = cast(Any, receiver)
        self._sieve = _Sieve(seams._RTCRtpReceiver__jitter_buffer, self._deliver)
        seams._RTCRtpReceiver__jitter_buffer = self._sieve
        seams.receive = self._receive
        seams.getStats = self._get_stats

    async def _receive(self, parameters: RTCRtpReceiveParameters) -> None:
        self._sieve.opus_types = {codec.payloadType or 0 for codec in parameters.codecs if is_opus(codec)}
        self._sieve.red_types = {codec.payloadType or 0 for codec in parameters.codecs if is_red(codec)}
        await self._original_receive(parameters)

    def play(self) -> PlayoutTrack:
        """Put our track in the place of aiortc's, and return it."""
        track = self._receiver._track
        if not isinstance(track, PlayoutTrack):
            track = self._receiver._track = PlayoutTrack(track, self._config)
        return track

    def _deliver(self, payload: bytes, packet: RtpPacket, copies: tuple[RedBlock, ...]) -> None:
        self.play().take(payload, packet, copies)

    async def _get_stats(self) -> RTCStatsReport:
        """Add what our receiver counts to aiortc's statistics, by the names of webrtc-stats."""
        report = await self._original_stats()
        track = self._receiver._track
        if isinstance(track, PlayoutTrack):
            for entry in report.values():
                if isinstance(entry, RTCInboundRtpStreamStats):
                    for name, value in track.statistics.as_webrtc().items():
                        if not hasattr(entry, name):
                            setattr(entry, name, value)
        return report
