import contextlib
import dataclasses
import io
import struct
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.errors import FileFormatError, OpusFormatError, UsageError
from dred.opus import parse_packet, write_packet
from dred.rtp import OggOpus, parse_ogg_opus, write_ogg_opus
from dred.rtp.ogg_pages import NO_GRANULE, OggPage, iter_ogg_pages, write_ogg_page

SILENCE = b"\x08"  # SILK, narrow band, 20 ms, mono, one frame without bytes.
HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 16_000, 0, 0)
TAGS = b"OpusTags" + bytes(8)


def _page(number: int, *packets: bytes, granule: int = 0, **changes: object) -> OggPage:
    segments: list[bytes] = []
    for packet in packets:
        segments += [packet[at : at + 255] for at in range(0, len(packet) + 1, 255)]
    fields: dict[str, object] = {
        "serial": 1,
        "number": number,
        "granule": granule,
        "is_first": number == 0,
        "is_last": False,
        "is_continued": False,
        "segments": tuple(segments),
    }
    return OggPage(**{**fields, **changes})


def _ogg(*pages: OggPage) -> bytes:
    return b"".join(map(write_ogg_page, pages))


def _padded(packet: bytes, size: int) -> bytes:
    """The same frames in a packet of exactly this size, as DRED in the padding would make it."""
    parsed = parse_packet(packet)
    return write_packet(parsed.toc, parsed.frames, bytes([1, 2, 3]), size=size)


def test_a_file_by_ffmpeg_reads_as_its_packets(ffmpeg_file: bytes, speech_packets: list[bytes]) -> None:
    ogg = parse_ogg_opus(ffmpeg_file)
    assert list(ogg.packets) == speech_packets
    assert (ogg.channels, ogg.pre_skip, ogg.num_samples_48k, ogg.input_rate_hz) == (1, 312, 144_000, 16_000)


def test_a_file_by_libsndfile_reads_with_its_length(clip_pcm: np.ndarray, ffmpeg: SimpleNamespace) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.repeat(clip_pcm, 2, axis=1), 16_000, format="OGG", subtype="OPUS")
    ogg = parse_ogg_opus(buffer.getvalue())
    assert (ogg.channels, ogg.num_samples_48k) == (2, 144_000)
    assert list(ogg.packets) == ffmpeg.demux(buffer.getvalue())


def test_a_rewritten_file_holds_and_plays_the_same(ffmpeg_file: bytes, ffmpeg: SimpleNamespace) -> None:
    ogg = parse_ogg_opus(ffmpeg_file)
    again = write_ogg_opus(ogg)
    assert parse_ogg_opus(again) == ogg
    assert ffmpeg.demux(again) == list(ogg.packets)
    played = ffmpeg.decode(again)
    np.testing.assert_array_equal(played, ffmpeg.decode(ffmpeg_file))
    samples, rate_hz = soundfile.read(io.BytesIO(again))
    assert len(samples) * 48_000 // rate_hz == 144_000 == played.shape[1]
    # libsndfile asks libopus for 16 kHz, ffmpeg for 48: every third sample is nearly the same.
    assert np.corrcoef(samples, played[0, ::3])[0, 1] > 0.99


@pytest.mark.parametrize("size", [254, 255, 256, 509, 510, 511, 1500, 255 * 255 - 1, 255 * 255, 70_000])
def test_packets_of_any_size_travel_unchanged(
    size: int, ffmpeg_file: bytes, speech_packets: list[bytes], ffmpeg: SimpleNamespace
) -> None:
    packets = [
        _padded(packet, size) if number % 3 == 1 else packet for number, packet in enumerate(speech_packets[:60])
    ]
    ogg = OggOpus(packets=tuple(packets), pre_skip=312)
    data = write_ogg_opus(ogg)
    assert parse_ogg_opus(data).packets == ogg.packets
    assert ffmpeg.demux(data) == packets
    # Players hear no difference: what is in the padding is not theirs.
    np.testing.assert_array_equal(ffmpeg.decode(data), ffmpeg.decode(ffmpeg_file)[:, : 60 * 960 - 312])


