"""The networks' numbers in the source of Opus: a directory, a tar archive or a zip archive.

path -> read_opus_source -> OpusSource (tensors and tables, in the order and with the names of libopus's weight blob)

Only a fixed set of members is looked at, in memory; nothing is unpacked to disk, so no member's path matters.
"""

import bz2
import gzip
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast, runtime_checkable

import numpy as np

from dred.errors import ModelError
from dred.weights.c_arrays import parse_c_arrays
from dred.weights.dnnw import Tensor
from dred.weights.weight_set import NUM_LEVELS, TABLE_NAMES, Table

__all__ = ["OpusSource", "is_archive", "read_opus_source"]

_VERSION_FILE = "package_version"
_CONFIG_FILE = "dnn/dred_config.h"
_DIMENSIONS_FILE = "dnn/dred_rdovae_constants.h"
_TABLES_FILE = "dnn/dred_rdovae_stats_data.c"
# In the order of libopus's own blob writer, so that both ways of importing give the same sequence.
_NETWORK_FILES = tuple(
    f"dnn/{name}_data.c" for name in ("pitchdnn", "fargan", "plc", "dred_rdovae_enc", "dred_rdovae_dec")
)
_NEEDED = (_CONFIG_FILE, _DIMENSIONS_FILE, _TABLES_FILE, *_NETWORK_FILES)

# The largest wanted file of 1.5.2 has 3.5 MB, the unpacked archive of 1.6.1 60 MB.
_MAX_MEMBER_BYTES = 32 << 20
_MAX_ARCHIVE_BYTES = 512 << 20

_GZIP_MAGIC = b"\x1f\x8b"
_XZ_MAGIC = b"\xfd7zXZ\0"
_BZIP2_MAGIC = b"BZh"
_ZIP_MAGIC = b"PK\x03\x04"
_TAR_MAGIC = b"ustar"
_TAR_MAGIC_OFFSET = 257
_ARCHIVE_ERRORS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,
    ValueError,  # a header field that is no text or no number, in either format
    RuntimeError,  # zipfile's word for an encrypted member, and the parent of NotImplementedError for odd methods
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpusSource:
    """What a source of Opus says; fields as in `Card` and `WeightSet`. `libopus` is empty in a tree without release."""

    libopus: str
    bitstream_version: int
    tensors: Mapping[str, Tensor]
    tables: Mapping[str, Table]


def is_archive(head: bytes) -> bool:
    """Tell from a file's first 512 bytes whether it is a tar archive, packed or not, or a zip archive."""
    is_packed = head.startswith((_GZIP_MAGIC, _XZ_MAGIC, _BZIP2_MAGIC, _ZIP_MAGIC))
    return is_packed or head[_TAR_MAGIC_OFFSET:].startswith(_TAR_MAGIC)


def read_opus_source(path: Path) -> OpusSource:
    """Read the networks of the features, the RDO-VAE, the vocoder and the concealment, and the tables.

    Args:
        path: Root of a source tree, or an archive that holds one, with or without a folder around it.

    Raises:
        ModelError: The path is no such thing, a needed file is missing, or its text breaks its format.
    """
    try:
        members = _read_tree(path) if path.is_dir() else _read_archive(path)
    except _ARCHIVE_ERRORS as error:
        raise ModelError(f"{path.name}: unreadable: {error}") from error
    missing = [name for name in _NEEDED if name not in members]
    if missing:
        raise ModelError(
            f"{path.name}: no {missing[0]}; a release of Opus from 1.5 on holds it, a bare git checkout does not"
        )
    return _parse_members({name: data.decode("utf-8", "replace") for name, data in members.items()})


