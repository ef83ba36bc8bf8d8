"""aiortc's seam for an encoder, filled with our sender: frames in, payloads out.

    frame -> 48 kHz -> Sender -> (RED) -> payloads, 20 ms apart
                         ^-- plan -- controller <-- reports

aiortc calls `encode` from a thread of its own, one call at a time; reports come from the event loop's. The controller's
time is that of the speech.
"""

from collections import deque
from fractions import Fraction
from typing import Any

from aiortc.codecs.base import Encoder
from aiortc.mediastreams import convert_timebase
from av import AudioFrame, AudioResampler
from av.frame import Frame
from av.packet import Packet

from dred.assembly import Sender
from dred.errors import UsageError
from dred.opus import strip_extensions
from dred.rtp import RedSender
from dred.sender import ReceiverReport, RedundancyController, RedundancyPlan
from dred.timebase import RTP_CLOCK_HZ, RTP_TICKS_PER_MS
from dred.webrtc.audio_frames import to_samples
from dred.webrtc.negotiation import SendSettings

__all__ = ["DredEncoder"]

# Payloads that the network takes: Ethernet's 1500 bytes less IPv6, UDP, SRTP and RTP with its extensions.
_MAX_PAYLOAD_BYTES = 1_200
_MAX_PLANS = 16
_MAX_WAITING = 64
_TIME_BASE = Fraction(1, RTP_CLOCK_HZ)


class DredEncoder(Encoder):
    """One stream's encoder.

    Attributes:
        settings: What was agreed on.
        plans: The last 16 plans that were followed, the newest last; any thread may read them.
        payload_types: Those of the payloads that `encode` or `pack` returned last.
        step_rtp: RTP ticks from payload to payload.
    """

    def __init__(self, settings: SendSettings) -> None:
        """Start a stream.

        Raises:
            ModelError: It is to carry redundancy and there are no weights.
        """
        self.settings = settings
        self.plans: tuple[RedundancyPlan, ...] = ()
        self.payload_types: list[int] = []
        self.step_rtp = settings.sender.frame_ms * RTP_TICKS_PER_MS
        self._sender = Sender(settings.sender)
        self._controller = None if settings.controller is None else RedundancyController(settings.controller)
        self._reports: deque[ReceiverReport] = deque(maxlen=_MAX_WAITING)
        self._num_sent = 0
        self._red = RedSender(
            0,
            red_payload_type=settings.red_payload_type or 0,
            opus_payload_type=settings.opus_payload_type,
            max_bytes=_MAX_PAYLOAD_BYTES,
            strip=strip_extensions,
        )
        layout = "stereo" if settings.sender.channels == 2 else "mono"
        self._resampler = AudioResampler(format="s16", layout=layout, rate=RTP_CLOCK_HZ)

    def report(self, report: ReceiverReport) -> None:
        """Take in what the peer says about the stream; any thread may call."""
        self._reports.append(report)

    def encode(self, frame: Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """Encode a frame.

        Returns:
            Payloads, and the timestamp of the first, from 0.

        Raises:
            UsageError: It is no audio.
        """
        if not isinstance(frame, AudioFrame):
            raise UsageError(f"audio is encoded, got {type(frame).__name__}")
        self._decide()
        payloads: list[bytes] = []
        self.payload_types = []
        first = 0
        for resampled in self._resampler.resample(frame):
            for sent in self._sender.push(to_samples(resampled)):
                if self._controller is not None:
                    self._controller.observe_packet(sent)
                self._num_sent += 1
                first = first if payloads else sent.timestamp
                self._add(sent.payload, sent.timestamp, payloads)
        return payloads, first

    def pack(self, packet: "Packet[Any]") -> tuple[list[bytes], int]:
        """Send a packet that somebody else encoded."""
        assert packet.pts is not None, "a packet has a time"
        assert packet.time_base is not None, "and what it counts"
        timestamp = convert_timebase(packet.pts, packet.time_base, _TIME_BASE)
        payloads: list[bytes] = []
        self.payload_types = []
        self._add(bytes(packet), timestamp, payloads)
        return payloads, timestamp

    def _decide(self) -> None:
        if self._controller is None:
            return
        now = float(self._num_sent * self.settings.sender.frame_ms)
        while self._reports:
            self._controller.observe_report(self._reports.popleft(), now)
        plan = self._controller.decide(now)
        if plan is not None:
            self._sender.apply(plan)
            self._red.num_copies = plan.num_red_copies
            self.plans = (*self.plans, plan)[-_MAX_PLANS:]

    def _add(self, packet: bytes, timestamp: int, payloads: list[bytes]) -> None:
        payload_type, payload = self.settings.opus_payload_type, packet
        if self.settings.red_payload_type is not None:
            # Without copies to send it keeps packets all the same, for when there are.
            red_type, red_payload = self._red.send(packet, timestamp)
            if self._red.num_copies:
                payload_type, payload = red_type, red_payload
        payloads.append(payload)
        self.payload_types.append(payload_type)
