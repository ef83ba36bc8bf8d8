"""What one stream asks of a vocoder at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

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


@runtime_checkable
class _Speaker(Protocol):
    def start(self, features: Float32[np.ndarray, "5 20"], samples: Float32[np.ndarray, " 320"]) -> Any: ...

    def synthesise(self, state: Any, features: Float32[np.ndarray, "frames 20"]) -> Float32[np.ndarray, " samples"]: ...


def speak_in_turn(speaker: _Speaker, requests: Sequence[SpeechRequest]) -> list[Float32[np.ndarray, " samples"]]:
    """Speak what several streams ask for, one after another."""
    spoken = []
    for request in requests:
        if request.opening is not None:
            request.state = speaker.start(*request.opening)
        spoken.append(speaker.synthesise(request.state, request.features))
    return spoken
