"""A corpus as tensors on the device that trains, and the windows that a step takes from it."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dred.training.data import Corpus

__all__ = ["Material", "Windows"]

_INT16_SCALE = 32768.0


class Windows(NamedTuple):
    """Stretches of a corpus."""

    samples: Float[Tensor, "batch frames 160"]
    features: Float[Tensor, "batch frames 20"]


class Material:
    """A corpus's speech and features. On a CPU they stay on disk until they are used."""

    def __init__(self, corpus: Corpus, device: torch.device) -> None:
        self.device = device
        self._samples = torch.from_numpy(corpus.samples).to(device)
        self._features = torch.from_numpy(corpus.features).to(device)

    def windows(self, first_frames: Int[Tensor, " batch"], num_frames: int) -> Windows:
        """Return windows from their first frames on; samples lie in -1 to 1."""
        rows = first_frames[:, None] + torch.arange(num_frames, device=self.device)
        return Windows(self._samples[rows].float() / _INT16_SCALE, self._features[rows])

    def features(self, first_frames: Int[Tensor, " batch"], num_frames: int) -> Float[Tensor, "batch frames 20"]:
        """Return the windows' features alone."""
        return self._features[first_frames[:, None] + torch.arange(num_frames, device=self.device)]
