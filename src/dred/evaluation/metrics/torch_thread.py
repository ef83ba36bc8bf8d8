"""Run torch on one thread for a while: how sums are split over threads changes their last digits."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

__all__ = ["one_torch_thread"]


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Give torch one thread and no gradients within the block."""
    torch = import_module("torch")
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_num_threads(num_threads)
