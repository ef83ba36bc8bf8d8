"""Opus packets to RTP packets and back: the RTP header, RED, unwrapped numbers, reports, and files of packets.

```
 Opus packet --RedSender--> RED payload --RtpPacket, write_rtp--> bytes for the network
 Opus packet <--parse_red-- RED payload <-------parse_rtp-------- bytes from the network
 .pcap, .opus --read_packets--> PacketStream --write_packets--> .pcap, .opus
```

`dred.rtp.rtcp` holds the reports that both ends exchange, `dred.rtp.sdp` how they agree on what is sent.
"""

from dred.rtp.header_extension import AUDIO_LEVEL_URI, AudioLevel, find_element, parse_audio_level
from dred.rtp.multiplex import MULTIPLEX_FORBIDDEN_TYPES, is_rtcp
from dred.rtp.ogg_opus import OggOpus, parse_ogg_opus, write_ogg_opus
from dred.rtp.packet import HeaderExtension, RtpPacket, parse_rtp, write_rtp
from dred.rtp.packet_file import PacketStream, TimedPacket, read_packets, write_packets
from dred.rtp.pcap import CapturedRtp, parse_pcap, write_pcap
from dred.rtp.reception import Reception, ReceptionStatistics, Standing
from dred.rtp.red import (
    DEFAULT_OPUS_PAYLOAD_TYPE,
    DEFAULT_RED_PAYLOAD_TYPE,
    MAX_RED_COPIES,
    MAX_RED_OFFSET_RTP,
    MAX_REDUNDANT_BYTES,
    RedBlock,
    RedSender,
    parse_red,
    red_overhead_bytes,
    write_red,
)
from dred.rtp.sequence import SequenceUnwrapper, TimestampUnwrapper

__all__ = [
    "AUDIO_LEVEL_URI",
    "DEFAULT_OPUS_PAYLOAD_TYPE",
    "DEFAULT_RED_PAYLOAD_TYPE",
    "MAX_REDUNDANT_BYTES",
    "MAX_RED_COPIES",
    "MAX_RED_OFFSET_RTP",
    "MULTIPLEX_FORBIDDEN_TYPES",
    "AudioLevel",
    "CapturedRtp",
    "HeaderExtension",
    "OggOpus",
    "PacketStream",
    "Reception",
    "ReceptionStatistics",
    "RedBlock",
    "RedSender",
    "RtpPacket",
    "SequenceUnwrapper",
    "Standing",
    "TimedPacket",
    "TimestampUnwrapper",
    "find_element",
    "is_rtcp",
    "parse_audio_level",
    "parse_ogg_opus",
    "parse_pcap",
    "parse_red",
    "parse_rtp",
    "read_packets",
    "red_overhead_bytes",
    "write_ogg_opus",
    "write_packets",
    "write_pcap",
    "write_red",
    "write_rtp",
]
