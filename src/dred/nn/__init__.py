"""Layers with explicit state, and the two engines that compute them.

`Linear`, `Gru` and `Conv2d` hold weights; an `Engine` does the arithmetic one layer at a time: `ReferenceEngine` in
numpy, `KernelEngine` compiled. Real-time use goes past the engines: whole stages are compiled over `dred.nn.kernels`.
"""

from functools import cache

from dred.nn.engine import Activation, Engine
from dred.nn.layers import Conv2d, Gru, Linear, Tensors
from dred.nn.reference import ReferenceEngine

__all__ = ["Activation", "Conv2d", "Engine", "Gru", "Linear", "ReferenceEngine", "Tensors", "default_engine"]


@cache
def default_engine() -> Engine:
    """Return the compiled engine; Numba is imported here, not with the package."""
    from dred.nn.kernels import KernelEngine

    return KernelEngine()
