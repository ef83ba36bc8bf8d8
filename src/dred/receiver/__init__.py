"""Packets and time in, samples and events out.

`ReceiveStream` is the receive path; `decide` is its policy, one pure function; `read_redundancy` finds and parses what
a packet says about the past.
"""

from .buffer import BufferedPacket
from .config import ReceiverConfig
from .coverage import DecodedRedundancy, read_redundancy
from .decision import decide
from .events import Event, PacketDropped, Played, RedundancyRefused, Source, StreamRestarted
from .parts import NeuralParts, RedundancyReader
from .priming import PrimingConfig
from .receiver import ReceiveStream

__all__ = [
    "BufferedPacket",
    "DecodedRedundancy",
    "Event",
    "NeuralParts",
    "PacketDropped",
    "Played",
    "PrimingConfig",
    "ReceiveStream",
    "ReceiverConfig",
    "RedundancyReader",
    "RedundancyRefused",
    "Source",
    "StreamRestarted",
    "decide",
    "read_redundancy",
]
