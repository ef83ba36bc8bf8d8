"""The task that makes a pitch network: to say what another one said about the corpus.

    windows of speech -> what the network sees -> scores of 180 classes <- the pitch feature of the corpus

The corpus's features hold the pitch that the extractor's network found, in the whole clip; its classes are spread a
little, so that the mean around the best one can lie between two. Frames without a voice count little: any pitch does.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from dred.errors import UsageError
from dred.features import PITCH, VOICING, pitch_inputs
from dred.features.reference.pitch import CLASSES_PER_OCTAVE, NUM_CLASSES
from dred.training.data import Corpus
from dred.training.optimiser import Adam, AdamConfig
from dred.training.pitch import PitchTracker, PitchWidths, expected_pitch

__all__ = ["PitchTracking", "PitchTrackingConfig"]

# What a frame's inputs depend on beside its own samples, in whole frames.
_PAST_FRAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PitchTrackingConfig:
    """What a step is made of.

    Attributes:
        batch: Windows per step.
        num_frames: Their length.
        num_listened: Frames at the beginning of each that do not count: the network's memory is empty there.
        adam: How weights are moved.
        spread_classes: Standard deviation of the wanted distribution, in sixtieths of an octave.
        least_weight: Weight of a frame without a voice; one that is all voice weighs 1.
        balance: How speakers share the batches, see `WindowSampler`.
        widths: Widths of the network's layers.
    """

    batch: int = 64
    num_frames: int = 72
    num_listened: int = 8
    adam: AdamConfig = field(default_factory=lambda: AdamConfig(rate=3e-3))
    spread_classes: float = 1.0
    least_weight: float = 0.05
    balance: float = 0.5
    widths: PitchWidths = field(default_factory=PitchWidths)

    def __post_init__(self) -> None:
        if self.batch < 1 or not 0 <= self.num_listened < self.num_frames:
            raise UsageError(
                f"batch is at least 1 and num_listened below num_frames, got {self.batch}, {self.num_listened}, "
                f"{self.num_frames}"
            )
        if not self.spread_classes > 0 or not 0 <= self.least_weight <= 1:
            raise UsageError(
                f"spread_classes is positive and least_weight lies in 0 to 1, got {self.spread_classes}, "
                f"{self.least_weight}"
            )


class PitchTracking:
    """Training of the pitch network on the pitch that the corpus holds."""

    is_graphable = True

    def __init__(self, corpus: Corpus, config: PitchTrackingConfig, device: torch.device, seed: int = 0) -> None:
        self.config = config
        self.network = PitchTracker(torch.Generator().manual_seed(seed), config.widths).to(device)
        self.modules: dict[str, nn.Module] = {"pitch": self.network}
        self.optimisers = {"pitch": Adam(self.network, config.adam)}
        self._corpus = corpus
        num_frames = _PAST_FRAMES + config.num_frames
        self._sampler = corpus.sampler("train", window_frames=num_frames, balance=config.balance)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Draw windows: what the network sees of them, and their pitch and voicing."""
        firsts = self._sampler.draw(rng, self.config.batch)
        rows = firsts[:, None] + np.arange(_PAST_FRAMES + self.config.num_frames)
        seen = [pitch_inputs(window.astype(np.float32).ravel()) for window in self._corpus.samples[rows]]
        features = self._corpus.features[rows[:, _PAST_FRAMES:]]
        return (
            np.stack([inputs.frequencies[_PAST_FRAMES:] for inputs in seen]),
            np.stack([inputs.correlations[_PAST_FRAMES:] for inputs in seen]),
            features[..., PITCH],
            features[..., VOICING],
        )

    def step(self, *drawn: Tensor) -> dict[str, Tensor]:
        """Take a step; losses are those before it."""
        frequencies, correlations, pitch, voicing = drawn
        heard = slice(self.config.num_listened, None)
        scores, pitch = self.network(frequencies, correlations)[:, heard], pitch[:, heard]
        voiced = (voicing[:, heard] + 0.5).clamp(0, 1)
        weights = self.config.least_weight + (1 - self.config.least_weight) * voiced
        surprise = -(self._wanted(pitch) * torch.log_softmax(scores, dim=-1)).sum(-1)
        loss = (weights * surprise).mean()
        norm = self.optimisers["pitch"].minimise(loss)
        with torch.no_grad():
            error = (expected_pitch(scores) - pitch).abs()
            octaves = (voiced * error).sum() / voiced.sum().clamp(min=1)
        return {"loss": loss.detach(), "octaves": octaves, "norm": norm}

    def _wanted(self, pitch: Float[Tensor, "batch frames"]) -> Float[Tensor, "batch frames 180"]:
        classes = torch.arange(NUM_CLASSES, device=pitch.device)
        distance = classes - (pitch[..., None] + 1.5) * CLASSES_PER_OCTAVE
        return torch.softmax(-0.5 * (distance / self.config.spread_classes) ** 2, dim=-1)
