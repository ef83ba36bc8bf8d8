"""A bar on stderr for work that lasts, in front of people only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

__all__ = ["progress"]

_PATIENCE_S = 2.0


@contextmanager
def progress(verb: str) -> Iterator[Callable[[float], None]]:
    """Show a bar and the time left while the body runs, from its third second on and only on a terminal.

    Args:
        verb: What is being done.

    Yields:
        A function to be called with the share that is done, 0 to 1. Until then the bar only shows that work goes on.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(verb, total=None)
    timer = Timer(_PATIENCE_S, bar.start)
    timer.start()
    try:
        yield lambda share: bar.update(task, completed=share, total=1.0)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
