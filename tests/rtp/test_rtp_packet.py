import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import RtpFormatError, UsageError
from dred.rtp import HeaderExtension, RtpPacket, parse_rtp, write_rtp

CASES = {
    "plain": (
        "80 6f 1234 0000ffff deadbeef 0102",
        RtpPacket(payload_type=111, sequence=0x1234, timestamp=65535, ssrc=0xDEADBEEF, payload=b"\1\2"),
    ),
    "marker, no payload": (
        "80 ef ffff ffffffff 00000000",
        RtpPacket(payload_type=111, sequence=65535, timestamp=0xFFFFFFFF, ssrc=0, payload=b"", marker=True),
    ),
    "sources": (
        "82 00 0000 00000000 00000001 00000002 ffffffff aa",
        RtpPacket(payload_type=0, sequence=0, timestamp=0, ssrc=1, payload=b"\xaa", csrcs=(2, 0xFFFFFFFF)),
    ),
    "extension": (
        "90 3f 0001 00000002 00000003 bede 0001 10800000 aa",
        RtpPacket(
            payload_type=63,
            sequence=1,
            timestamp=2,
            ssrc=3,
            payload=b"\xaa",
            extension=HeaderExtension(profile=0xBEDE, data=b"\x10\x80\0\0"),
        ),
    ),
    "empty extension": (
        "90 3f 0001 00000002 00000003 0000 0000 aa",
        RtpPacket(
            payload_type=63,
            sequence=1,
            timestamp=2,
            ssrc=3,
            payload=b"\xaa",
            extension=HeaderExtension(profile=0, data=b""),
        ),
    ),
    "padding": (
        "a0 3f 0001 00000002 00000003 aa 000003",
        RtpPacket(payload_type=63, sequence=1, timestamp=2, ssrc=3, payload=b"\xaa", padding_bytes=3),
    ),
    "nothing but padding": (
        "a0 3f 0001 00000002 00000003 01",
        RtpPacket(payload_type=63, sequence=1, timestamp=2, ssrc=3, payload=b"", padding_bytes=1),
    ),
}

EXTENSIONS = st.builds(
    HeaderExtension, profile=st.integers(0, 0xFFFF), data=st.binary(max_size=20).map(lambda data: data * 4)
)
# Not st.builds: beartype looks at a random item of a tuple, which hypothesis does not want within a strategy.
FIELDS = st.fixed_dictionaries(
    {
        "payload_type": st.integers(0, 127),
        "sequence": st.integers(0, 0xFFFF),
        "timestamp": st.integers(0, 0xFFFFFFFF),
        "ssrc": st.integers(0, 0xFFFFFFFF),
        "payload": st.binary(max_size=40),
        "marker": st.booleans(),
        "csrcs": st.lists(st.integers(0, 0xFFFFFFFF), max_size=15).map(tuple),
        "extension": st.none() | EXTENSIONS,
        "padding_bytes": st.integers(0, 255),
    }
)


@pytest.mark.parametrize(("text", "packet"), CASES.values(), ids=CASES)
def test_a_packet_is_these_bytes_and_these_bytes_are_the_packet(text: str, packet: RtpPacket) -> None:
    assert write_rtp(packet).hex() == text.replace(" ", "")
    assert parse_rtp(bytes.fromhex(text)) == packet


@given(FIELDS)
def test_a_written_packet_parses_back(fields: dict[str, Any]) -> None:
    packet = RtpPacket(**fields)
    assert parse_rtp(write_rtp(packet)) == packet


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: b"\xb3" + data))
def test_any_bytes_are_a_packet_or_a_format_error(data: bytes) -> None:
    with contextlib.suppress(RtpFormatError):
        packet = parse_rtp(data)
        again = write_rtp(packet)
        # Only the padding's content may differ: it means nothing.
        assert len(again) == len(data)
        assert parse_rtp(again) == packet
        assert again[: len(data) - packet.padding_bytes] == data[: len(data) - packet.padding_bytes]


@pytest.mark.parametrize(
    ("text", "rule", "offset"),
    [
        ("", "12 bytes", 0),
        ("80 6f 0001 00000002 000000", "12 bytes", 11),
        ("40 6f 0001 00000002 00000003", "version 2", 0),
        ("83 6f 0001 00000002 00000003 00000004 00000005", "contributing sources", 12),
        ("90 6f 0001 00000002 00000003 bede00", "header extension", 12),
        ("90 6f 0001 00000002 00000003 bede 0002 00000000", "header extension", 14),
        ("a0 6f 0001 00000002 00000003", "padding", 11),
        ("a0 6f 0001 00000002 00000003 00", "padding", 12),
        ("a0 6f 0001 00000002 00000003 0003", "padding", 13),
        ("b0 6f 0001 00000002 00000003 bede 0001 00000001", "padding", 19),
    ],
)
def test_a_broken_packet_names_the_rule_and_the_place(text: str, rule: str, offset: int) -> None:
    with pytest.raises(RtpFormatError, match=rule) as caught:
        parse_rtp(bytes.fromhex(text))
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"payload_type": 128}, "payload_type must lie in 0-127"),
        ({"sequence": -1}, "sequence must lie in 0-65535"),
        ({"timestamp": 1 << 32}, "timestamp must lie in 0-4294967295"),
        ({"ssrc": 1 << 32}, "ssrc must lie in"),
        ({"csrcs": (0,) * 16}, "number of csrcs must lie in 0-15"),
        ({"csrcs": (-1,)}, "csrc must lie in"),
        ({"padding_bytes": 256}, "padding_bytes must lie in 0-255"),
    ],
)
def test_a_field_out_of_range_is_refused_with_its_range(changes: dict[str, object], rule: str) -> None:
    fields: dict[str, object] = {"payload_type": 1, "sequence": 1, "timestamp": 1, "ssrc": 1, "payload": b""}
    with pytest.raises(UsageError, match=rule):
        RtpPacket(**{**fields, **changes})


def test_an_extension_of_odd_length_or_profile_is_refused() -> None:
    with pytest.raises(UsageError, match="multiple of 4"):
        HeaderExtension(profile=0, data=b"abc")
    with pytest.raises(UsageError, match="words must lie in 0-65535"):
        HeaderExtension(profile=0, data=bytes(4 * 65536))
    with pytest.raises(UsageError, match="profile must lie in"):
        HeaderExtension(profile=1 << 16, data=b"")
