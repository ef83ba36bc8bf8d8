"""The send path: PCM in, Opus packets with redundancy out.

`SendStream` encodes and protects; `protect_packets` adds redundancy to packets that another encoder made.
"""

from dred.sender.config import DredConfig, SenderConfig
from dred.sender.history import LatentHistory
from dred.sender.parts import RedundancyEncoder, RedundancyEncoderBank
from dred.sender.protect import protect_packets
from dred.sender.send_path import SentPacket
from dred.sender.sender import SendStream

__all__ = [
    "DredConfig",
    "LatentHistory",
    "RedundancyEncoder",
    "RedundancyEncoderBank",
    "SendStream",
    "SenderConfig",
    "SentPacket",
    "protect_packets",
]
