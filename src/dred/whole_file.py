"""Whole files: read with a size limit, written completely or not at all.

Every file format of dred goes through here: captures, traces, Ogg and wav. Readers get bytes, writers hand over bytes.
"""

import secrets
from pathlib import Path

from dred.errors import FileFormatError, UsageError

__all__ = ["read_whole_file", "write_whole_file"]


def read_whole_file(path: Path, *, max_bytes: int) -> bytes:
    """Read a file.

    Raises:
        UsageError: The file is missing, a folder, or may not be read.
        FileFormatError: The file holds more than `max_bytes`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > max_bytes:
        raise FileFormatError(f"a file of at most {max_bytes} bytes", offset=max_bytes, value=path.name)
    return data


def write_whole_file(path: Path, data: bytes) -> None:
    """Write a file under a temporary name beside it, then rename: the name never shows a part of the data.

    Raises:
        UsageError: The folder is missing or may not be written, the disk is full, or the name belongs to something
            that is not a regular file.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        # A rename would replace a device such as /dev/null itself.
        if path.exists() and not path.is_file():
            raise UsageError(f"cannot write {path}: it exists and is not a regular file")
        try:
            with temporary.open("xb") as file:
                file.write(data)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
