"""Sender and receiver reports.

Source: RFC 3550 sections 6.4.1 and 6.4.2. Extensions of profiles behind the blocks are passed over.
"""

import struct
from dataclasses import dataclass

from dred.rtp.rtcp.fields import Section, require_range, unpack, write_section

__all__ = [
    "RECEIVER_REPORT_TYPE",
    "SENDER_REPORT_TYPE",
    "ReceiverReport",
    "ReportBlock",
    "SenderReport",
    "parse_receiver_report",
    "parse_sender_report",
    "write_receiver_report",
    "write_sender_report",
]

SENDER_REPORT_TYPE = 200
RECEIVER_REPORT_TYPE = 201
_SSRC = struct.Struct(">I")
_SENDER_INFO = struct.Struct(">QIII")
_BLOCK = struct.Struct(">IB3sIIII")
_MAX_32 = 0xFFFFFFFF
_LOST_BITS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBlock:
    """How one source is heard.

    Attributes:
        ssrc: The source.
        fraction_lost_q8: Share lost since the last report, in 1/256.
        cumulative_lost: Packets lost since the beginning, 24 bits with sign; duplicates can make it negative.
        highest_sequence: Highest sequence number, 16 bits, below its number of wrap-arounds.
        jitter_rtp: Interarrival jitter in RTP ticks.
        last_sr: Middle 32 bits of the NTP time of the last sender report heard, 0 if none was.
        delay_since_last_sr: Since that was heard, in 1/65536 s.
    """

    ssrc: int
    fraction_lost_q8: int = 0
    cumulative_lost: int = 0
    highest_sequence: int = 0
    jitter_rtp: int = 0
    last_sr: int = 0
    delay_since_last_sr: int = 0

    def __post_init__(self) -> None:
        require_range("fraction_lost_q8", self.fraction_lost_q8, 0xFF)
        half = 1 << (_LOST_BITS - 1)
        require_range("cumulative_lost", self.cumulative_lost, half - 1, -half)
        for name in ("ssrc", "highest_sequence", "jitter_rtp", "last_sr", "delay_since_last_sr"):
            require_range(name, getattr(self, name), _MAX_32)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderReport:
    """What a source has sent.

    Attributes:
        ssrc: The source.
        ntp: 64 bits of NTP time, when the report is sent.
        rtp_timestamp: The same moment on the stream's RTP clock.
        num_packets: Sent since the beginning, modulo 2**32.
        num_bytes: Likewise, of payload.
        blocks: Up to 31 sources that it hears.
    """

    ssrc: int
    ntp: int
    rtp_timestamp: int
    num_packets: int
    num_bytes: int
    blocks: tuple[ReportBlock, ...] = ()

    def __post_init__(self) -> None:
        require_range("ntp", self.ntp, (1 << 64) - 1)
        for name in ("ssrc", "rtp_timestamp", "num_packets", "num_bytes"):
            require_range(name, getattr(self, name), _MAX_32)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverReport:
    """Who listens, and up to 31 sources that it hears."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    def __post_init__(self) -> None:
        require_range("ssrc", self.ssrc, _MAX_32)


def parse_sender_report(section: Section) -> SenderReport:
    """Read a sender report.

    Raises:
        RtpFormatError: It is too short for what it announces.
    """
    (ssrc,) = unpack(_SSRC, section, 0, "a sender report names its source")
    ntp, rtp_timestamp, num_packets, num_bytes = unpack(
        _SENDER_INFO, section, _SSRC.size, "a sender report tells 20 bytes about its source"
    )
    blocks = _parse_blocks(section, _SSRC.size + _SENDER_INFO.size)
    return SenderReport(
        ssrc=ssrc,
        ntp=ntp,
        rtp_timestamp=rtp_timestamp,
        num_packets=num_packets,
        num_bytes=num_bytes,
        blocks=blocks,
    )


def write_sender_report(report: SenderReport) -> bytes:
    """Write a sender report."""
    info = _SENDER_INFO.pack(report.ntp, report.rtp_timestamp, report.num_packets, report.num_bytes)
    body = _SSRC.pack(report.ssrc) + info + _write_blocks(report.blocks)
    return write_section(SENDER_REPORT_TYPE, len(report.blocks), body)


def parse_receiver_report(section: Section) -> ReceiverReport:
    """Read a receiver report.

    Raises:
        RtpFormatError: It is too short for what it announces.
    """
    (ssrc,) = unpack(_SSRC, section, 0, "a receiver report names its sender")
    return ReceiverReport(ssrc=ssrc, blocks=_parse_blocks(section, _SSRC.size))


def write_receiver_report(report: ReceiverReport) -> bytes:
    """Write a receiver report."""
    body = _SSRC.pack(report.ssrc) + _write_blocks(report.blocks)
    return write_section(RECEIVER_REPORT_TYPE, len(report.blocks), body)


def _parse_blocks(section: Section, at: int) -> tuple[ReportBlock, ...]:
    return tuple(_parse_block(section, at + number * _BLOCK.size) for number in range(section.count))


def _parse_block(section: Section, at: int) -> ReportBlock:
    ssrc, fraction, lost, highest, jitter, last_sr, delay = unpack(_BLOCK, section, at, "a report block takes 24 bytes")
    return ReportBlock(
        ssrc=ssrc,
        fraction_lost_q8=fraction,
        cumulative_lost=int.from_bytes(lost, signed=True),
        highest_sequence=highest,
        jitter_rtp=jitter,
        last_sr=last_sr,
        delay_since_last_sr=delay,
    )


def _write_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost_q8,
            block.cumulative_lost.to_bytes(_LOST_BITS // 8, signed=True),
            block.highest_sequence,
            block.jitter_rtp,
            block.last_sr,
            block.delay_since_last_sr,
        )
        for block in blocks
    )
