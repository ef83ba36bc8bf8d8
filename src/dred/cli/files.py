"""Paths on the command line: inputs that name themselves in errors, outputs that are checked before the work."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dred.errors import RemoteDataError, UsageError

__all__ = ["check_output", "reading"]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file in errors about its content.

    Raises:
        UsageError: The content breaks a rule of its format.
    """
    try:
        yield
    except RemoteDataError as error:
        raise UsageError(f"cannot use {path}: expected {error}") from error


def check_output(path: Path, suffixes: Sequence[str]) -> None:
    """Refuse an output that could not be written in the end.

    Raises:
        UsageError: Another suffix, or a folder that is missing.
    """
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"cannot write {path}: the name must end in {' or '.join(suffixes)}")
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: {path.parent} is not a folder")