@pytest.mark.parametrize("num_samples_48k", [1, 700, 48_000, 100_001, 60 * 960 - 312])
def test_the_end_is_trimmed_to_the_sample(
    num_samples_48k: int, speech_packets: list[bytes], ffmpeg: SimpleNamespace
) -> None:
    num_packets = -(-(num_samples_48k + 312) // 960)
    ogg = OggOpus(packets=tuple(speech_packets[:num_packets]), pre_skip=312, num_samples_48k=num_samples_48k)
    data = write_ogg_opus(ogg)
    assert parse_ogg_opus(data) == ogg
    assert ffmpeg.decode(data).shape == (1, num_samples_48k)
    assert len(soundfile.read(io.BytesIO(data))[0]) == num_samples_48k


def test_packets_wholly_behind_the_end_stay_on_the_last_page() -> None:
    ogg = OggOpus(packets=(SILENCE,) * 150, num_samples_48k=48_000)
    data = write_ogg_opus(ogg)
    assert parse_ogg_opus(data) == ogg
    *_, last = iter_ogg_pages(data)
    assert (last.granule, len(last.segments)) == (48_000, 100)
    with pytest.raises(UsageError, match="trims more than the last page"):
        write_ogg_opus(dataclasses.replace(ogg, packets=(SILENCE,) * 306))


def test_pages_hold_up_to_a_second_and_count_samples() -> None:
    pages = list(iter_ogg_pages(write_ogg_opus(OggOpus(packets=(SILENCE,) * 120, pre_skip=312))))
    assert [page.number for page in pages] == [0, 1, 2, 3, 4]
    assert [page.granule for page in pages] == [0, 0, 48_000, 96_000, 115_200]
    assert [page.is_first for page in pages] == [True, False, False, False, False]
    assert [page.is_last for page in pages] == [False, False, False, False, True]
    assert b"".join(pages[0].segments).startswith(b"OpusHead\x01\x01\x38\x01")
    assert b"".join(pages[1].segments) == b"OpusTags\4\0\0\0dred\0\0\0\0"


def test_a_page_on_which_no_packet_ends_has_no_granule() -> None:
    huge = _padded(SILENCE, 200_000)
    pages = list(iter_ogg_pages(write_ogg_opus(OggOpus(packets=(SILENCE, huge, SILENCE)))))[2:]
    assert [page.granule for page in pages] == [960, NO_GRANULE, NO_GRANULE, 2880]
    assert [page.is_continued for page in pages] == [False, True, True, True]


def test_the_checksum_is_the_crc_of_rfc_3533() -> None:
    data = write_ogg_page(_page(7, b"abc", granule=-1))
    crc = 0
    for byte in data[:22] + bytes(4) + data[26:]:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc >> 31 else crc << 1) & 0xFFFFFFFF
    assert int.from_bytes(data[22:26], "little") == crc


def test_a_stream_that_starts_late_is_as_long_as_its_packets() -> None:
    start = 10**9
    data = _ogg(
        _page(0, HEAD),
        _page(1, TAGS),
        _page(77, SILENCE, SILENCE, granule=start + 1920),
        _page(78, SILENCE, granule=start + 2880),
    )
    ogg = parse_ogg_opus(data)
    assert (ogg.packets, ogg.num_samples_48k) == ((SILENCE,) * 3, 2880 - 312)


def test_a_stream_of_one_page_may_be_trimmed_below_its_packets() -> None:
    data = _ogg(_page(0, HEAD), _page(1, TAGS), _page(2, SILENCE, SILENCE, granule=1000, is_last=True))
    assert parse_ogg_opus(data).num_samples_48k == 1000 - 312


