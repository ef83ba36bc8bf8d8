"""How concealed speech dies away when nothing is known for long.

Source: facts from libopus 1.6.1 dnn/lpcnet_plc.c.
"""

import numpy as np
from jaxtyping import Float32

_STEPS = (0.0, 0.0, -0.2, -0.2, -0.4, -0.4, -0.8, -0.8, -1.6, -1.6)
_FURTHER_STEP = -2.0
_LOWEST = -15.0


def fade(features: Float32[np.ndarray, " 20"], num_predicted: int) -> Float32[np.ndarray, " 20"]:
    """Lower the level of the num_predicted-th guessed 10 ms in a row; 0 (not guessed) and 1 stay as they are."""
    last = len(_STEPS) - 1
    step = _STEPS[min(num_predicted, last)] + _FURTHER_STEP * max(0, num_predicted - last)
    if step == 0.0:
        return features
    faded = features.copy()
    faded[0] = max(_LOWEST, features[0] + step)
    return faded
