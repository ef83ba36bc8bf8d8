"""What one stream asks of a vocoder at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32


@dataclass(slots=True, kw_only=True)
class SpeechRequest:
    """A stretch of speech to be spoken.

    Attributes:
        features: The feature frames to speak, 10 ms each.
        state: Where the vocoder stands; what `start` returned. The call advances it.
        opening: In place of a state, at the start of a gap: what `start` takes. The call leaves the state.
    """

    features: Float32[np.ndarray, "frames 20"]
    state: Any = None
    opening: tuple[Float32[np.ndarray, "5 20"], Float32[np.ndarray, " 320"]] | None = None
