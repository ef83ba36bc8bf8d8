"""What a network asks of the arithmetic beneath it.

Networks are written once, as steps over an `Engine`; the reference engine is plain numpy, the kernel engine is
compiled. States are arrays that belong to the caller and are updated in place.
"""

from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from dred.nn.layers import Conv2d, Gru, Linear

Activation = Literal["linear", "tanh", "sigmoid"]


@runtime_checkable
class Engine(Protocol):
    """The layer arithmetic of one implementation."""

    name: str

    def dense(
        self, layer: Linear, x: Float32[np.ndarray, " inputs"], activation: Activation
    ) -> Float32[np.ndarray, " outputs"]:
        """Apply an affine map and an activation."""
        ...

    def gru(self, unit: Gru, state: Float32[np.ndarray, " units"], x: Float32[np.ndarray, " inputs"]) -> None:
        """Advance a GRU's state by one step, in place. The reset gate is applied after the recurrent product."""
        ...

    def glu(self, layer: Linear, x: Float32[np.ndarray, " units"]) -> Float32[np.ndarray, " units"]:
        """Gate a vector by the sigmoid of an affine map of itself."""
        ...

    def conv1d(
        self, layer: Linear, memory: Float32[np.ndarray, "past width"], x: Float32[np.ndarray, " width"]
    ) -> Float32[np.ndarray, " outputs"]:
        """Apply a causal convolution and tanh; `memory` holds the past inputs, oldest first, and takes in x.

        A layer of 2 taps looks at the oldest row of memory, so that `past` is its dilation; a layer of more taps
        looks at every row.
        """
        ...

    def conv2d(
        self,
        layer: Conv2d,
        memory: Float32[np.ndarray, "2 in_channels height_2"],
        x: Float32[np.ndarray, "in_channels height_2"],
    ) -> Float32[np.ndarray, "out_channels height"]:
        """Apply a 3 x 3 convolution and tanh; `memory` holds the last two inputs, oldest first, and takes in x."""
        ...
