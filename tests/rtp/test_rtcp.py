"""RTCP: what is written parses back, published layouts byte by byte, and any bytes are a value or a format error."""

import contextlib
import struct
from collections.abc import Callable

import pytest
from drawn import build, drawn
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import RtpFormatError, UsageError
from dred.rtp import RtpPacket, is_rtcp, rtcp, write_rtp

U8, U16, U32, U64 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32, 64))
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
BLOCK = drawn(
    rtcp.ReportBlock,
    ssrc=U32,
    fraction_lost_q8=U8,
    cumulative_lost=st.integers(-(1 << 23), (1 << 23) - 1),
    highest_sequence=U32,
    jitter_rtp=U32,
    last_sr=U32,
    delay_since_last_sr=U32,
)
BLOCKS = st.lists(BLOCK, max_size=31)
RUNS = st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=20).map(
    lambda runs: [is_in for is_in, length in runs for _ in range(length)]
)
LOSS_RLE = drawn(rtcp.LossRle, ssrc=U32, first_sequence=U16, received=RUNS)
JITTER = drawn(rtcp.JitterSummary, least=U32, most=U32, mean=U32, deviation=U32)
SUMMARY = drawn(
    rtcp.StatisticsSummary,
    ssrc=U32,
    begin_sequence=U16,
    end_sequence=U16,
    num_lost=st.none() | U32,
    num_duplicates=st.none() | U32,
    jitter=st.none() | JITTER,
)
DELAY = drawn(rtcp.DelaySinceReference, ssrc=U32, last_reference=U32, delay=U32)
DELAYS = drawn(rtcp.ReferenceDelays, delays=st.lists(DELAY, max_size=4))
XR_BLOCKS = LOSS_RLE | SUMMARY | drawn(rtcp.ReceiverReferenceTime, ntp=U64) | DELAYS
DESCRIBED = drawn(rtcp.Described, ssrc=U32, cname=st.none() | TEXT)
PACKETS = st.lists(
    drawn(rtcp.SenderReport, ssrc=U32, ntp=U64, rtp_timestamp=U32, num_packets=U32, num_bytes=U32, blocks=BLOCKS)
    | drawn(rtcp.ReceiverReport, ssrc=U32, blocks=BLOCKS)
    | drawn(rtcp.SourceDescription, sources=st.lists(DESCRIBED, max_size=5))
    | drawn(rtcp.Goodbye, ssrcs=st.lists(U32, max_size=31), reason=TEXT)
    | drawn(rtcp.ExtendedReport, ssrc=U32, blocks=st.lists(XR_BLOCKS, max_size=4)),
    min_size=1,
    max_size=4,
)


@given(PACKETS)
def test_a_written_compound_parses_back(packets: list[object]) -> None:
    data = rtcp.write_rtcp(build(packets))
    assert len(data) % 4 == 0
    assert is_rtcp(data)
    assert rtcp.parse_rtcp(data) == build(packets)


@given(st.binary(max_size=200))
def test_any_bytes_are_packets_or_a_format_error(data: bytes) -> None:
    with contextlib.suppress(RtpFormatError):
        for packet in rtcp.parse_rtcp(data):
            rtcp.write_rtcp([packet])


@given(PACKETS, st.data())
def test_damaged_bytes_are_packets_or_a_format_error(packets: list[object], data: st.DataObject) -> None:
    damaged = bytearray(rtcp.write_rtcp(build(packets)))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(U8)
    del damaged[data.draw(st.integers(0, len(damaged))) :]
    with contextlib.suppress(RtpFormatError):
        for packet in rtcp.parse_rtcp(bytes(damaged)):
            rtcp.write_rtcp([packet])


