"""Packets and time in, samples and events out.

`ReceiveStream` is the receive path, `ReceiveBank` many of them played in step; `decide` is the policy, one pure
function; `read_redundancy` finds and parses what a packet says about the past.
"""

from dred.receiver.adaptive_delay import AdaptiveDelay
from dred.receiver.bank import ReceiveBank
from dred.receiver.buffer import BufferedPacket
from dred.receiver.config import ReceiverConfig
from dred.receiver.coverage import DecodedRedundancy, read_redundancy
from dred.receiver.decision import decide
from dred.receiver.events import (
    DelayChanged,
    Event,
    PacketDropped,
    Played,
    RedundancyRefused,
    Scaling,
    Source,
    StreamRestarted,
    TimeScaled,
)
from dred.receiver.parts import NeuralParts, RedundancyReader
from dred.receiver.priming import PrimingConfig
from dred.receiver.receiver import ReceiveStream
from dred.receiver.statistics import ReceiverStatistics

__all__ = [
    "AdaptiveDelay",
    "BufferedPacket",
    "DecodedRedundancy",
    "DelayChanged",
    "Event",
    "NeuralParts",
    "PacketDropped",
    "Played",
    "PrimingConfig",
    "ReceiveBank",
    "ReceiveStream",
    "ReceiverConfig",
    "ReceiverStatistics",
    "RedundancyReader",
    "RedundancyRefused",
    "Scaling",
    "Source",
    "StreamRestarted",
    "TimeScaled",
    "decide",
    "read_redundancy",
]
