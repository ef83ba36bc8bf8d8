"""The send path: PCM in, Opus packets with redundancy out.

`SendStream` encodes and protects, `SendBank` does so for many streams at once; `RedundancyController` decides how, from
what listeners report; `protect_packets` adds redundancy to packets that another encoder made.
"""

from dred.sender.bank import SendBank
from dred.sender.config import Bandwidth, DredConfig, SenderConfig
from dred.sender.controller import ControllerConfig, ReceiverReport, RedundancyController, limits_of
from dred.sender.history import LatentHistory
from dred.sender.level_bits import LevelBits
from dred.sender.parts import RedundancyEncoder, RedundancyEncoderBank
from dred.sender.plan import RedundancyPlan
from dred.sender.protect import protect_packets
from dred.sender.send_path import SentPacket
from dred.sender.sender import SendStream

__all__ = [
    "Bandwidth",
    "ControllerConfig",
    "DredConfig",
    "LatentHistory",
    "LevelBits",
    "ReceiverReport",
    "RedundancyController",
    "RedundancyEncoder",
    "RedundancyEncoderBank",
    "RedundancyPlan",
    "SendBank",
    "SendStream",
    "SenderConfig",
    "SentPacket",
    "limits_of",
    "protect_packets",
]
