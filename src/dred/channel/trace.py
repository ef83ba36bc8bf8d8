"""Loss traces: a text file of one line per packet enters, an array of losses leaves; and back.

The form is that of the Audio Deep PLC Challenge's `<id>_is_lost.txt`: `1` for a lost packet, `0` for a received one.
"""

import re
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from dred.errors import FileFormatError, UsageError
from dred.whole_file import read_whole_file, write_whole_file

__all__ = ["read_trace", "write_trace"]

# 46 hours of 20 ms packets at two bytes each. Our choice.
MAX_TRACE_BYTES = 1 << 24
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE = re.compile(rb"([01])(?:\.0*)?")
_SHOWN_BYTES = 40


def read_trace(path: Path | str) -> Bool[np.ndarray, " packets"]:
    """Read which packets a network lost (True).

    Spaces, blank lines, a byte order mark, any line ends and `1.0` for `1` are accepted.

    Raises:
        UsageError: The file is missing, a folder, or not readable.
        FileFormatError: A line holds anything else, or there is no packet, or the file exceeds 16 MiB.

    Source: facts about the Interspeech 2022 Audio Deep PLC Challenge's data set.
    """
    data = read_whole_file(Path(path), max_bytes=MAX_TRACE_BYTES)
    offset = len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0
    lost: list[bool] = []
    for number, line in enumerate(data[offset:].splitlines(keepends=True), start=1):
        text = line.strip()
        if text:
            match = _LINE.fullmatch(text)
            if match is None:
                raise FileFormatError(f"one 0 or 1 in line {number}", offset=offset, value=text[:_SHOWN_BYTES])
            lost.append(match[1] == b"1")
        offset += len(line)
    if not lost:
        raise FileFormatError("a trace of at least one packet", offset=offset, value=data[:_SHOWN_BYTES])
    return np.array(lost, bool)


def write_trace(path: Path | str, lost: Bool[np.ndarray, " packets"]) -> None:
    """Write a trace, all or nothing.

    Raises:
        UsageError: There is no packet, or the path cannot be written.
    """
    if not len(lost):
        raise UsageError("a trace holds at least one packet, got 0")
    write_whole_file(Path(path), b"".join(b"1\n" if is_lost else b"0\n" for is_lost in lost))
