"""Versions: which extension is which."""

import pytest

from dred.bitstream import DRED_FINAL, DRED_V10, DRED_V12, VERSIONS, DredVersion, find_version, split_prefix
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


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_the_prefix_comes_off(version: DredVersion) -> None:
    assert split_prefix(version.prefix + b"payload", version) == b"payload"


def test_another_prefix_is_refused() -> None:
    with pytest.raises(DredPayloadError, match="starts with"):
        split_prefix(b"D\x0a\x00", DRED_V12)