def test_a_sender_report_with_a_block_is_these_bytes() -> None:
    # RFC 3550 section 6.4.1, field by field; a loss of -2 is FFFFFE in 24 bits.
    data = bytes.fromhex(
        "81c8000c 00000001 83aa7e80 80000000 000003c0 00000032 00001000"
        "00000002 40fffffe 0001000a 00000030 7e808000 00010000"
    )
    block = rtcp.ReportBlock(
        ssrc=2,
        fraction_lost_q8=64,
        cumulative_lost=-2,
        highest_sequence=0x1000A,
        jitter_rtp=48,
        last_sr=0x7E808000,
        delay_since_last_sr=65536,
    )
    report = rtcp.SenderReport(
        ssrc=1, ntp=0x83AA7E8080000000, rtp_timestamp=960, num_packets=50, num_bytes=4096, blocks=(block,)
    )
    assert rtcp.write_rtcp([report]) == data
    assert rtcp.parse_rtcp(data) == (report,)
    assert rtcp.compact_ntp(report.ntp) == block.last_sr


def test_a_name_is_ended_and_filled_with_zeros() -> None:
    description = rtcp.SourceDescription(sources=(rtcp.Described(ssrc=7, cname="ab"), rtcp.Described(ssrc=8)))
    data = rtcp.write_rtcp([description])
    assert data == bytes.fromhex("82ca0005 00000007 01026162 00000000 00000008 00000000")


def test_other_items_of_a_description_are_passed_over() -> None:
    # NOTE (7) before CNAME (1).
    data = bytes.fromhex("81ca0003 00000007 07016e01 01610000")
    assert rtcp.parse_rtcp(data) == (rtcp.SourceDescription(sources=(rtcp.Described(ssrc=7, cname="a"),)),)


def test_a_goodbye_says_why() -> None:
    data = rtcp.write_rtcp([rtcp.Goodbye(ssrcs=(5,), reason="bye")])
    assert data == bytes.fromhex("81cb0002 00000005 03627965")


def test_losses_are_runs_and_vectors() -> None:
    # 20 received: a run, 0x4000 | 20. Then a mix of 15: a vector. Then 3 lost, to the end: a run. A null chunk fills.
    received = (True,) * 20 + (False, True) * 7 + (True,) + (False,) * 3
    block = rtcp.LossRle(ssrc=9, first_sequence=65530, received=received)
    data = rtcp.write_rtcp([rtcp.ExtendedReport(ssrc=1, blocks=(block,))])
    assert data[8:] == bytes.fromhex("01000004 00000009 fffa0020 4014aaab 00030000")[: len(data) - 8]
    assert rtcp.parse_rtcp(data) == (rtcp.ExtendedReport(ssrc=1, blocks=(block,)),)


def test_a_quiet_second_is_one_chunk() -> None:
    block = rtcp.LossRle(ssrc=9, first_sequence=0, received=(True,) * 50)
    assert len(rtcp.write_rtcp([rtcp.ExtendedReport(ssrc=1, blocks=(block,))])) == 8 + 12 + 4


def test_unknown_types_feedback_and_blocks_are_passed_over() -> None:
    feedback = bytes.fromhex("8fcd0003 00000001 00000002 00000000")
    application = bytes.fromhex("80cc0002 00000001 74657374")
    goodbye = rtcp.Goodbye(ssrcs=(5,))
    assert rtcp.parse_rtcp(feedback + application + rtcp.write_rtcp([goodbye])) == (goodbye,)
    # VoIP metrics (7), then a thinned Loss RLE block.
    extended = bytes.fromhex("80cf0006 00000001 07000001 00000000 01010002 00000009 00000004")
    assert rtcp.parse_rtcp(extended) == (rtcp.ExtendedReport(ssrc=1, blocks=()),)


def test_padding_ends_the_last_packet_and_no_other() -> None:
    padded = bytes.fromhex("a0c90002 00000001 00000004")
    plain = bytes.fromhex("80c90001 00000001")
    assert rtcp.parse_rtcp(plain + padded) == (rtcp.ReceiverReport(ssrc=1),) * 2
    with pytest.raises(RtpFormatError, match="end of the last packet"):
        rtcp.parse_rtcp(padded + plain)


