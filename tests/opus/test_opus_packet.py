"""Framing: one table through writer and reader, every rule of RFC 6716 section 3.4 broken, and the laws of sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import OpusFormatError, UsageError
from dred.opus import (
    OpusPacket,
    Toc,
    has_lbrr,
    packet_duration_rtp,
    padding_capacity,
    parse_packet,
    parse_toc,
    size_with_padding,
    write_packet,
)

SILK_WB_20 = Toc(config=9)
CELT_FB_2_5 = Toc(config=28, stereo=True)

# Frames and padding, and the bytes they make: TOC 0x48 is SILK WB 20 ms mono, 0xE4 CELT FB 2.5 ms stereo.
FRAMINGS = {
    "code 0": (SILK_WB_20, [b"abc"], b"", b"\x48abc"),
    "code 0, frame not sent": (SILK_WB_20, [b""], b"", b"\x48"),
    "code 1": (SILK_WB_20, [b"ab", b"cd"], b"", b"\x49abcd"),
    "code 2": (SILK_WB_20, [b"a", b"bcd"], b"", b"\x4a\x01abcd"),
    "code 2, two-byte length": (SILK_WB_20, [b"a" * 252, b"b"], b"", b"\x4a\xfc\x00" + b"a" * 252 + b"b"),
    "code 2, longest length": (SILK_WB_20, [b"a" * 1275, b"b"], b"", b"\x4a\xff\xff" + b"a" * 1275 + b"b"),
    "code 3, equal frames": (SILK_WB_20, [b"ab", b"cd", b"ef"], b"", b"\x4b\x03abcdef"),
    "code 3, unequal frames": (SILK_WB_20, [b"ab", b"", b"ef"], b"", b"\x4b\x83\x02\x00abef"),
    "code 3, one frame with padding": (SILK_WB_20, [b"abc"], b"PP", b"\x4b\x41\x02abcPP"),
    "code 3, unequal frames with padding": (SILK_WB_20, [b"a", b"bc"], b"P", b"\x4b\xc2\x01\x01abcP"),
    "code 3, 254 bytes of padding": (SILK_WB_20, [b"a"], b"P" * 254, b"\x4b\x41\xfea" + b"P" * 254),
    "code 3, 255 bytes of padding": (SILK_WB_20, [b"a"], b"P" * 255, b"\x4b\x41\xff\x01a" + b"P" * 255),
    "code 3, 508 bytes of padding": (SILK_WB_20, [b"a"], b"P" * 508, b"\x4b\x41\xff\xfea" + b"P" * 508),
    "code 3, 48 frames": (CELT_FB_2_5, [b"a"] * 48, b"", b"\xe7\x30" + b"a" * 48),
}

# Packets that break a rule: the rule, and where and with what.
OFFENCES = {
    "R1: empty": (b"", "R1", 0, 0),
    "R2: code 0": (b"\x48" + bytes(1276), "R2", 1, 1276),
    "R2: code 1": (b"\x49" + bytes(2552), "R2", 1, 1276),
    "R2: code 2": (b"\x4a\x00" + bytes(1276), "R2", 2, 1276),
    "R2: code 3": (b"\x4b\x01" + bytes(1276), "R2", 2, 1276),
    "R2: code 3, VBR": (b"\x4b\x82\x00" + bytes(1276), "R2", 3, 1276),
    "R3: odd": (b"\x49abc", "R3", 1, 3),
    "R4: no length": (b"\x4a", "R4", 1, 0),
    "R4: half a length": (b"\x4a\xfc", "R4", 1, 1),
    "R4: length too large": (b"\x4a\x04abc", "R4", 1, 4),
    "R5: no frames": (b"\x4b\x00", "R5", 1, 0),
    "R5: 140 ms": (b"\x4b\x07", "R5", 1, 7),
    "R5: 49 frames": (b"\xe7\x31", "R5", 1, 49),
    "R6: no count": (b"\x4b", "R6, R7", 1, 1),
    "R6: no padding length": (b"\x4b\x41", "R6", 2, 0),
    "R6: padding length goes on": (b"\x4b\x41\xff\xff" + bytes(300), "R6", 3, 508),
    "R6: padding too long": (b"\x4b\x41\x03ab", "R6", 2, 3),
    "R6: frames do not divide": (b"\x4b\x03abcd", "R6", 1, 4),
    "R7: no lengths": (b"\x4b\x83\x00", "R7", 3, 0),
    "R7: frames too long": (b"\x4b\x83\x01\x02ab", "R7", 3, 2),
    "R7: padding takes the lengths": (b"\x4b\xc3\x02ab", "R7", 3, 0),
}


def legal_packets() -> st.SearchStrategy[tuple[Toc, list[bytes], bytes]]:
    def fill(toc: Toc) -> st.SearchStrategy[tuple[Toc, list[bytes], bytes]]:
        size = st.one_of(st.integers(0, 6), st.integers(248, 260), st.just(1275))
        frame = st.builds(lambda size, byte: bytes([byte]) * size, size, st.integers(0, 255))
        padding_size = st.one_of(st.integers(0, 4), st.integers(250, 260), st.integers(505, 515))
        return st.tuples(
            st.just(toc),
            st.lists(frame, min_size=1, max_size=min(8, 5760 // toc.frame_duration_rtp)),
            st.builds(lambda size: bytes(range(256)) * 3 if size > 700 else bytes(size), padding_size),
        )

    return st.builds(Toc, config=st.integers(0, 31), stereo=st.booleans()).flatmap(fill)


@pytest.mark.parametrize(("toc", "frames", "padding", "data"), FRAMINGS.values(), ids=FRAMINGS)
def test_the_table_of_framings_holds_for_writer_and_reader(
    toc: Toc, frames: list[bytes], padding: bytes, data: bytes
) -> None:
    assert write_packet(toc, frames, padding) == data
    parsed = parse_packet(data)
    assert (parsed.toc, parsed.frames, parsed.padding) == (toc, tuple(frames), padding)
    assert parsed.is_vbr == (len({len(frame) for frame in frames}) > 1)
    assert parsed.duration_rtp == packet_duration_rtp(data[:2]) == len(frames) * toc.frame_duration_rtp


@pytest.mark.parametrize(("data", "rule", "offset", "value"), OFFENCES.values(), ids=OFFENCES)
def test_a_broken_rule_is_named_with_its_place(data: bytes, rule: str, offset: int, value: object) -> None:
    with pytest.raises(OpusFormatError) as caught:
        parse_packet(data)
    assert caught.value.rule.startswith(f"{rule}: ")
    assert (caught.value.offset, caught.value.value) == (offset, value)


def test_a_reader_takes_what_the_writer_would_put_shorter() -> None:
    packet = OpusPacket(toc=SILK_WB_20, frames=(b"ab",))
    assert parse_packet(b"\x4b\x01ab") == packet
    assert parse_packet(b"\x4b\x41\x00ab") == packet
    assert parse_packet(b"\x4b\x82\x01ab").frames == (b"a", b"b")
    assert parse_packet(b"\x4b\x41\xff\x00ab" + bytes(254)).padding == bytes(254)


@pytest.mark.parametrize(
    ("config", "mode", "bandwidth", "frame_duration_rtp"),
    [
        (0, "silk", "narrow", 480),
        (3, "silk", "narrow", 2880),
        (5, "silk", "medium", 960),
        (10, "silk", "wide", 1920),
        (12, "hybrid", "superwide", 480),
        (15, "hybrid", "full", 960),
        (16, "celt", "narrow", 120),
        (21, "celt", "wide", 240),
        (26, "celt", "superwide", 480),
        (31, "celt", "full", 960),
    ],
)
@pytest.mark.parametrize("stereo", [False, True])
def test_a_toc_byte_tells_mode_bandwidth_duration_and_channels(
    config: int, mode: str, bandwidth: str, frame_duration_rtp: int, stereo: bool
) -> None:
    toc = parse_toc(bytes([config << 3 | stereo << 2 | 3]))
    assert (toc.mode, toc.bandwidth, toc.frame_duration_rtp) == (mode, bandwidth, frame_duration_rtp)
    assert toc == Toc(config=config, stereo=stereo)


@given(packet=legal_packets())
def test_what_is_written_parses_into_the_same_and_is_written_alike(packet: tuple[Toc, list[bytes], bytes]) -> None:
    toc, frames, padding = packet
    data = write_packet(toc, frames, padding)
    parsed = parse_packet(data)
    assert (parsed.toc, list(parsed.frames), parsed.padding) == packet
    assert write_packet(parsed.toc, parsed.frames, parsed.padding) == data
    assert size_with_padding(data, len(padding)) == len(data)


@given(packet=legal_packets(), extra=st.one_of(st.integers(0, 6), st.integers(250, 262), st.integers(505, 516)))
def test_any_size_from_the_smallest_on_can_be_hit(packet: tuple[Toc, list[bytes], bytes], extra: int) -> None:
    toc, frames, padding = packet
    smallest = write_packet(toc, frames, padding)
    data = write_packet(toc, frames, padding, size=len(smallest) + extra)
    assert len(data) == len(smallest) + extra
    parsed = parse_packet(data)
    assert (parsed.toc, list(parsed.frames)) == (toc, frames)
    fill = parsed.padding[: len(parsed.padding) - len(padding)]
    assert parsed.padding == fill + padding
    assert set(fill) <= ({1} if padding else {0})
    with pytest.raises(UsageError, match="needs at least"):
        write_packet(toc, frames, padding, size=len(smallest) - 1)


@given(packet=legal_packets(), padding_bytes=st.integers(0, 1100))
def test_size_and_capacity_are_inverse(packet: tuple[Toc, list[bytes], bytes], padding_bytes: int) -> None:
    data = write_packet(*packet)
    size = size_with_padding(data, padding_bytes)
    assert size == len(write_packet(packet[0], packet[1], bytes(padding_bytes)))
    assert padding_capacity(data, size) == padding_bytes
    # Sizes that no content hits exactly have room for the content of the size below.
    assert padding_capacity(data, size + 1) in (padding_bytes, padding_bytes + 1)


def test_a_packet_without_room_has_no_capacity() -> None:
    assert [padding_capacity(b"\x48abc", size) for size in range(9)] == [0, 0, 0, 0, 0, 0, 0, 1, 2]


@pytest.mark.parametrize(
    ("toc", "frames", "text"),
    [
        (SILK_WB_20, [], "holds 1 to 6 frames, not 0"),
        (SILK_WB_20, [b""] * 7, "holds 1 to 6 frames, not 7"),
        (Toc(config=11), [b""] * 3, "60 ms frames holds 1 to 2"),
        (CELT_FB_2_5, [b""] * 49, "2.5 ms frames holds 1 to 48"),
        (SILK_WB_20, [bytes(1276)], "at most 1275 bytes, not 1276"),
    ],
)
def test_a_writer_refuses_frames_out_of_range(toc: Toc, frames: list[bytes], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        write_packet(toc, frames)


def test_a_config_and_a_number_of_padding_bytes_are_checked() -> None:
    with pytest.raises(UsageError, match="0 to 31, not 32"):
        Toc(config=32)
    with pytest.raises(UsageError, match="0 or more, not -1"):
        size_with_padding(b"\x48a", -1)


@given(data=st.one_of(st.binary(max_size=60), st.binary(max_size=40).map(lambda tail: b"\x4b" + tail)))
def test_any_bytes_are_a_packet_or_a_format_error(data: bytes) -> None:
    try:
        packet = parse_packet(data)
    except OpusFormatError:
        return
    assert sum(map(len, packet.frames)) + len(packet.padding) < len(data)
    assert packet.duration_rtp == packet_duration_rtp(data) <= 5760
    assert isinstance(has_lbrr(data), bool)


# The first byte of a SILK frame: VAD bits, then the LBRR bit, for mid and then for side.
@pytest.mark.parametrize(
    ("config", "stereo", "first_byte", "expected"),
    [
        (9, False, 0b0100_0000, True),
        (9, False, 0b1011_1111, False),
        (9, True, 0b0100_0000, True),
        (9, True, 0b0001_0000, True),
        (9, True, 0b1010_1111, False),
        (8, False, 0b0100_0000, True),
        (10, False, 0b0010_0000, True),
        (10, False, 0b1101_1111, False),
        (10, True, 0b0000_0100, True),
        (11, False, 0b0001_0000, True),
        (11, True, 0b0000_0001, True),
        (11, True, 0b1110_1110, False),
        (13, False, 0b0100_0000, True),
        (31, False, 0b1111_1111, False),
    ],
)
def test_lbrr_is_read_off_the_first_byte(config: int, stereo: bool, first_byte: int, expected: bool) -> None:
    assert has_lbrr(write_packet(Toc(config=config, stereo=stereo), [bytes([first_byte, 0])])) is expected


def test_a_frame_that_was_not_sent_has_no_lbrr() -> None:
    assert not has_lbrr(b"\x48")
    assert not has_lbrr(write_packet(SILK_WB_20, [b"", b"\xff"]))