def test_harmless_oddities_are_tolerated() -> None:
    long_tags = TAGS + bytes(300)
    data = _ogg(
        _page(0, HEAD.replace(b"Head\1", b"Head\x0f") + b"future"),
        _page(1, segments=(long_tags[:255],), granule=-1),
        _page(2, long_tags[255:], is_continued=True),
        _page(3, granule=-1),
        _page(4, SILENCE, granule=960),
        _page(5, SILENCE, granule=1920),
        _page(6, granule=1920, is_last=True),
    )
    assert parse_ogg_opus(data).packets == (SILENCE, SILENCE)


GOOD = (_page(0, HEAD), _page(1, TAGS), _page(2, SILENCE, granule=960), _page(3, SILENCE, granule=1920))


@pytest.mark.parametrize(
    ("pages", "rule"),
    [
        (GOOD[1:], "OpusHead"),
        ((_page(0, b"\x01vorbis" + bytes(20)), *GOOD[1:]), "OpusHead"),
        ((_page(0, HEAD[:18]), *GOOD[1:]), "OpusHead"),
        ((_page(0, HEAD, is_first=False), *GOOD[1:]), "OpusHead"),
        ((_page(0, HEAD.replace(b"Head\1", b"Head\x10")), *GOOD[1:]), "version 0-15"),
        ((_page(0, HEAD.replace(b"Head\1\1", b"Head\1\3")), *GOOD[1:]), "one or two channels"),
        ((_page(0, HEAD.replace(b"Head\1\1", b"Head\1\0")), *GOOD[1:]), "one or two channels"),
        ((_page(0, HEAD[:-1] + b"\1"), *GOOD[1:]), "mapping family 0"),
        ((GOOD[0], _page(1, SILENCE), *GOOD[2:]), "OpusTags"),
        (GOOD[:2], "whole packet"),
        (GOOD[:1], "whole packet"),
        ((*GOOD, _page(0, HEAD), _page(1, TAGS)), "chained"),
        ((*GOOD[:3], _page(3, SILENCE, serial=2)), "multiplexed"),
        ((*GOOD[:2], _page(2, SILENCE, granule=960, is_last=True), GOOD[3]), "chained"),
        ((*GOOD[:3], _page(4, SILENCE)), "no page is missing"),
        ((*GOOD[:3], _page(3, SILENCE, is_continued=True)), "continues a packet"),
        ((*GOOD[:3], _page(3, segments=(bytes(255),)), _page(4, SILENCE)), "continues a packet"),
        ((*GOOD[:3], _page(3, segments=(b"\x08" + bytes(254),))), "whole packet"),
        ((*GOOD[:2], _page(2, SILENCE, granule=959)), "starts at 0"),
    ],
)
def test_a_stream_that_is_not_one_whole_opus_stream_names_the_rule(pages: tuple[OggPage, ...], rule: str) -> None:
    with pytest.raises(FileFormatError, match=rule):
        parse_ogg_opus(_ogg(*pages))


def test_a_packet_without_a_duration_is_a_format_error() -> None:
    for packet in (b"", b"\x0b"):
        with pytest.raises(OpusFormatError):
            parse_ogg_opus(_ogg(*GOOD[:2], _page(2, packet)))


def test_damage_names_its_place() -> None:
    data = _ogg(*GOOD)
    second = len(write_ogg_page(GOOD[0]))
    with pytest.raises(FileFormatError, match="at least one page"):
        parse_ogg_opus(b"")
    for damaged, rule, offset in [
        (data[: second + 10], "ends with a whole page", second),
        (data[: second + 30], "ends with a whole page", second),
        (data[: second + 27], "ends with a whole page", second),
        (data[:second] + b"junk" + data[second:], "begins with OggS", second),
        (data[:second] + b"OggS\1" + data[second + 5 :], "begins with OggS", second),
        (data[:-1] + b"\xff", "checksum", len(data) - len(write_ogg_page(GOOD[3])) + 22),
    ]:
        with pytest.raises(FileFormatError, match=rule) as caught:
            parse_ogg_opus(damaged)
        assert caught.value.offset == offset


