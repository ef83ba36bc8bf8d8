"""The files in a package of Debian: a `.deb` enters, names and contents leave. Nothing is installed.

Source: deb(5): an `ar` archive of debian-binary, control.tar.* and data.tar.*; the last holds the files.
"""

import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from dred.errors import FileFormatError, UsageError

__all__ = ["read_deb_files"]

_MAGIC = b"!<arch>\n"
_HEADER_BYTES = 60
_HEADER_END = b"`\n"
_FILES_MEMBER = "data.tar"
_MAX_FILE_BYTES = 1 << 28
_MAX_MEMBERS = 1 << 20
_ERRORS = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, ValueError)


def read_deb_files(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Read those regular files of a package whose names are wanted, in the order of the package.

    Raises:
        UsageError: The package cannot be read.
        FileFormatError: It is no such package, is broken, or a wanted file has more than 256 MiB.
    """
    try:
        with path.open("rb") as file:
            window = _files_member(file, path.name)
            with tarfile.open(fileobj=cast(IO[bytes], window), mode="r|*") as archive:
                yield from _wanted(archive, is_wanted)
    except _ERRORS as error:
        raise FileFormatError("a package of Debian", value=path.name) from error
    except OSError as error:
        # gzip and bzip2 say so, too, when what they read is not their own.
        if error.errno is None:
            raise FileFormatError("a package of Debian", value=path.name) from error
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


class _Window:
    """A stretch of a file that ends before the file does."""

    def __init__(self, file: IO[bytes], num_bytes: int) -> None:
        self._file = file
        self._left = num_bytes

    def read(self, num_bytes: int) -> bytes:
        wanted_bytes = min(num_bytes, self._left)
        data = self._file.read(wanted_bytes)
        # tarfile takes an early end for the end of the archive.
        if len(data) < wanted_bytes:
            raise EOFError("the file ends early")
        self._left -= wanted_bytes
        return data


def _files_member(file: IO[bytes], name: str) -> _Window:
    """Go to the member that holds the files."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise FileFormatError("a package of Debian: an ar archive", value=name)
    for _ in range(_MAX_MEMBERS):
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or not header.endswith(_HEADER_END):
            break
        num_bytes = int(header[48:58])
        if num_bytes < 0:
            break
        if header[:16].decode("ascii", "replace").strip().startswith(_FILES_MEMBER):
            return _Window(file, num_bytes)
        # Members begin at even places.
        file.seek(num_bytes + num_bytes % 2, 1)
    raise FileFormatError(f"a package of Debian with {_FILES_MEMBER}", value=name)


def _wanted(archive: tarfile.TarFile, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    for number, member in enumerate(archive):
        if number >= _MAX_MEMBERS:
            raise FileFormatError(f"at most {_MAX_MEMBERS} files", value=member.name)
        if not member.isreg() or not is_wanted(member.name):
            continue
        if member.size > _MAX_FILE_BYTES:
            raise FileFormatError(f"files of at most {_MAX_FILE_BYTES} bytes", value=member.name)
        data = archive.extractfile(member)
        assert data is not None, "a regular file"
        yield member.name, data.read()
