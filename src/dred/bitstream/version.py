"""The versions of DRED's payload, as data, and the limits that all of them share.

An Opus extension's id and its first bytes say which version it is. Versions do not understand each other: an unknown
one is to be ignored, never guessed.

Payloads of networks that dred trained are no standard payloads, and no decoder of the standard takes them for such:
their prefix differs in its first byte, and the rest of it names the tables that they were written with.

| who | extension | prefix |
|---|---|---|
| libopus 1.5, 1.6 | 126 | `D`, version |
| the coming standard | 32 | none |
| networks of dred's own | 126 | `d`, two bytes of the tables' SHA-256 |
"""

from dataclasses import dataclass

from dred.errors import DredPayloadError

NUM_LEVELS = 16
"""Quantiser levels, 0 = finest. Source: draft-ietf-mlcodec-opus-dred (4-bit level)."""

MAX_LATENTS = 26
"""Latents in one payload: 1.04 s. Source: libopus 1.6.1 dnn/dred_config.h."""

MAX_PAYLOAD_BYTES = 1000
"""Longest payload, without prefix, that is written or parsed. Source: libopus 1.6.1 dnn/dred_config.h."""

MIN_PAYLOAD_BYTES = 8
"""Least room for which writing a payload is worth while. Source: libopus 1.6.1 dnn/dred_config.h."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DredVersion:
    """One version of the payload.

    Attributes:
        name: Its usual name.
        extension_id: Id of the Opus extension that carries it.
        prefix: Bytes of the extension before the payload.
        latent_dim: Symbols of one latent, whether coded at a level or not; None if the tables say.
        state_dim: Symbols of the initial state; None if the tables say.
        libopus_release: The releases that speak it; empty if none does yet.
    """

    name: str
    extension_id: int
    prefix: bytes
    latent_dim: int | None
    state_dim: int | None
    libopus_release: str


DRED_V12 = DredVersion(name="12", extension_id=126, prefix=b"D\x0c", latent_dim=25, state_dim=50, libopus_release="1.6")
DRED_V10 = DredVersion(name="10", extension_id=126, prefix=b"D\x0a", latent_dim=21, state_dim=19, libopus_release="1.5")
DRED_FINAL = DredVersion(name="final", extension_id=32, prefix=b"", latent_dim=25, state_dim=50, libopus_release="")

VERSIONS = (DRED_V12, DRED_V10, DRED_FINAL)
"""Every version of the standard. Source: libopus 1.5.2 and 1.6.1 dnn/dred_config.h; draft-ietf-mlcodec-opus-dred."""

OWN_VERSION_NAME = "201"
"""What all versions of dred's own networks are called; our choice, far above the standard's."""

VERSION_NAMES = (*(version.name for version in VERSIONS), OWN_VERSION_NAME)
"""What a sender can be asked for."""

# Experiments share the id by their first bytes, and libopus passes over any that is not "D" and its own number.
_OWN_EXTENSION_ID = 126
_OWN_MARK = b"d"
_OWN_PREFIX_BYTES = 3


def own_version(tables_sha256: str) -> DredVersion:
    """Return the version of networks that dred trained, by the hash of their tables in hexadecimal.

    Networks with other tables almost surely have another prefix, and ignore each other's payloads.
    """
    return _own_version(_OWN_MARK + bytes.fromhex(tables_sha256)[: _OWN_PREFIX_BYTES - 1])


def find_version(extension_id: int, extension_data: bytes) -> DredVersion | None:
    """Find the version of an extension: id and prefix match and at least one byte follows; None if unknown.

    Source: libopus 1.6.1 src/opus_decoder.c (dred_find_payload); `own_version`.
    """
    is_own = extension_id == _OWN_EXTENSION_ID and extension_data.startswith(_OWN_MARK)
    for version in (_own_version(extension_data[:_OWN_PREFIX_BYTES]),) if is_own else VERSIONS:
        if (
            extension_id == version.extension_id
            and extension_data.startswith(version.prefix)
            and len(extension_data) > len(version.prefix)
        ):
            return version
    return None


def split_prefix(extension_data: bytes, version: DredVersion) -> bytes:
    """Strip a version's prefix from an extension and return the payload.

    Raises:
        DredPayloadError: The extension starts otherwise.
    """
    if not extension_data.startswith(version.prefix):
        start = extension_data[: len(version.prefix)]
        raise DredPayloadError(f"a DRED {version.name} extension starts with {version.prefix!r}", value=start)
    return extension_data[len(version.prefix) :]


def _own_version(prefix: bytes) -> DredVersion:
    return DredVersion(
        name=OWN_VERSION_NAME,
        extension_id=_OWN_EXTENSION_ID,
        prefix=prefix,
        latent_dim=None,
        state_dim=None,
        libopus_release="",
    )
