"""Losses, duplicates and jitter of a stretch in numbers: the statistics summary block of extended reports.

Source: RFC 3611 section 4.6. Hop limits are passed over.
"""

import struct
from dataclasses import dataclass

from dred.rtp.rtcp.fields import Section, require_range, unpack

__all__ = [
    "STATISTICS_SUMMARY_TYPE",
    "JitterSummary",
    "StatisticsSummary",
    "parse_statistics_summary",
    "write_statistics_summary",
]

STATISTICS_SUMMARY_TYPE = 6
_LAYOUT = struct.Struct(">IHHIIIIIIBBBB")
_LOSS_FLAG, _DUPLICATES_FLAG, _JITTER_FLAG = 0x80, 0x40, 0x20


@dataclass(frozen=True, slots=True, kw_only=True)
class JitterSummary:
    """The differences in transit time of packet pairs: least, most, mean and standard deviation, in RTP ticks."""

    least: int
    most: int
    mean: int
    deviation: int

    def __post_init__(self) -> None:
        for name in ("least", "most", "mean", "deviation"):
            require_range(name, getattr(self, name), 0xFFFFFFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsSummary:
    """A stretch in numbers; None for what is not told.

    Attributes:
        ssrc: The source.
        begin_sequence: First sequence number of the stretch, 16 bit.
        end_sequence: The one behind the last.
        num_lost: Packets.
        num_duplicates: Packets.
        jitter: How transit times varied.
    """

    ssrc: int
    begin_sequence: int
    end_sequence: int
    num_lost: int | None = None
    num_duplicates: int | None = None
    jitter: JitterSummary | None = None

    def __post_init__(self) -> None:
        for name in ("ssrc", "num_lost", "num_duplicates"):
            require_range(name, getattr(self, name) or 0, 0xFFFFFFFF)
        for name in ("begin_sequence", "end_sequence"):
            require_range(name, getattr(self, name), 0xFFFF)


def parse_statistics_summary(section: Section, type_specific: int) -> StatisticsSummary:
    """Read the body of a block.

    Raises:
        RtpFormatError: It is too short.
    """
    ssrc, begin, end, lost, duplicates, least, most, mean, deviation, *_ = unpack(
        _LAYOUT, section, 0, "a statistics summary takes 36 bytes"
    )
    return StatisticsSummary(
        ssrc=ssrc,
        begin_sequence=begin,
        end_sequence=end,
        num_lost=lost if type_specific & _LOSS_FLAG else None,
        num_duplicates=duplicates if type_specific & _DUPLICATES_FLAG else None,
        jitter=JitterSummary(least=least, most=most, mean=mean, deviation=deviation)
        if type_specific & _JITTER_FLAG
        else None,
    )


def write_statistics_summary(block: StatisticsSummary) -> tuple[int, bytes]:
    """Write the type-specific byte and the body of a block."""
    told = (
        _LOSS_FLAG * (block.num_lost is not None)
        | _DUPLICATES_FLAG * (block.num_duplicates is not None)
        | _JITTER_FLAG * (block.jitter is not None)
    )
    jitter = block.jitter or JitterSummary(least=0, most=0, mean=0, deviation=0)
    return told, _LAYOUT.pack(
        block.ssrc,
        block.begin_sequence,
        block.end_sequence,
        block.num_lost or 0,
        block.num_duplicates or 0,
        jitter.least,
        jitter.most,
        jitter.mean,
        jitter.deviation,
        *(0, 0, 0, 0),
    )
