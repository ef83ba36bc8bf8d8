"""aiortc with deep redundancy: calls that go on when packets are lost.

    dred.webrtc.install()   every connection made from now on; or send(), receive() for one

    microphone track -> our encoder: LBRR, RED, DRED as the peer declares -> aiortc: RTP, SRTP, ICE ----.
    PlayoutTrack: 20 ms every 20 ms <- our receiver <- RED, LBRR, DRED, late packets <- aiortc <---------'

Needs the extra `webrtc`.
"""

from dred.webrtc.config import WebRtcConfig
from dred.webrtc.encoder import DredEncoder
from dred.webrtc.installation import install, installed, receive, send, uninstall
from dred.webrtc.negotiation import SendSettings, settle
from dred.webrtc.receiving import PlayoutTrack
from dred.webrtc.sending import SendAttachment

__all__ = [
    "DredEncoder",
    "PlayoutTrack",
    "SendAttachment",
    "SendSettings",
    "WebRtcConfig",
    "install",
    "installed",
    "receive",
    "send",
    "settle",
    "uninstall",
]
