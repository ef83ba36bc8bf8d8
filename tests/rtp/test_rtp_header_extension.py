"""Elements of header extensions: the audio level is found, and what makes no sense is as good as none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.rtp import AudioLevel, HeaderExtension, RtpPacket, find_element, parse_audio_level, parse_rtp, write_rtp


def extension(profile: int, text: str) -> HeaderExtension:
    return HeaderExtension(profile=profile, data=bytes.fromhex(text))


# As Chromium sends it: id 1, one byte: voice, -42 dBov; then id 3 with two bytes of transport sequence.
CHROMIUM = extension(0xBEDE, "10aa 31 0102 000000")


def test_the_level_is_found_in_both_forms() -> None:
    level = AudioLevel(level_dbov=-42, is_voice=True)
    assert parse_audio_level(CHROMIUM, 1) == level
    assert parse_audio_level(extension(0x1000, "0201ff00 0101aa00"), 1) == level
    assert parse_audio_level(extension(0x100F, "0101 2a 00"), 1) == AudioLevel(level_dbov=-42, is_voice=False)


def test_other_elements_are_found_behind_it() -> None:
    assert find_element(CHROMIUM, 3) == b"\1\2"
    assert find_element(CHROMIUM, 2) is None


def test_padding_is_passed_over_and_fifteen_stops() -> None:
    assert find_element(extension(0xBEDE, "0000 10 07"), 1) == b"\7"
    assert find_element(extension(0xBEDE, "f0 00 10 07"), 1) is None


@pytest.mark.parametrize(
    "broken",
    [None, extension(0x1234, "10aa0000"), extension(0xBEDE, "1faa0000"), extension(0x1000, "01ff0000")],
    ids=["none", "another profile", "cut", "cut, two bytes"],
)
def test_what_makes_no_sense_is_no_level(broken: HeaderExtension | None) -> None:
    assert parse_audio_level(broken, 1) is None


def test_a_packet_with_a_level_keeps_its_payload() -> None:
    packet = RtpPacket(payload_type=111, sequence=1, timestamp=2, ssrc=3, payload=b"opus", extension=CHROMIUM)
    parsed = parse_rtp(write_rtp(packet))
    assert parsed.payload == b"opus"
    assert parse_audio_level(parsed.extension, 1) is not None


@given(st.sampled_from([0xBEDE, 0x1000, 0x1005, 0]), st.binary(max_size=40), st.integers(0, 255))
def test_any_extension_gives_an_element_or_none(profile: int, data: bytes, element_id: int) -> None:
    padded = HeaderExtension(profile=profile, data=data + bytes(-len(data) % 4))
    find_element(padded, element_id)
    parse_audio_level(padded, element_id)
