"""Files with a JSON object per line, as manifests are: bytes enter, numbered objects and checked values leave."""

import contextlib
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dred.errors import FileFormatError
from dred.whole_file import read_whole_file

__all__ = ["number_of", "read_json_lines", "text_of"]

# Half a million cuts of lhotse.
_MAX_BYTES = 1 << 28
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_SHOWN = 80


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read a file's objects and the numbers of their lines, from 1; packed by gzip or not. Empty lines are left out.

    Raises:
        UsageError: The file cannot be read.
        FileFormatError: The file is too large, broken, or a line is no JSON object.
    """
    data = read_whole_file(path, max_bytes=_MAX_BYTES)
    if data.startswith(_GZIP_MAGIC):
        data = _unpack(data, path.name)
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        # A line may nest deeper than Python can follow.
        except (ValueError, RecursionError) as error:
            raise FileFormatError(f"line {number}: a JSON object", value=line[:_MAX_SHOWN]) from error
        if not isinstance(row, dict):
            raise FileFormatError(f"line {number}: a JSON object", value=line[:_MAX_SHOWN])
        yield number, row


def text_of(row: Mapping[str, Any], key: str, number: int, default: str | None = None) -> str:
    """Return a text of an object; numbers count as text.

    Raises:
        FileFormatError: It is missing, and there is no default, or it is something else or no Unicode.
    """
    value = row.get(key, default)
    # A lone surrogate cannot be written, a zero character ends a path.
    is_text = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    text = str(value)
    if not is_text or "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise FileFormatError(f"line {number}: text as {key}", value=text[:_MAX_SHOWN])
    return text


def number_of(row: Mapping[str, Any], key: str, number: int, *, least: float = 0.0) -> float:
    """Return a number of an object.

    Raises:
        FileFormatError: It is missing, something else, not finite or less than the least.
    """
    value = row.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # An integer may be too long for a float.
        with contextlib.suppress(OverflowError):
            if math.isfinite(value) and value >= least:
                return float(value)
    raise FileFormatError(f"line {number}: a number of at least {least:g} as {key}", value=str(value)[:_MAX_SHOWN])


def _unpack(data: bytes, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError("a whole gzip file", value=name) from error
    if len(unpacked) > _MAX_BYTES:
        raise FileFormatError(f"a file of at most {_MAX_BYTES} bytes", offset=_MAX_BYTES, value=name)
    return unpacked