@given(st.data())
def test_a_flipped_bit_never_goes_unnoticed(data) -> None:
    ogg = bytearray(_ogg(*GOOD))
    ogg[data.draw(st.integers(0, len(ogg) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(FileFormatError):
        parse_ogg_opus(bytes(ogg))


# Not st.builds: beartype looks at a random item of a tuple, which hypothesis does not want within a strategy.
FIELDS = st.fixed_dictionaries(
    {
        "serial": st.integers(0, 1),
        "number": st.integers(0, 6),
        "granule": st.integers(-2, 5000) | st.integers(-(1 << 63), (1 << 63) - 1),
        "is_first": st.booleans(),
        "is_last": st.booleans(),
        "is_continued": st.booleans(),
    }
)
SEGMENTS = st.lists(st.binary(max_size=3) | st.just(bytes(255)) | st.just(SILENCE) | st.just(TAGS), max_size=4)


@settings(max_examples=300)
@given(st.lists(st.tuples(FIELDS, SEGMENTS), max_size=5), st.integers(0, 4), st.binary(max_size=5))
def test_any_valid_pages_are_a_stream_or_a_typed_error(
    drawn: list[tuple[dict[str, Any], list[bytes]]], num_good: int, tail: bytes
) -> None:
    pages = [OggPage(**fields, segments=tuple(segments)) for fields, segments in drawn]
    with contextlib.suppress(FileFormatError, OpusFormatError):
        ogg = parse_ogg_opus(_ogg(*GOOD[:num_good], *pages) + tail)
        assert 0 <= ogg.num_samples_48k <= 960 * 120 * len(ogg.packets)


@given(st.binary(max_size=300), st.integers(0, 4))
def test_any_bytes_are_a_stream_or_a_typed_error(data: bytes, num_good: int) -> None:
    with contextlib.suppress(FileFormatError, OpusFormatError):
        parse_ogg_opus(_ogg(*GOOD[:num_good]) + data)


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=60), st.integers(0, 5000), st.data())
def test_what_is_written_reads_back(sizes: list[int], pre_skip: int, data) -> None:
    packets = tuple(_padded(SILENCE, max(size, 6)) for size in sizes)
    total = 960 * len(packets)
    pre_skip = min(pre_skip, total)
    ogg = OggOpus(
        packets=packets,
        channels=data.draw(st.integers(1, 2)),
        pre_skip=pre_skip,
        num_samples_48k=data.draw(st.integers(max(0, total - pre_skip - 959), total - pre_skip)),
        input_rate_hz=data.draw(st.integers(0, 0xFFFFFFFF)),
        output_gain_q8=data.draw(st.integers(-0x8000, 0x7FFF)),
    )
    written = write_ogg_opus(ogg)
    assert parse_ogg_opus(written) == ogg
    granules = [page.granule for page in iter_ogg_pages(written) if page.granule != NO_GRANULE]
    assert all(earlier <= later for earlier, later in pairwise(granules))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"packets": ()}, "at least one packet"),
        ({"channels": 3}, "channels must lie in 1-2"),
        ({"pre_skip": 65536}, "pre_skip must lie in 0-65535"),
        ({"input_rate_hz": -1}, "input_rate_hz must lie in"),
        ({"output_gain_q8": 32768}, "output_gain_q8 must lie in"),
        ({"num_samples_48k": 961}, "must lie in 0-960, got 961"),
        ({"num_samples_48k": -1}, "must lie in 0-960, got -1"),
        ({"num_samples_48k": 0, "pre_skip": 961}, "must lie in 0-960, got 961"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_with_the_allowed_range(changes: dict[str, object], rule: str) -> None:
    fields: dict[str, object] = {"packets": (SILENCE,)}
    with pytest.raises(UsageError, match=rule):
        write_ogg_opus(OggOpus(**{**fields, **changes}))
