"""Layers with explicit state, and the two engines that compute them.

`Linear`, `Gru` and `Conv2d` hold weights; an `Engine` does the arithmetic: `ReferenceEngine` in numpy, `KernelEngine`
compiled by Numba. `default_engine()` is the one for real-time use.
"""

from functools import cache

from dred.nn.engine import Activation, Engine
from dred.nn.layers import Conv2d, Gru, Linear, Tensors
from dred.nn.reference import ReferenceEngine

__all__ = ["Activation", "Conv2d", "Engine", "Gru", "Linear", "ReferenceEngine", "Tensors", "default_engine"]


@cache
def default_engine() -> Engine:
    """Return the fastest engine; Numba is imported here, not with the package."""
    from dred.nn.kernels import KernelEngine

    return KernelEngine()
