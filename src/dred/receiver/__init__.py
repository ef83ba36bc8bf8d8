"""Packets and time in, samples and events out.

`ReceiveStream` is the receive path, `ReceiveBank` many of them played in step; `decide` is the policy, one pure
function; `read_redundancy` finds and parses what a packet says about the past.
"""

from dred.receiver.bank import ReceiveBank
from dred.receiver.buffer import BufferedPacket
from dred.receiver.config import ReceiverConfig
from dred.receiver.coverage import DecodedRedundancy, read_redundancy
from dred.receiver.decision import decide
from dred.receiver.events import Event, PacketDropped, Played, RedundancyRefused, Source, StreamRestarted
from dred.receiver.parts import NeuralParts, RedundancyReader
from dred.receiver.priming import PrimingConfig
from dred.receiver.receiver import ReceiveStream

__all__ = [
    "BufferedPacket",
    "DecodedRedundancy",
    "Event",
    "NeuralParts",
    "PacketDropped",
    "Played",
    "PrimingConfig",
    "ReceiveBank",
    "ReceiveStream",
    "ReceiverConfig",
    "RedundancyReader",
    "RedundancyRefused",
    "Source",
    "StreamRestarted",
    "decide",
    "read_redundancy",
]
