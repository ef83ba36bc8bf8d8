"""Which packets of a stretch arrived, one by one: the Loss RLE block of extended reports.

A chunk of 16 bits is a run of equal packets, or 15 packets bit by bit, 1 = received; a zero chunk fills the word.

Source: RFC 3611 section 4.1. Thinned blocks, which tell about every 2**T-th packet, are passed over.
"""

import struct
from dataclasses import dataclass

from dred.errors import RtpFormatError, UsageError
from dred.rtp.rtcp.fields import Section, require_range, unpack

__all__ = ["LOSS_RLE_TYPE", "MAX_RLE_PACKETS", "LossRle", "parse_loss_rle", "write_loss_rle"]

LOSS_RLE_TYPE = 1
MAX_RLE_PACKETS = 65_534
_HEAD = struct.Struct(">IHH")
_VECTOR_FLAG = 0x8000
_RECEIVED_FLAG = 0x4000
_VECTOR_PACKETS = 15
_MAX_RUN = 0x3FFF
_THINNING_BITS = 0x0F


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRle:
    """Which packets arrived.

    Attributes:
        ssrc: The source.
        first_sequence: Sequence number of the first packet, 16 bit.
        received: For it and each one behind it whether it arrived; up to 65534 packets.
    """

    ssrc: int
    first_sequence: int
    received: tuple[bool, ...]

    def __post_init__(self) -> None:
        require_range("ssrc", self.ssrc, 0xFFFFFFFF)
        require_range("first_sequence", self.first_sequence, 0xFFFF)
        if len(self.received) > MAX_RLE_PACKETS:
            raise UsageError(f"a Loss RLE block tells about up to {MAX_RLE_PACKETS} packets, not {len(self.received)}")


def parse_loss_rle(section: Section, type_specific: int) -> LossRle | None:
    """Read the body of a block; None if it is thinned.

    Raises:
        RtpFormatError: Chunks do not reach the end of what is announced.
    """
    ssrc, begin, end = unpack(_HEAD, section, 0, "a Loss RLE block names its source and its range")
    if type_specific & _THINNING_BITS:
        return None
    num_packets = (end - begin) & 0xFFFF
    received: list[bool] = []
    at = _HEAD.size
    while len(received) < num_packets:
        if at + 2 > len(section.body):
            raise RtpFormatError(
                "chunks tell about every packet", offset=section.offset + at, value=num_packets - len(received)
            )
        chunk = int.from_bytes(section.body[at : at + 2])
        at += 2
        if chunk & _VECTOR_FLAG:
            received += [bool(chunk >> bit & 1) for bit in reversed(range(_VECTOR_PACKETS))]
        else:
            received += [bool(chunk & _RECEIVED_FLAG)] * (chunk & _MAX_RUN)
    if num_packets > MAX_RLE_PACKETS:
        raise RtpFormatError("a Loss RLE block tells about up to 65534 packets", offset=section.offset + 4, value=end)
    return LossRle(ssrc=ssrc, first_sequence=begin, received=tuple(received[:num_packets]))


def write_loss_rle(block: LossRle) -> bytes:
    """Write the body of a block."""
    chunks: list[int] = []
    received, at = block.received, 0
    while at < len(received):
        run = _run_length(received, at)
        if run > _VECTOR_PACKETS or at + run == len(received):
            chunks.append(_RECEIVED_FLAG * received[at] | run)
            at += run
        else:
            # Bits behind the last packet mean nothing.
            bits = received[at : at + _VECTOR_PACKETS]
            chunks.append(_VECTOR_FLAG | sum(is_in << (_VECTOR_PACKETS - 1 - n) for n, is_in in enumerate(bits)))
            at += len(bits)
    chunks += [0] * (len(chunks) % 2)
    end = (block.first_sequence + len(received)) & 0xFFFF
    return _HEAD.pack(block.ssrc, block.first_sequence, end) + struct.pack(f">{len(chunks)}H", *chunks)


def _run_length(received: tuple[bool, ...], at: int) -> int:
    end = at
    while end < len(received) and received[end] == received[at] and end - at < _MAX_RUN:
        end += 1
    return end - at
