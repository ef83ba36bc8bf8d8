"""Compiled functions behind C pointers: compiled into themselves only, whoever calls them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from numba.core.ccallback import CFunc

from dred.compilation.disk_cache import DiskCache

__all__ = ["compile_pointer"]


def compile_pointer(signature: Any, function: Callable[..., Any]) -> Any:
    """Compile a function for the C types of a signature, or load it from disk, and return what holds its `address`."""
    pointer: Any = CFunc(
        function, (signature.args, signature.return_type), locals={}, options={"error_model": "numpy", "_nrt": False}
    )
    # No folder to keep it in, or another Numba inside: each process compiles anew.
    with suppress(AttributeError, OSError, RuntimeError):
        pointer._cache = DiskCache(function)
    pointer.compile()
    return pointer
