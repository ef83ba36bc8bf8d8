"""One file over https into a directory, resumed where it was cut, trusted only by its pinned hash.

url -> `<name>.part` beside the target, grown by range requests -> SHA-256 -> target
"""

import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path

from dred.errors import ModelError

__all__ = ["Progress", "SourceUnreachableError", "download", "hash_file"]

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes that there will be, None if unknown."""

_CHUNK_BYTES = 64 << 10
# The archives have about 10 MB.
_MAX_BYTES = 64 << 20
# Each attempt after the first must have been led up to by new bytes, so a dead host costs one time-out.
_MAX_ATTEMPTS = 20


class SourceUnreachableError(ModelError):
    """A place that could hold what is wanted does not answer or does not have it; another one may."""


def download(
    url: str, target: Path, *, sha256: str, on_progress: Progress | None = None, timeout_s: float = 5.0
) -> Path:
    """Fetch a file, go on from what an earlier call left in `<target>.part`, and verify it.

    Args:
        timeout_s: Longest wait for the connection and for each piece of data. A stall counts as a cut, after which
            the download goes on from where it was as long as each attempt brings something new.

    Raises:
        SourceUnreachableError: The host does not answer or has no such file. What arrived stays for the next call.
        ModelError: The file's hash is wrong (the file is removed), or the file system refuses.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        raise ModelError(f"cannot write {part}: {error.strerror}") from error
    for _ in range(_MAX_ATTEMPTS):
        before_bytes = part.stat().st_size
        problem = _fetch(url, part, on_progress, timeout_s)
        if not problem or part.stat().st_size <= before_bytes:
            break
    if problem:
        if part.stat().st_size == 0:
            part.unlink()
        raise SourceUnreachableError(f"{url}: {problem}")
    actual = hash_file(part)
    if actual != sha256:
        part.unlink()
        raise ModelError(f"{url}: SHA-256 is {actual}, not {sha256}; the file was removed, nothing was installed")
    return part.replace(target)


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(url: str, part: Path, on_progress: Progress | None, timeout_s: float) -> str:
    """Append what is missing to `part` in one request. Return what went wrong, empty if nothing did."""
    # Here and not above: only an install may reach for the network.
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    start_bytes = part.stat().st_size
    headers = {"User-Agent": "dred", **({"Range": f"bytes={start_bytes}-"} if start_bytes else {})}
    try:
        with urlopen(Request(url, headers=headers), timeout=timeout_s) as response:
            is_rest = response.headers.get("Content-Range", "").startswith(f"bytes {start_bytes}-")
            if response.status != 206 or not is_rest:
                start_bytes = 0  # the server ignored the range and sends the file from its start
            length = response.headers.get("Content-Length", "")
            total_bytes = start_bytes + int(length) if re.fullmatch(r"\d{1,12}", length, re.ASCII) else None
            return _append(response, part, start_bytes, total_bytes, on_progress)
    except HTTPError as error:
        error.close()
        # "Range not satisfiable": everything is there already, and the hash will tell whether it is right.
        return "" if error.code == 416 and start_bytes else f"HTTP status {error.code}"
    except (OSError, HTTPException) as error:
        return _one_line(getattr(error, "reason", error))


def _append(
    response: io.BufferedIOBase, part: Path, start_bytes: int, total_bytes: int | None, on_progress: Progress | None
) -> str:
    done_bytes = start_bytes
    with part.open("r+b") as file:
        file.truncate(start_bytes)
        file.seek(start_bytes)
        while chunk := response.read(_CHUNK_BYTES):
            done_bytes += len(chunk)
            if done_bytes > _MAX_BYTES:
                file.truncate(0)
                raise ModelError(f"{part.name}: more than {_MAX_BYTES >> 20} MiB arrived, which no release has")
            file.write(chunk)
            if on_progress is not None:
                on_progress(done_bytes, total_bytes)
    return "" if total_bytes in (None, done_bytes) else f"cut after {done_bytes} of {total_bytes} bytes"


def _one_line(problem: object) -> str:
    return " ".join(str(problem).split()) or type(problem).__name__
