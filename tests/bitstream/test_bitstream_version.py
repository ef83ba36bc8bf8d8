"""Versions: which extension is which."""

import pytest

from dred.bitstream import (
    DRED_FINAL,
    DRED_V10,
    DRED_V12,
    VERSION_NAMES,
    VERSIONS,
    DredVersion,
    find_version,
    own_version,
    split_prefix,
)
from dred.errors import DredPayloadError


@pytest.mark.parametrize(
    ("extension_id", "data", "version"),
    [
        (126, b"D\x0c\x00", DRED_V12),
        (126, b"D\x0a\x00", DRED_V10),
        (126, b"D\x0b\x00", None),
        (126, b"D\x0c", None),
        (126, b"d\x0c\x00", None),
        (126, b"", None),
        (127, b"D\x0c\x00", None),
        (32, b"\x00", DRED_FINAL),
        (32, b"D\x0c\x00", DRED_FINAL),
        (32, b"", None),
    ],
)
def test_an_extension_is_known_by_id_and_prefix_if_a_payload_follows(
    extension_id: int, data: bytes, version: DredVersion | None
) -> None:
    assert find_version(extension_id, data) is version


OWN = own_version("a1b2" + 30 * "00")


def test_own_networks_are_known_by_what_their_tables_are() -> None:
    assert own_version("a1b2" + 30 * "ff") == OWN
    assert find_version(126, b"d\xa1\xb2\x00") == OWN
    assert find_version(126, b"d\xa1\xb3\x00") != OWN
    assert find_version(126, b"d\xa1\xb2") is None
    assert find_version(32, b"d\xa1\xb2\x00") is DRED_FINAL
    assert find_version(127, b"d\xa1\xb2\x00") is None


def test_no_decoder_of_the_standard_takes_own_networks_for_its_own() -> None:
    # It compares the first two bytes with "D" and its number.
    assert OWN.prefix[:1] == b"d"
    assert OWN.extension_id == DRED_V12.extension_id
    for fingerprint in range(2**16):
        version = own_version(f"{fingerprint:04x}")
        assert not any(version.prefix.startswith(known.prefix) for known in (DRED_V10, DRED_V12))


def test_names_are_those_of_the_standard_and_one_of_our_own() -> None:
    assert VERSION_NAMES == ("12", "10", "final", "201")
    assert OWN.name == "201"


@pytest.mark.parametrize("version", [*VERSIONS, OWN], ids=lambda version: version.name)
def test_the_prefix_comes_off(version: DredVersion) -> None:
    assert split_prefix(version.prefix + b"payload", version) == b"payload"


def test_another_prefix_is_refused() -> None:
    with pytest.raises(DredPayloadError, match="starts with"):
        split_prefix(b"D\x0a\x00", DRED_V12)
