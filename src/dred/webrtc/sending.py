"""aiortc's sender, led to our encoder.

    aiortc: track -> (_next_encoded_frame) -> encoder -> RTP          receiver reports -> (_handle_rtcp_packet)
                              '- ours: one payload at a time, with its own time and payload type        '-> encoder

Everything is attached to one object; aiortc's class stays as it is. Names with an underscore are aiortc's own, checked
for by `dred.webrtc.installation`.
"""

import copy
from collections import deque
from dataclasses import replace
from typing import Any, cast

from aiortc import RTCRtpSender
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpSendParameters
from aiortc.rtcrtpsender import RTCEncodedFrame
from aiortc.rtp import AnyRtcpPacket, RtcpRrPacket, RtcpSrPacket

from dred.sender import ReceiverReport
from dred.timebase import RTP_TICKS_PER_MS
from dred.webrtc.codecs import agree
from dred.webrtc.config import WebRtcConfig
from dred.webrtc.encoder import DredEncoder

__all__ = ["SendAttachment"]

_FRACTION_LOST_UNITS = 256


class SendAttachment:
    """What makes one of aiortc's audio senders send with redundancy, once Opus is agreed on.

    Attributes:
        encoder: The encoder; None until the call begins, and with other codecs.
    """

    def __init__(self, sender: RTCRtpSender, config: WebRtcConfig) -> None:
        """Attach to a sender that has not begun to send."""
        self.encoder: DredEncoder | None = None
        self._config = config
        self._waiting: deque[tuple[RTCEncodedFrame, int]] = deque()
        self._original_send = sender.send
        self._original_next = sender._next_encoded_frame
        self._original_rtcp = sender._handle_rtcp_packet
        # Its parts are exchanged, which its type does not foresee.
        self._sender = seams = cast(Any, sender)
        seams.send = self._send
        seams._next_encoded_frame = self._next_encoded_frame
        seams._handle_rtcp_packet = self._handle_rtcp_packet

    async def _send(self, parameters: RTCRtpSendParameters) -> None:
        settings = agree(self._config, parameters.codecs)
        if settings is not None and self.encoder is None:
            self.encoder = DredEncoder(settings)
            self._sender._RTCRtpSender__encoder = self.encoder
            # aiortc reads the payload type of each packet from this object, which must be nobody else's.
            opus = next(codec for codec in parameters.codecs if codec.payloadType == settings.opus_payload_type)
            parameters = replace(parameters, codecs=[copy.copy(opus), *parameters.codecs])
        await self._original_send(parameters)

    async def _next_encoded_frame(self, codec: RTCRtpCodecParameters) -> RTCEncodedFrame | None:
        encoder = self.encoder
        if encoder is None:
            return await self._original_next(codec)
        if not self._waiting:
            encoded = await self._original_next(codec)
            if encoded is None:
                return None
            for number, (payload, payload_type) in enumerate(zip(encoded.payloads, encoder.payload_types)):
                timestamp = encoded.timestamp + number * encoder.step_rtp
                self._waiting.append((RTCEncodedFrame([payload], timestamp, encoded.audio_level), payload_type))
        one, codec.payloadType = self._waiting.popleft()
        return one

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        await self._original_rtcp(packet)
        if self.encoder is not None and isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == self._sender._ssrc:
                    self.encoder.report(
                        ReceiverReport(
                            fraction_lost=report.fraction_lost / _FRACTION_LOST_UNITS,
                            jitter_ms=report.jitter / RTP_TICKS_PER_MS,
                        )
                    )