@runtime_checkable
class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def _parse_members(texts: Mapping[str, str]) -> OpusSource:
    tensors: dict[str, Tensor] = {}
    for file_name in _NETWORK_FILES:
        network = parse_c_arrays(texts[file_name])
        for name in network.record_names:
            if name in tensors:
                raise ModelError(f"{file_name}: array {name!r} is listed twice")
            tensors[name] = network.arrays[name]
    statistics = parse_c_arrays(texts[_TABLES_FILE]).arrays
    dims = {vector: _macro(texts, _DIMENSIONS_FILE, f"DRED_{vector.upper()}_DIM") for vector in ("latent", "state")}
    tables = {name: _to_table(name, statistics, dims[name.partition("_")[0]]) for name in TABLE_NAMES}
    release = re.search(r'^PACKAGE_VERSION="([\w.+~-]*)"', texts.get(_VERSION_FILE, ""), re.MULTILINE)
    return OpusSource(
        libopus=release[1] if release else "",
        bitstream_version=_macro(texts, _CONFIG_FILE, "DRED_EXPERIMENTAL_VERSION"),
        tensors=tensors,
        tables=tables,
    )


def _macro(texts: Mapping[str, str], file_name: str, macro: str) -> int:
    definition = re.search(rf"^[ \t]*#[ \t]*define[ \t]+{macro}[ \t]+(\d{{1,6}})\b", texts[file_name], re.MULTILINE)
    if definition is None:
        raise ModelError(f"{file_name} defines no {macro}")
    return int(definition[1])


def _to_table(name: str, arrays: Mapping[str, np.ndarray], dim: int) -> Table:
    values = arrays.get(f"dred_{name}")
    if values is None or values.dtype != np.uint8 or values.size != NUM_LEVELS * dim:
        raise ModelError(f"{_TABLES_FILE}: no table dred_{name} of {NUM_LEVELS} times {dim} uint8 values")
    return values.reshape(NUM_LEVELS, dim)


def _wanted_name(member_path: str) -> str | None:
    """Name a member without the folder around the tree; None if it is of no interest."""
    parts = PurePosixPath(member_path).parts
    candidates = ("/".join(parts), "/".join(parts[1:]))
    return next((name for name in candidates if name in (*_NEEDED, _VERSION_FILE)), None)


def _read_tree(root: Path) -> dict[str, bytes]:
    found = ((name, root / name) for name in (*_NEEDED, _VERSION_FILE))
    return {name: _bounded(path.open("rb"), name) for name, path in found if path.is_file()}


def _read_archive(path: Path) -> dict[str, bytes]:
    with path.open("rb") as file:
        head = file.read(16)
    members: dict[str, bytes] = {}
    for name, data in _zip_members(path) if head.startswith(_ZIP_MAGIC) else _tar_members(path, head):
        members.setdefault(name, data)
    return members


def _zip_members(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = _wanted_name(info.filename)
            if name is not None:
                yield name, _bounded(archive.open(info), name)


def _tar_members(path: Path, head: bytes) -> Iterator[tuple[str, bytes]]:
    with closing(_open_unpacked(path, head)) as stream, _open_tar(stream) as archive:
        for member in archive:
            name = _wanted_name(member.name) if member.isreg() else None
            file = archive.extractfile(member) if name is not None else None
            if name is not None and file is not None:
                yield name, _bounded(file, name)


def _open_unpacked(path: Path, head: bytes) -> _Stream:
    if head.startswith(_GZIP_MAGIC):
        return gzip.open(path)
    if head.startswith(_XZ_MAGIC):
        return lzma.open(path)
    if head.startswith(_BZIP2_MAGIC):
        return bz2.open(path)
    return path.open("rb")


def _open_tar(stream: _Stream) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast(IO[bytes], _BoundedStream(stream)), mode="r|")


def _bounded(file: _Stream, name: str) -> bytes:
    with closing(file):
        data = file.read(_MAX_MEMBER_BYTES + 1)
    if len(data) > _MAX_MEMBER_BYTES:
        raise ModelError(f"{name} is larger than {_MAX_MEMBER_BYTES >> 20} MiB")
    return data


class _BoundedStream:
    """A reader that gives up on an archive that unpacks to absurd lengths."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._left_bytes = _MAX_ARCHIVE_BYTES

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise ModelError(f"the archive unpacks to more than {_MAX_ARCHIVE_BYTES >> 20} MiB")
        return data
