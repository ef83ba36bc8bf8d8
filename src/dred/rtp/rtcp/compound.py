"""Whole datagrams of RTCP: several packets in a row.

Source: RFC 3550 section 6.1; RFC 5506, which lets a datagram begin with any packet.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dred.rtp.rtcp.description import (
    SOURCE_DESCRIPTION_TYPE,
    SourceDescription,
    parse_description,
    write_description,
)
from dred.rtp.rtcp.extended import EXTENDED_REPORT_TYPE, ExtendedReport, parse_extended, write_extended
from dred.rtp.rtcp.fields import Section, iter_sections
from dred.rtp.rtcp.goodbye import GOODBYE_TYPE, Goodbye, parse_goodbye, write_goodbye
from dred.rtp.rtcp.report import (
    RECEIVER_REPORT_TYPE,
    SENDER_REPORT_TYPE,
    ReceiverReport,
    SenderReport,
    parse_receiver_report,
    parse_sender_report,
    write_receiver_report,
    write_sender_report,
)

__all__ = ["RtcpPacket", "parse_rtcp", "write_rtcp"]

RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye | ExtendedReport

_PARSERS: Mapping[int, Callable[[Section], RtcpPacket]] = {
    SENDER_REPORT_TYPE: parse_sender_report,
    RECEIVER_REPORT_TYPE: parse_receiver_report,
    SOURCE_DESCRIPTION_TYPE: parse_description,
    GOODBYE_TYPE: parse_goodbye,
    EXTENDED_REPORT_TYPE: parse_extended,
}
_WRITERS: Mapping[type, Callable[[Any], bytes]] = {
    SenderReport: write_sender_report,
    ReceiverReport: write_receiver_report,
    SourceDescription: write_description,
    Goodbye: write_goodbye,
    ExtendedReport: write_extended,
}


def parse_rtcp(data: bytes) -> tuple[RtcpPacket, ...]:
    """Take a datagram of RTCP apart; packets of unknown types are passed over.

    Raises:
        RtpFormatError: A packet does not fit into the datagram, or breaks the rules of its type.
    """
    parsed = []
    for section in iter_sections(data):
        parse = _PARSERS.get(section.packet_type)
        if parse is not None:
            parsed.append(parse(section))
    return tuple(parsed)


def write_rtcp(packets: Sequence[RtcpPacket]) -> bytes:
    """Put packets into one datagram; RFC 3550 wants a report first and a description in each.

    Raises:
        UsageError: A packet holds more than its fields can count.
    """
    return b"".join(_WRITERS[type(packet)](packet) for packet in packets)
