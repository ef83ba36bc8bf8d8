"""Files that appear whole or not at all, in a directory that is made for them."""

from pathlib import Path

from dred.errors import ModelError, UsageError
from dred.whole_file import write_whole_file

__all__ = ["write_atomically"]


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file as a whole; missing parent directories are made.

    Raises:
        ModelError: The file system refuses; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole_file(path, data)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror}") from error
    except UsageError as error:
        raise ModelError(str(error)) from error
