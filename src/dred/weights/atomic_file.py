"""Files that appear whole or not at all."""

import os
from pathlib import Path

from dred.errors import ModelError

__all__ = ["write_atomically"]


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file under a passing name, then rename it; missing parent directories are made.

    Raises:
        ModelError: The file system refuses; nothing is left behind.
    """
    # The process id keeps two writers of one file apart; the last rename wins.
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror}") from error
