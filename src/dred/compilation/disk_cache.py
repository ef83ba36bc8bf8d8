"""Compiled code on disk, one file per function and types, never older than the sources it was made of.

    file = SHA-256 of (stamp, rest), rest = pickle of (types and processor, code)

Numba's own cache looks at the function's file only: the code of functions compiled into it, from other files, may be
out of date unseen. Its index is rewritten by each process that compiles, so that two at once can take one another's
code. Here the stamp covers all sources, a file is replaced as a whole, and what does not fit is compiled again.

Source: Numba 0.68, numba/core/caching.py (the interface, the key, where the folder is).
"""

import hashlib
import logging
import pickle
from pathlib import Path
from typing import Any

import numba
from numba.core import caching, serialize
from numba.core.runtime.nrt import rtsys

from dred.compilation.source_stamp import source_stamp
from dred.errors import UsageError
from dred.whole_file import write_whole_file

__all__ = ["DiskCache"]

logger = logging.getLogger(__name__)

_DIGEST_BYTES = 32


class DiskCache:
    """One function's place on disk, with the methods that Numba expects."""

    def __init__(self, function: Any) -> None:
        """Find the function's folder.

        Raises:
            RuntimeError: There is no folder that can be written; $NUMBA_CACHE_DIR can name one.
            OSError: The function's source cannot be read.
            AttributeError: This Numba is built in another way.
        """
        stamp = source_stamp(function.__module__, Path(function.__code__.co_filename))
        self._stamp = hashlib.sha256(numba.__version__.encode() + stamp).digest()
        in_numba: Any = caching.FunctionCache(function)
        self._index_key = in_numba._index_key
        self._form = in_numba._impl
        self._path = Path(in_numba.cache_path) / self._form.filename_base
        self._is_enabled = True

    @property
    def cache_path(self) -> str:
        """The folder."""
        return str(self._path.parent)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the code for these types, or None if there is none of these sources."""
        # Numba would load all that it compiles with; code that is at hand needs nothing but its allocator.
        rtsys.initialize(context)
        key = self._index_key(signature, context.codegen())
        try:
            content = self._file(key).read_bytes()
        except OSError:
            return None
        digest, rest = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if not self._is_enabled or digest != self._digest(rest):
            return None
        written_key, code = pickle.loads(rest)
        return self._form.rebuild(context, code) if written_key == key else None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep the code for these types; a disk that refuses costs the next process its time and this one nothing."""
        if not self._is_enabled or not self._form.check_cachable(result):
            return
        key = self._index_key(signature, result.codegen)
        rest = serialize.dumps((key, self._form.reduce(result)))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole_file(self._file(key), self._digest(rest) + rest)
        except (OSError, UsageError) as error:
            logger.warning("compiled code is not kept: %s", error)

    def enable(self) -> None:
        """Use the disk."""
        self._is_enabled = True

    def disable(self) -> None:
        """Leave the disk alone."""
        self._is_enabled = False

    def flush(self) -> None:
        """Forget what is kept of this function."""
        for file in self._path.parent.glob(f"{self._path.name}.*.nbc"):
            file.unlink(missing_ok=True)

    def _file(self, key: object) -> Path:
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return self._path.with_name(f"{self._path.name}.{name}.nbc")

    def _digest(self, rest: bytes) -> bytes:
        return hashlib.sha256(self._stamp + rest).digest()
