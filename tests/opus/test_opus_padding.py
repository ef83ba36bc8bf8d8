"""Extensions put into packets and taken out, with every frame left alone."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import ExtensionFormatError, OpusFormatError, UsageError
from dred.opus import (
    Extension,
    Toc,
    add_extension,
    find_extension,
    pad_to_size,
    parse_extensions,
    parse_packet,
    replace_extension,
    strip_extensions,
    write_packet,
)

TOC = Toc(config=9)
PLAIN = write_packet(TOC, [b"abc"])
THREE_FRAMES = write_packet(TOC, [b"abc", b"d", b""])


def extensions_of(packet: bytes) -> list[tuple[int, int, bytes]]:
    parsed = parse_packet(packet)
    return [(item.id, item.frame, item.payload) for item in parse_extensions(parsed.padding, len(parsed.frames))]


def packet_with(padding: bytes, num_frames: int = 1) -> bytes:
    return write_packet(TOC, [b"abc"] * num_frames, padding)


def test_an_extension_costs_its_payload_and_three_bytes() -> None:
    assert add_extension(PLAIN, 126, b"D\x0cpayload") == b"\x4b\x41\x0aabc\xfcD\x0cpayload"


SHORT_PADDING = st.lists(st.sampled_from([0, 1, 2, 5, 8, 40, 64, 65, 252, 253, 68, 12]), max_size=8).map(bytes)


@given(padding=SHORT_PADDING, extension_id=st.sampled_from([4, 20, 32, 126, 127]), prefix=st.sampled_from([b"", b"D"]))
def test_the_first_match_is_found_as_when_all_are_parsed(padding: bytes, extension_id: int, prefix: bytes) -> None:
    packet = packet_with(padding)
    try:
        parsed = parse_extensions(padding, 1)
    except ExtensionFormatError:
        return
    matches = [
        item
        for item in parsed
        if item.id == extension_id and item.payload.startswith(prefix) and len(item.payload) > len(prefix)
    ]
    assert find_extension(packet, extension_id, prefix) == next(iter(matches), None)


def test_others_are_kept_when_one_is_added() -> None:
    packet = add_extension(THREE_FRAMES, 126, b"first")
    packet = add_extension(packet, 40, b"later", frame=2)
    packet = add_extension(packet, 126, b"second")
    assert extensions_of(packet) == [(126, 0, b"first"), (126, 0, b"second"), (40, 2, b"later")]
    assert parse_packet(packet).frames == parse_packet(THREE_FRAMES).frames


def test_replacing_drops_its_own_kind_in_its_own_frame() -> None:
    packet = THREE_FRAMES
    for id, payload, frame in [(126, b"old", 0), (40, b"other", 0), (126, b"older", 0), (126, b"elsewhere", 1)]:
        packet = add_extension(packet, id, payload, frame=frame)
    packet = replace_extension(packet, 126, b"new")
    assert extensions_of(packet) == [(40, 0, b"other"), (126, 0, b"new"), (126, 1, b"elsewhere")]
    assert replace_extension(PLAIN, 126, b"new") == add_extension(PLAIN, 126, b"new")


def test_stripping_gives_the_smallest_form_back() -> None:
    for packet in (PLAIN, THREE_FRAMES, write_packet(TOC, [b"a", b"b"]), write_packet(TOC, [b"a", b"bc"])):
        assert strip_extensions(pad_to_size(add_extension(packet, 126, b"D\x0cpayload"), 90)) == packet


def test_broken_padding_can_be_stripped_and_padded_but_not_added_to() -> None:
    packet = packet_with(b"\x41\x09broken")
    assert strip_extensions(packet) == PLAIN
    assert parse_packet(pad_to_size(packet, 50)).padding.endswith(b"\x01\x41\x09broken")
    for change in (add_extension, replace_extension):
        with pytest.raises(ExtensionFormatError):
            change(packet, 126, b"new")


def test_adding_replaces_plain_padding() -> None:
    assert add_extension(pad_to_size(PLAIN, 100), 126, b"new") == add_extension(PLAIN, 126, b"new")


@given(payload=st.binary(max_size=600), extra=st.one_of(st.integers(0, 5), st.integers(248, 258), st.integers(0, 600)))
def test_padding_to_a_size_keeps_extensions_and_frames(payload: bytes, extra: int) -> None:
    packet = add_extension(add_extension(THREE_FRAMES, 126, payload), 5, b"x", frame=1)
    padded = pad_to_size(packet, len(packet) + extra)
    assert len(padded) == len(packet) + extra
    assert extensions_of(padded) == extensions_of(packet)
    assert parse_packet(padded).frames == parse_packet(packet).frames


def test_a_packet_cannot_be_padded_to_less() -> None:
    with pytest.raises(UsageError, match="has 4 bytes and cannot be padded to 3"):
        pad_to_size(PLAIN, 3)


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        (b"", None),
        (b"\x01\x00", None),
        (b"\xfcD\x0cx", b"D\x0cx"),
        (b"\xfcD\x0c", None),
        (b"\xfcD\x0ax", None),
        (b"\x80D\x0cx", None),
        (b"\xfd\x03D\x0ax\xfcD\x0cy", b"D\x0cy"),
        (b"\xfd\x03D\x0cx\xfcD\x0cy", b"D\x0cx"),
        (b"\x06\x07\x01\x41\x01z\xfd\x03D\x0cx\x01\x01", b"D\x0cx"),
        (b"\xfd\x03D\x0cx\x41\x09", b"D\x0cx"),
    ],
)
def test_the_first_extension_with_id_and_prefix_is_found(padding: bytes, expected: bytes | None) -> None:
    packet = packet_with(padding)
    found = find_extension(packet, 126, b"D\x0c")
    assert (found and found.payload) == expected
    assert find_extension(parse_packet(packet), 126, b"D\x0c") == found


def test_the_frame_of_what_is_found_is_told() -> None:
    packet = packet_with(b"\x02\x02\x40x", num_frames=3)
    assert find_extension(packet, 32) == Extension(id=32, frame=2, payload=b"x")
    assert find_extension(packet_with(b"\x40"), 32) is None


def test_padding_broken_before_a_match_is_an_error() -> None:
    with pytest.raises(ExtensionFormatError):
        find_extension(packet_with(b"\x41\x09\xfcD\x0cx"), 126)


@pytest.mark.parametrize("change", [add_extension, replace_extension])
def test_what_is_added_is_checked(change: Callable[..., bytes]) -> None:
    with pytest.raises(UsageError, match="3 to 127, not 2"):
        change(PLAIN, 2, b"")
    with pytest.raises(UsageError, match="holds at most one byte"):
        change(PLAIN, 31, b"ab")
    with pytest.raises(UsageError, match="for frame 1 of 1"):
        change(PLAIN, 126, b"", frame=1)
    with pytest.raises(OpusFormatError):
        change(b"", 126, b"")
