"""The decorator that all kernels have."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, overload

from numba import njit

from dred.compilation.disk_cache import DiskCache

__all__ = ["FAST_SUMS", "code_folder", "compiled"]

Function = Callable[..., Any]
# Its types leave out options that it has.
_njit: Any = njit
Inlining = Literal["never", "always", "late"]

FAST_SUMS = frozenset({"reassoc", "contract", "nsz", "arcp"})
"""Sums may be reordered, which vectorisation needs; NaN and infinity keep their meaning."""


@overload
def compiled(function: Function) -> Function: ...


@overload
def compiled(
    *, fastmath: frozenset[str] = ..., inline: Inlining = ..., makes_arrays: bool = ...
) -> Callable[[Function], Function]: ...


def compiled(
    function: Function | None = None,
    *,
    fastmath: frozenset[str] = frozenset(),
    inline: Inlining = "never",
    makes_arrays: bool = True,
) -> Function | Callable[[Function], Function]:
    """Compile a function on its first call and keep the result on disk.

    Where there is no folder to keep it in, each process compiles anew; `code_folder` tells.

    Args:
        function: The function.
        fastmath: What may be done to floating point beyond its rules.
        inline: Whether the caller gets the function's own code: as statements before types are known ("always"), or as
            machine code ("late"), which compiles faster and allows any control flow.
        makes_arrays: Without, the function can create no arrays, and each array that it hands to another function costs
            nothing instead of two atomic counts.
    """

    def decorate(function: Function) -> Function:
        # A check for division by zero, as Python has it, would keep loops from becoming vector instructions.
        compiler = _njit(
            nogil=True,
            error_model="numpy",
            fastmath=set(fastmath),
            inline="always" if inline == "always" else "never",
            forceinline=inline == "late",
            _nrt=makes_arrays,
        )
        return _keep(compiler(function))

    return decorate if function is None else decorate(function)


def code_folder() -> Path | None:
    """Return the folder that this package's own compiled code is kept in, or None if there is none for any."""
    path = compiled(_nothing).stats.cache_path  # type: ignore[attr-defined]
    return Path(path) if path else None


def _nothing() -> None:
    """Stand for any function that is compiled."""


def _keep(dispatcher: Any) -> Function:
    """Give a function its place on disk, as Numba's `cache=True` does; that is the second choice, nothing the third."""
    if not hasattr(dispatcher, "py_func"):
        # $NUMBA_DISABLE_JIT: the function itself.
        return dispatcher
    # A runtime error is Numba's word for a machine without any folder to write to.
    with suppress(RuntimeError):
        try:
            dispatcher._cache = DiskCache(dispatcher.py_func)
        except (AttributeError, OSError):
            # Another Numba inside, or no sources to be read.
            dispatcher.enable_caching()
    return dispatcher
