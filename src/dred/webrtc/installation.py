"""What makes every call of an aiortc application go through our sender and receiver, and takes that back.

`install` exchanges four names in `aiortc.rtcpeerconnection` and the rows of aiortc's table of audio codecs. Nothing of
aiortc is copied or changed on disk; connections that were made before are left alone.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import aiortc
import numpy as np
from aiortc import RTCRtpReceiver, RTCRtpSender, rtcpeerconnection
from aiortc.codecs import CODECS
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import RemoteStreamTrack

from dred.assembly import Receiver, Sender
from dred.errors import UsageError
from dred.webrtc.codecs import offered_codecs, with_peer_parameters
from dred.webrtc.config import WebRtcConfig
from dred.webrtc.receiving import PlayoutTrack, ReceiveAttachment
from dred.webrtc.sending import SendAttachment

__all__ = ["install", "installed", "receive", "send", "uninstall"]

_OLDEST = (1, 16)
_FIRST_UNKNOWN = (2, 0)
_NAMES = ("RTCRtpSender", "RTCRtpReceiver", "RemoteStreamTrack", "find_common_codecs")
_NEEDED = {
    RTCRtpSender: ("_next_encoded_frame", "_handle_rtcp_packet", "send"),
    RTCRtpReceiver: ("_handle_rtp_packet", "receive", "getStats"),
    rtcpeerconnection: _NAMES,
}


@dataclass(frozen=True, slots=True)
class _Installation:
    """What was there before."""

    names: dict[str, Any]
    codecs: list[RTCRtpCodecParameters]


_present: _Installation | None = None


def install(config: WebRtcConfig | None = None) -> None:
    """Let all connections that are made from now on send and receive audio through dred.

    Called again, it takes the new configuration. What is compiled is loaded now, not in the middle of a call: that
    takes a second, and minutes where `dred warmup` has never run.

    Raises:
        ModelError: Networks are needed and there are no weights.
        UsageError: This aiortc is none of those that are known: 1.16 and later ones before 2.
    """
    global _present
    check_aiortc()
    asked = config or WebRtcConfig()
    uninstall()
    _present = _Installation({name: getattr(rtcpeerconnection, name) for name in _NAMES}, list(CODECS["audio"]))
    original_find = rtcpeerconnection.find_common_codecs

    class DredSender(RTCRtpSender):
        def __init__(self, trackOrKind: Any, transport: Any) -> None:
            super().__init__(trackOrKind, transport)
            self.dred = SendAttachment(self, asked) if self.kind == "audio" else None

    class DredReceiver(RTCRtpReceiver):
        def __init__(self, kind: str, transport: Any) -> None:
            super().__init__(kind, transport)
            self.dred = ReceiveAttachment(self, asked) if kind == "audio" else None

    def make_track(kind: str, id: str | None = None) -> Any:
        track = RemoteStreamTrack(kind=kind, id=id)
        return PlayoutTrack(track, asked) if kind == "audio" else track

    def find_common(
        local_codecs: Sequence[RTCRtpCodecParameters], remote_codecs: Sequence[RTCRtpCodecParameters]
    ) -> list[RTCRtpCodecParameters]:
        common = original_find(list(local_codecs), list(remote_codecs))
        return with_peer_parameters(common, remote_codecs)

    _load_compiled(asked)
    exchanged = dict(zip(_NAMES, (DredSender, DredReceiver, make_track, find_common)))
    for name, value in exchanged.items():
        setattr(rtcpeerconnection, name, value)
    CODECS["audio"][:] = offered_codecs(CODECS["audio"], asked)


def uninstall() -> None:
    """Give aiortc its own parts back, if `install` took them; connections that were made meanwhile keep ours."""
    global _present
    if _present is None:
        return
    for name, value in _present.names.items():
        setattr(rtcpeerconnection, name, value)
    CODECS["audio"][:] = _present.codecs
    _present = None


@contextmanager
def installed(config: WebRtcConfig | None = None) -> Iterator[None]:
    """Install within a block: connections made in it go through dred, also after it.

    Raises:
        UsageError: As `install`.
    """
    install(config)
    try:
        yield
    finally:
        uninstall()


def send(sender: RTCRtpSender, config: WebRtcConfig | None = None) -> SendAttachment:
    """Let one audio sender of a connection send through dred; call it before the connection is negotiated.

    Without `install` the peer's `a=fmtp` is not known and RED is not offered.

    Raises:
        UsageError: This aiortc is not known, or it is no sender of audio.
    """
    check_aiortc()
    if sender.kind != "audio":
        raise UsageError(f"only audio is sent with redundancy, got a sender of {sender.kind}")
    return SendAttachment(sender, config or WebRtcConfig())


def receive(receiver: RTCRtpReceiver, config: WebRtcConfig | None = None) -> PlayoutTrack:
    """Let one audio receiver of a connection play through dred; call it in the handler of the `track` event.

    Returns:
        The track to read from, in the place of the event's.

    Raises:
        UsageError: This aiortc is not known, or the receiver has no audio track yet.
    """
    check_aiortc()
    if receiver.track is None or receiver.track.kind != "audio":
        raise UsageError("only a receiver with an audio track can play")
    return ReceiveAttachment(receiver, config or WebRtcConfig()).play()


def _load_compiled(config: WebRtcConfig) -> None:
    """Send and play a moment of silence with a hole in it."""
    sender = Sender(config.sender)
    receiver = Receiver(config.receiver)
    num_samples = config.sender.rate_hz // 50
    for number, packet in enumerate(sender.push(np.zeros((5 * num_samples, config.sender.channels), np.float32))):
        if number != 2:
            receiver.receive(packet.payload, packet.sequence, packet.timestamp, 20.0 * number)
        receiver.play(config.receiver.rate_hz // 50, 20.0 * number)
    receiver.play(config.receiver.rate_hz // 5, 400.0)


def check_aiortc(version: str = aiortc.__version__) -> None:
    """Check that this aiortc has the seams that are used.

    Raises:
        UsageError: It does not.
    """
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    missing = [name for owner, names in _NEEDED.items() for name in names if not hasattr(owner, name)]
    if not _OLDEST <= numbers < _FIRST_UNKNOWN or missing:
        lacks = f", which lacks {', '.join(missing)}" if missing else ""
        raise UsageError(f"dred.webrtc needs aiortc 1.16 or later, before 2, got {version}{lacks}")
