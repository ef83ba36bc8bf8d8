"""Extended reports: blocks of several kinds about the sources that are heard. Unknown kinds are passed over.

Source: RFC 3611 sections 2 and 3.
"""

import struct
from dataclasses import dataclass

from dred.errors import RtpFormatError
from dred.rtp.rtcp.fields import Section, require_range, unpack, write_section
from dred.rtp.rtcp.loss_rle import LOSS_RLE_TYPE, LossRle, parse_loss_rle, write_loss_rle
from dred.rtp.rtcp.reference_time import (
    REFERENCE_DELAYS_TYPE,
    REFERENCE_TIME_TYPE,
    ReceiverReferenceTime,
    ReferenceDelays,
    parse_reference_delays,
    parse_reference_time,
    write_reference_delays,
    write_reference_time,
)
from dred.rtp.rtcp.statistics_summary import (
    STATISTICS_SUMMARY_TYPE,
    StatisticsSummary,
    parse_statistics_summary,
    write_statistics_summary,
)

__all__ = ["EXTENDED_REPORT_TYPE", "ExtendedReport", "ReportedBlock", "parse_extended", "write_extended"]

EXTENDED_REPORT_TYPE = 207
_SSRC = struct.Struct(">I")
_BLOCK_HEADER = struct.Struct(">BBH")
_WORD_BYTES = 4

ReportedBlock = LossRle | StatisticsSummary | ReceiverReferenceTime | ReferenceDelays


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedReport:
    """Who reports, and what."""

    ssrc: int
    blocks: tuple[ReportedBlock, ...]

    def __post_init__(self) -> None:
        require_range("ssrc", self.ssrc, 0xFFFFFFFF)


def parse_extended(section: Section) -> ExtendedReport:
    """Read an extended report.

    Raises:
        RtpFormatError: A block does not fit, or breaks the rules of its kind.
    """
    (ssrc,) = unpack(_SSRC, section, 0, "an extended report names its sender")
    blocks: list[ReportedBlock] = []
    at = _SSRC.size
    while at < len(section.body):
        kind, type_specific, num_words = unpack(_BLOCK_HEADER, section, at, "a block's header takes 4 bytes")
        start, end = at + _BLOCK_HEADER.size, at + _BLOCK_HEADER.size + _WORD_BYTES * num_words
        if end > len(section.body):
            raise RtpFormatError("blocks lie within the report", offset=section.offset + at + 2, value=num_words)
        inner = Section(packet_type=kind, count=0, body=section.body[start:end], offset=section.offset + start)
        block = _parse_block(inner, type_specific)
        if block is not None:
            blocks.append(block)
        at = end
    return ExtendedReport(ssrc=ssrc, blocks=tuple(blocks))


def write_extended(report: ExtendedReport) -> bytes:
    """Write an extended report."""
    body = _SSRC.pack(report.ssrc)
    for block in report.blocks:
        kind, type_specific, inner = _write_block(block)
        require_range("words of a block", len(inner) // _WORD_BYTES, 0xFFFF)
        body += _BLOCK_HEADER.pack(kind, type_specific, len(inner) // _WORD_BYTES) + inner
    return write_section(EXTENDED_REPORT_TYPE, 0, body)


def _parse_block(section: Section, type_specific: int) -> ReportedBlock | None:
    if section.packet_type == LOSS_RLE_TYPE:
        return parse_loss_rle(section, type_specific)
    if section.packet_type == STATISTICS_SUMMARY_TYPE:
        return parse_statistics_summary(section, type_specific)
    if section.packet_type == REFERENCE_TIME_TYPE:
        return parse_reference_time(section)
    if section.packet_type == REFERENCE_DELAYS_TYPE:
        return parse_reference_delays(section)
    return None


def _write_block(block: ReportedBlock) -> tuple[int, int, bytes]:
    match block:
        case LossRle():
            return LOSS_RLE_TYPE, 0, write_loss_rle(block)
        case StatisticsSummary():
            return STATISTICS_SUMMARY_TYPE, *write_statistics_summary(block)
        case ReceiverReferenceTime():
            return REFERENCE_TIME_TYPE, 0, write_reference_time(block)
        case ReferenceDelays():
            return REFERENCE_DELAYS_TYPE, 0, write_reference_delays(block)
