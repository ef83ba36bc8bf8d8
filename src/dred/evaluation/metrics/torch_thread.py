"""Run torch on one thread for a while: how sums are split over threads changes their last digits."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Lock

__all__ = ["one_torch_thread"]

_setting = Lock()


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Give torch one thread and no gradients within the block; the setting is the process's, so that blocks wait."""
    torch = import_module("torch")
    with _setting:
        num_threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.no_grad():
                yield
        finally:
            torch.set_num_threads(num_threads)
