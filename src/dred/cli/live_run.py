"""What `dred send` and `dred receive` share: keys, interrupts, and showing figures as they come."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from rich.console import Console, RenderableType
from rich.live import Live

from dred.errors import UsageError
from dred.live import KEY_VARIABLE, Protection, Srtp, Unprotected, parse_key, read_key_file

__all__ = ["Shown", "now_ms", "read_key", "run_until_stopped", "showing", "unix_ms_at_zero", "with_key"]

Result = TypeVar("Result")


@runtime_checkable
class Shown(Protocol):
    """Figures of a second."""

    def as_json(self) -> dict[str, object]:
        """Return them for scripts."""
        ...


def now_ms() -> float:
    """Read the clock: milliseconds that never go back."""
    return time.monotonic() * 1000


def unix_ms_at_zero() -> float:
    """Return the Unix time when that clock was 0."""
    return time.time() * 1000 - now_ms()


def read_key(key: str | None, key_file: Path | None) -> bytes | None:
    """Find the key: in the file, on the command line, or in the environment; None if there is none.

    Raises:
        UsageError: There are two, or it is no key.
    """
    if key is not None and key_file is not None:
        raise UsageError("give --key or --key-file, not both")
    if key_file is not None:
        return read_key_file(key_file)
    text = key if key is not None else os.environ.get(KEY_VARIABLE)
    return None if text is None else parse_key(text)


def with_key(key: bytes | None) -> Protection:
    """Protect by a key, if there is one.

    Raises:
        UsageError: There is one, and pylibsrtp is not installed.
    """
    return Unprotected() if key is None else Srtp(key)


def run_until_stopped(main: Callable[[asyncio.Event], Coroutine[Any, Any, Result]]) -> tuple[Result, bool]:
    """Run a coroutine that is given an event to stop at; an interrupt sets it.

    Returns:
        What it returned, and whether it was interrupted.
    """

    async def run() -> tuple[Result, bool]:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        try:
            return await main(stop), stop.is_set()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    return asyncio.run(run())


@contextmanager
def showing(
    draw: Callable[[Any, int], RenderableType], lines: Callable[[Any], str], *, as_json: bool
) -> Iterator[Callable[[Any], None]]:
    """Show figures: a picture that changes on a terminal, else one line for each.

    Args:
        draw: Makes a picture of figures and the terminal's width.
        lines: Makes a line of figures.
        as_json: Whether lines are JSON, terminal or not.

    Yields:
        A function to be called with figures.
    """
    import json

    if as_json:
        yield lambda figures: print(json.dumps(figures.as_json()), flush=True)
        return
    if not sys.stdout.isatty():
        yield lambda figures: print(lines(figures), flush=True)
        return
    console = Console()
    with Live(console=console, auto_refresh=False) as live:
        yield lambda figures: live.update(draw(figures, console.width), refresh=True)
