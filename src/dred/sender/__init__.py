"""The send path: PCM in, Opus packets with redundancy out.

`SendStream` encodes and protects; `protect_packets` adds redundancy to packets that another encoder made.
"""

from .config import DredConfig, SenderConfig
from .history import LatentHistory, RedundancyEncoder
from .protect import protect_packets
from .sender import SendStream, SentPacket

__all__ = [
    "DredConfig",
    "LatentHistory",
    "RedundancyEncoder",
    "SendStream",
    "SenderConfig",
    "SentPacket",
    "protect_packets",
]
