"""Opus: packets taken apart and put together, extensions in their padding, and the codec itself.

    payload -> extension -> padding -> packet -> RTP
    PCM -> encoder -> packet           packet -> decoder -> PCM

`toc`, `packet`, `extension` and `padding` are pure Python. `encoder` and `decoder` call libopus, which is looked for
when the first of them is made, not on import.
"""

from dred.opus.decoder import OpusDecoder
from dred.opus.encoder import OpusEncoder, OpusEncoderConfig
from dred.opus.extension import Extension, iter_extensions, parse_extensions, write_extensions
from dred.opus.libopus import Capabilities, Libopus, load_libopus
from dred.opus.packet import (
    OpusPacket,
    has_lbrr,
    packet_duration_rtp,
    padding_capacity,
    parse_packet,
    size_with_padding,
    write_packet,
)
from dred.opus.padding import add_extension, find_extension, pad_to_size, replace_extension, strip_extensions
from dred.opus.silk_interval import largest_follower
from dred.opus.toc import Toc, parse_toc

__all__ = [
    "Capabilities",
    "Extension",
    "Libopus",
    "OpusDecoder",
    "OpusEncoder",
    "OpusEncoderConfig",
    "OpusPacket",
    "Toc",
    "add_extension",
    "find_extension",
    "has_lbrr",
    "iter_extensions",
    "largest_follower",
    "load_libopus",
    "packet_duration_rtp",
    "pad_to_size",
    "padding_capacity",
    "parse_extensions",
    "parse_packet",
    "parse_toc",
    "replace_extension",
    "size_with_padding",
    "strip_extensions",
    "write_extensions",
    "write_packet",
]
