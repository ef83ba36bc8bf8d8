"""Activation functions of numbers, branch-free, so that loops over them become vector instructions.

`dred.vectors.functions` has the same for vectors.
"""

from typing import no_type_check

import numpy as np

from dred.compilation import FAST_SUMS, compiled
from dred.vectors.functions import TANH_ABOVE, TANH_BELOW, TANH_RANGE

LINEAR, TANH, SIGMOID = range(3)
ACTIVATIONS = {"linear": LINEAR, "tanh": TANH, "sigmoid": SIGMOID}


@compiled(inline="always", fastmath=FAST_SUMS)
@no_type_check
def tanh(x):
    """Return tanh of a float32, to 1.7e-6."""
    x = min(TANH_RANGE, max(-TANH_RANGE, x))
    y = x * x
    above = ((TANH_ABOVE[3] * y + TANH_ABOVE[2]) * y + TANH_ABOVE[1]) * y + TANH_ABOVE[0]
    below = ((TANH_BELOW[3] * y + TANH_BELOW[2]) * y + TANH_BELOW[1]) * y + TANH_BELOW[0]
    return x * above / below


@compiled(inline="always", fastmath=FAST_SUMS)
@no_type_check
def sigmoid(x):
    """Return the logistic function of a float32."""
    return np.float32(0.5) + np.float32(0.5) * tanh(np.float32(0.5) * x)