@pytest.mark.parametrize(
    ("text", "rule", "offset"),
    [
        ("", "at least one packet", 0),
        ("80c9", "header takes 4 bytes", 0),
        ("40c90001 00000001", "version 2", 0),
        ("80c90002 00000001", "within the datagram", 2),
        ("80c90000", "names its sender", 4),
        ("81c90001 00000001", "takes 24 bytes", 8),
        ("80c80001 00000001", "20 bytes about its source", 8),
        ("81ca0002 00000001 01ff6100", "lie within the description", 8),
        ("81ca0002 00000001 01026161", "a zero ends the items", 12),
        ("81ca0002 00000001 0101ff00", "UTF-8", 10),
        ("81cb0002 00000001 09616161", "reason lies within", 8),
        ("82cb0001 00000001", "names its sources", 8),
        ("80cf0002 00000001 04000002", "blocks lie within", 10),
        ("80cf0004 00000001 01000002 00000009 00000004", "tell about every packet", 20),
        ("80cf0003 00000001 05000001 00000000", "each delay takes 12 bytes", 12),
        ("a0c90001 00000003", "end of the last packet", 7),
    ],
)
def test_a_broken_packet_names_the_rule_and_the_place(text: str, rule: str, offset: int) -> None:
    with pytest.raises(RtpFormatError, match=rule) as caught:
        rtcp.parse_rtcp(bytes.fromhex(text))
    assert caught.value.offset == offset


def test_a_chunk_that_promises_the_world_costs_no_more_than_it_may() -> None:
    # 65535 packets in five chunks are beyond what RFC 3611 lets a block tell.
    body = struct.pack(">IHH6H", 9, 1, 0, *[0x7FFF] * 6)
    data = struct.pack(">BBHI", 0x80, 207, 7, 1) + struct.pack(">BBH", 1, 0, 5) + body
    with pytest.raises(RtpFormatError, match="up to 65534"):
        rtcp.parse_rtcp(data)


@pytest.mark.parametrize(
    "build",
    [
        lambda: rtcp.ReportBlock(ssrc=1 << 32),
        lambda: rtcp.ReportBlock(ssrc=1, cumulative_lost=1 << 23),
        lambda: rtcp.Described(ssrc=1, cname="x" * 256),
        lambda: rtcp.Goodbye(ssrcs=(-1,)),
        lambda: rtcp.LossRle(ssrc=1, first_sequence=0, received=(True,) * 65_535),
        lambda: rtcp.write_rtcp([rtcp.Goodbye(ssrcs=(0,) * 32)]),
        lambda: rtcp.ReceiverReferenceTime(ntp=1 << 64),
    ],
)
def test_what_does_not_fit_its_field_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(UsageError, match=r"up to|must lie in"):
        build()


def test_times_survive_their_compact_form() -> None:
    ntp = rtcp.unix_ms_to_ntp(1_500.0)
    assert ntp == (2_208_988_801 << 32) | (1 << 31)
    assert rtcp.compact_ntp_to_ms(rtcp.ms_to_compact_ntp(123.4)) == pytest.approx(123.4, abs=0.01)
    assert rtcp.ms_to_compact_ntp(-5.0) == 0
    assert rtcp.ms_to_compact_ntp(1e12) == 0xFFFFFFFF


@given(st.integers(0, 127), st.booleans())
def test_rtp_is_no_rtcp_unless_its_type_is_forbidden(payload_type: int, marker: bool) -> None:
    packet = RtpPacket(payload_type=payload_type, sequence=0, timestamp=0, ssrc=0, payload=b"", marker=marker)
    assert is_rtcp(write_rtp(packet)) == (marker and 64 <= payload_type <= 95)


@pytest.mark.parametrize("datagram", [b"", b"\x80", b"\0\0"])
def test_too_little_is_no_rtcp(datagram: bytes) -> None:
    assert not is_rtcp(datagram)
