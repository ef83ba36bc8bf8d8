"""Scratch space for compiled stages: made once, lent to one call at a time."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from dred.nn.kernels.packing import Network, Workspace, workspace

Rows = tuple[Float32[np.ndarray, "rows _"], ...]
Space = tuple[Workspace, Rows]


class Scratch:
    """The scratch space of one network, for calls from any number of threads.

    A call borrows a space, which nobody else sees until it is given back; so there are as many as there have been
    calls at the same time, each as large as its largest batch.
    """

    def __init__(self, network: Network, widths: Sequence[int]) -> None:
        """Prepare spaces of a workspace and float rows of these widths."""
        self._network = network
        self._widths = tuple(widths)
        self._free: list[Space] = []

    def borrow(self, num_rows: int) -> Space:
        """Return (work, rows): a workspace and arrays [at least num_rows, width]; hand it to `give_back` afterwards."""
        try:
            space = self._free.pop()
        except IndexError:
            return self._make(num_rows)
        return space if len(space[1][0]) >= num_rows else self._make(num_rows)

    def give_back(self, space: Space) -> None:
        """Let the next call have a space."""
        self._free.append(space)

    def _make(self, num_rows: int) -> Space:
        rows = tuple(np.zeros((num_rows, width), np.float32) for width in self._widths)
        return workspace(self._network, num_rows), rows
