"""The extension format: one table through writer and reader, what only a reader meets, offences and laws."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.errors import ExtensionFormatError, UsageError
from dred.opus import Extension, iter_extensions, parse_extensions, write_extensions


def ext(id: int, frame: int = 0, payload: bytes = b"") -> Extension:
    return Extension(id=id, frame=frame, payload=payload)


# Number of frames, extensions, and their smallest bytes.
AREAS = {
    "nothing": (1, [], b""),
    "short without payload": (1, [ext(3)], b"\x06"),
    "short with payload": (1, [ext(31, 0, b"x")], b"\x3fx"),
    "long at the end has no length": (1, [ext(126, 0, b"DRED")], b"\xfcDRED"),
    "long before another has one": (1, [ext(32, 0, b"ab"), ext(3)], b"\x41\x02ab\x06"),
    "empty long": (1, [ext(32), ext(33)], b"\x41\x00\x42"),
    "255 bytes take two length bytes": (1, [ext(32, 0, b"a" * 255), ext(3)], b"\x41\xff\x00" + b"a" * 255 + b"\x06"),
    "600 bytes take three": (1, [ext(32, 0, b"a" * 600), ext(3)], b"\x41\xff\xff\x5a" + b"a" * 600 + b"\x06"),
    "next frame": (2, [ext(3, 1)], b"\x02\x06"),
    "skipped frames": (48, [ext(3, 0), ext(4, 47, b"x")], b"\x06\x03\x2f\x09x"),
    "frames in turn": (3, [ext(3, 0), ext(4, 1), ext(5, 2)], b"\x06\x02\x08\x02\x0a"),
    "repeated short": (3, [ext(3, 0, b"a"), ext(3, 1, b"b"), ext(3, 2, b"c")], b"\x07a\x04bc"),
    "repeated long, the last without length": (
        2,
        [ext(32, 0, b"ab"), ext(32, 1, b"cde")],
        b"\x41\x02ab\x04cde",
    ),
    "repeated long leaves room for the short behind it": (
        2,
        [ext(32, 0, b"ab"), ext(3, 0, b"x"), ext(32, 1, b"cde"), ext(3, 1, b"y")],
        b"\x41\x02ab\x07x\x04cdey",
    ),
    "repeat followed by more keeps its lengths": (
        2,
        [ext(32, 0, b"ab"), ext(32, 1, b"cde"), ext(4, 1)],
        b"\x41\x02ab\x05\x03cde\x02\x08",
    ),
    "repeat from a later frame on": (3, [ext(3, 1, b"a"), ext(3, 2, b"b")], b"\x02\x07a\x04b"),
    "short repeat steps to the next frame for free": (
        3,
        [ext(3, 0, b"a"), ext(3, 1, b"b"), ext(4, 1), ext(3, 2, b"c")],
        b"\x07a\x04bc\x08",
    ),
}

# What a reader must take though our writer never writes it: number of frames, bytes, extensions.
READINGS = {
    "0x01 is one byte of padding": (1, b"\x01\x01\x06\x01", [ext(3)]),
    "0x00 ends all": (1, b"\x06\x00\x08", [ext(3)]),
    "long with length at the end": (1, b"\x41\x01a", [ext(32, 0, b"a")]),
    "skip of 0 frames does not restart the repeated": (
        2,
        b"\x06\x03\x00\x08\x05",
        [ext(3), ext(4), ext(3, 1), ext(4, 1)],
    ),
    "separator restarts the repeated": (2, b"\x06\x02\x08\x05", [ext(3), ext(4, 1)]),
    "repeat restarts the repeated": (2, b"\x06\x05\x08\x05", [ext(3), ext(3, 1), ext(4), ext(4, 1)]),
    "padding is not repeated": (2, b"\x01\x07a\x01\x05b", [ext(3, 0, b"a"), ext(3, 1, b"b")]),
    "repeat of nothing": (3, b"\x05\x05\x06", [ext(3)]),
    "short repeat of nothing still steps": (3, b"\x04\x06", [ext(3, 1)]),
    "short repeat in the last frame ends all": (1, b"\x06\x04\x08", [ext(3)]),
    "long repeat in the last frame does nothing": (1, b"\x06\x05\x08", [ext(3), ext(4)]),
    "only the very last long payload has no length": (
        3,
        b"\x41\x01a\x43\x01b\x04\x01c\x01d\x01efg",
        [ext(32, 0, b"a"), ext(33, 0, b"b"), ext(32, 1, b"c"), ext(33, 1, b"d"), ext(32, 2, b"e"), ext(33, 2, b"fg")],
    ),
    "id 127": (1, b"\xfex", [ext(127, 0, b"x")]),
}

# Number of frames, bytes, what comes before the offence, its place.
OFFENCES = {
    "short payload missing": (1, b"\x06\x07", [ext(3)], 2),
    "length missing": (1, b"\x41", [], 1),
    "length goes on": (1, b"\x41\xff", [], 2),
    "payload truncated": (1, b"\x06\x41\x03ab", [ext(3)], 2),
    "increment missing": (2, b"\x03", [], 1),
    "separator behind the last frame": (2, b"\x06\x02\x02\x08", [ext(3)], 2),
    "skip behind the last frame": (2, b"\x03\x02\x08", [], 1),
    "repeated short payload missing": (3, b"\x07a\x05b", [ext(3, 0, b"a"), ext(3, 1, b"b")], 4),
    "repeated payload truncated": (2, b"\x41\x01a\x05\x02b", [ext(32, 0, b"a")], 4),
    "no room for trailing short payloads": (
        2,
        b"\x41\x01a\x07x\x07y\x04z",
        [ext(32, 0, b"a"), ext(3, 0, b"x"), ext(3, 0, b"y")],
        8,
    ),
}


@st.composite
def extension_lists(draw: st.DrawFn) -> tuple[int, list[Extension]]:
    """Frames that share their first IDs, so that repeats come up, and some that break the pattern."""
    num_frames = draw(st.integers(1, 6))
    id = st.sampled_from([3, 4, 31, 32, 33, 126, 127])
    shared_ids = draw(st.lists(id, max_size=3))
    short = st.binary(min_size=1, max_size=1) if draw(st.booleans()) else st.binary(max_size=1)
    long = st.one_of(st.binary(max_size=4), st.sampled_from([bytes(253), bytes(255), bytes(256), bytes(510)]))
    extensions = []
    for frame in range(num_frames):
        own_ids = draw(st.one_of(st.just([]), st.lists(id, max_size=2)))
        for drawn in [*shared_ids, *own_ids]:
            extensions.append(ext(drawn, frame, draw(short if drawn < 32 else long)))
    return num_frames, extensions


def by_frame(extensions: list[Extension]) -> list[Extension]:
    return sorted(extensions, key=lambda extension: extension.frame)


@pytest.mark.parametrize(("num_frames", "extensions", "data"), AREAS.values(), ids=AREAS)
def test_the_table_of_areas_holds_for_writer_and_reader(
    num_frames: int, extensions: list[Extension], data: bytes
) -> None:
    assert write_extensions(extensions, num_frames) == data
    assert by_frame(parse_extensions(data, num_frames)) == by_frame(extensions)


@pytest.mark.parametrize(("num_frames", "data", "extensions"), READINGS.values(), ids=READINGS)
def test_a_reader_takes_every_legal_form(num_frames: int, data: bytes, extensions: list[Extension]) -> None:
    assert parse_extensions(data, num_frames) == extensions


@pytest.mark.parametrize(("num_frames", "data", "before", "offset"), OFFENCES.values(), ids=OFFENCES)
def test_an_offence_is_told_after_what_came_before_it(
    num_frames: int, data: bytes, before: list[Extension], offset: int
) -> None:
    iterator = iter_extensions(data, num_frames)
    assert [next(iterator) for _ in before] == before
    for offended in (lambda: next(iterator), lambda: parse_extensions(data, num_frames)):
        with pytest.raises(ExtensionFormatError) as caught:
            offended()
        assert caught.value.offset == offset


@given(drawn=extension_lists())
def test_what_is_written_parses_into_the_same(drawn: tuple[int, list[Extension]]) -> None:
    num_frames, extensions = drawn
    assert by_frame(parse_extensions(write_extensions(extensions, num_frames), num_frames)) == extensions


@given(drawn=extension_lists(), data=st.data())
def test_the_order_of_frames_does_not_matter(drawn: tuple[int, list[Extension]], data: st.DataObject) -> None:
    num_frames, extensions = drawn
    order = data.draw(st.permutations(range(num_frames)))
    shuffled = [extension for frame in order for extension in extensions if extension.frame == frame]
    assert write_extensions(shuffled, num_frames) == write_extensions(extensions, num_frames)


@given(drawn=extension_lists(), extra=st.integers(0, 300))
def test_fill_goes_in_front(drawn: tuple[int, list[Extension]], extra: int) -> None:
    num_frames, extensions = drawn
    area = write_extensions(extensions, num_frames)
    assert write_extensions(extensions, num_frames, pad_to=len(area) + extra) == b"\x01" * extra + area


def test_a_repeat_is_left_out_where_it_costs_more() -> None:
    # Repeated, the 255 bytes would no longer be at the end and need two length bytes.
    extensions = [ext(32, 0), ext(4, 0), ext(32, 1, bytes(255))]
    assert write_extensions(extensions, 2) == b"\x41\x00\x08\x02\x40" + bytes(255)


def test_a_writer_refuses_what_does_not_fit() -> None:
    with pytest.raises(UsageError, match="need 3 bytes, more than 2"):
        write_extensions([ext(32, 0, b"ab")], 1, pad_to=2)
    with pytest.raises(UsageError, match="for frame 1 of 1"):
        write_extensions([ext(3, 1)], 1)
    with pytest.raises(UsageError, match="at most 6000 extensions"):
        write_extensions([ext(3)] * 6001, 1)
    for num_frames in (0, 49):
        with pytest.raises(UsageError, match="1 to 48 frames"):
            write_extensions([], num_frames)
        with pytest.raises(UsageError, match="1 to 48 frames"):
            parse_extensions(b"", num_frames)


@pytest.mark.parametrize(
    ("id", "frame", "payload"), [(2, 0, b""), (128, 0, b""), (32, 48, b""), (32, -1, b""), (3, 0, b"ab")]
)
def test_an_extension_out_of_range_is_refused(id: int, frame: int, payload: bytes) -> None:
    with pytest.raises(UsageError):
        ext(id, frame, payload)


def test_repeats_cannot_blow_up_an_area_beyond_bounds() -> None:
    iterator = iter_extensions(b"\x06" * 30_000 + b"\x05" * 30_000, 48)
    assert len([next(iterator) for _ in range(6000)]) == 6000
    with pytest.raises(ExtensionFormatError, match="at most 6000 extensions"):
        next(iterator)
    assert parse_extensions(b"\x05" * 60_000, 48) == []


@settings(max_examples=300)
@given(
    data=st.one_of(
        st.binary(max_size=40),
        st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 64, 65, 252, 253, 255]), max_size=40).map(bytes),
    ),
    num_frames=st.integers(1, 48),
)
def test_any_bytes_are_extensions_or_a_format_error(data: bytes, num_frames: int) -> None:
    try:
        extensions = parse_extensions(data, num_frames)
    except ExtensionFormatError:
        return
    assert sum(len(extension.payload) for extension in extensions) <= len(data)
    assert all(extension.frame < num_frames for extension in extensions)
    area = write_extensions(extensions, num_frames)
    assert by_frame(parse_extensions(area, num_frames)) == by_frame(extensions)
