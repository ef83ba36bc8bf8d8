"""Which stretches of a corpus a batch is made of."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from dred.errors import UsageError

__all__ = ["WindowSampler"]


class WindowSampler:
    """Draws stretches of a fixed number of frames that lie within one clip, all speakers in turn.

    Speakers differ much in how long they speak. With a balance of 1 each is heard in proportion, with 0 all equally.
    Synthesisers speak as much as one likes: beside recorded speech no more than a share of the windows is theirs.
    """

    def __init__(
        self,
        first_frames: Int64[np.ndarray, " clips"],
        num_frames: Int64[np.ndarray, " clips"],
        speakers: Sequence[str],
        *,
        window_frames: int,
        balance: float = 0.5,
        are_synthetic: Sequence[bool] | None = None,
        max_synthetic: float = 0.5,
    ) -> None:
        """Prepare for clips that begin and last so; shorter ones than a window are never drawn.

        Args:
            first_frames: Where clips begin.
            num_frames: How long they are.
            speakers: Whose they are.
            window_frames: How long a window is.
            balance: 0 to 1, see above.
            are_synthetic: Which of them a synthesiser spoke; None for none.
            max_synthetic: Largest share of windows from those, 0 to 1. Without recorded speech it does not hold.

        Raises:
            UsageError: No clip is as long as a window, or a number is out of its range.
        """
        if not 0 <= balance <= 1:
            raise UsageError(f"balance lies in 0 to 1, got {balance}")
        if not 0 <= max_synthetic <= 1:
            raise UsageError(f"max_synthetic lies in 0 to 1, got {max_synthetic}")
        self._first = first_frames
        self._places = np.maximum(num_frames - window_frames + 1, 0)
        if not self._places.any():
            raise UsageError(f"no clip is as long as {window_frames} frames of 10 ms")
        totals: dict[str, int] = {}
        for speaker, places in zip(speakers, self._places, strict=True):
            totals[speaker] = totals.get(speaker, 0) + int(places)
        weights = np.array(
            [
                places * totals[speaker] ** (balance - 1) if places else 0.0
                for speaker, places in zip(speakers, self._places, strict=True)
            ]
        )
        if are_synthetic is not None:
            _hold_share(weights, np.array(are_synthetic, bool), max_synthetic)
        self._cumulative = np.cumsum(weights) / np.sum(weights)

    def draw(self, rng: np.random.Generator, num_windows: int) -> Int64[np.ndarray, " windows"]:
        """Draw the first frames of some windows."""
        chosen = np.searchsorted(self._cumulative, rng.random(num_windows), side="right")
        # The last sum may be less than 1 by rounding.
        chosen = np.minimum(chosen, len(self._cumulative) - 1)
        places = self._places[chosen]
        return self._first[chosen] + (rng.random(num_windows) * places).astype(np.int64)


def _hold_share(weights: np.ndarray, are_synthetic: np.ndarray, max_synthetic: float) -> None:
    """Take from the weights of synthesised clips, in place, what they have beyond their share."""
    recorded, synthetic = weights[~are_synthetic].sum(), weights[are_synthetic].sum()
    if recorded and synthetic > max_synthetic * (recorded + synthetic):
        weights[are_synthetic] *= max_synthetic * recorded / ((1 - max_synthetic) * synthetic)
