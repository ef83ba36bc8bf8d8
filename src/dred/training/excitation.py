"""The task that makes an LPCNet: to give good odds to the excitation that came.

    windows of speech -> emphasised, noise in mu-law -> levels of past, prediction, excitation -> network -> odds
                  '-> cepstra -> prediction filters ----'-> excitation that would bring speech back = target

Source: Valin and Skoglund, "LPCNet: improving neural speech synthesis through linear prediction", 2019 (noise in the
mu-law domain, before the prediction).
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from dred.errors import UsageError
from dred.features.reference.bands import LPC_ORDER, PRE_EMPHASIS
from dred.training.data import Corpus
from dred.training.excitation_kernel import teach, write_filters
from dred.training.lpcnet import LpcnetNetwork, LpcnetWidths
from dred.training.optimiser import Adam, AdamConfig
from dred.training.sparsity import SparsityConfig, thin_layers
from dred.vocoder import FRAME_SAMPLES, START_FEATURE_FRAMES
from dred.vocoder.lpcnet_signal import FILTER_SCRATCH

__all__ = ["ExcitationCoding", "ExcitationConfig", "lesson"]

# Two frames of features are ahead of the speech they describe, and two behind it.
_FIRST_FRAME = 2
_SPARSE = "lpcnet_gru_a.recurrent"
_INT16_SCALE = np.float32(32768)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcitationConfig:
    """What a step is made of.

    Attributes:
        batch: Windows per step.
        num_frames: Frames of 10 ms in each, the first from a network without memory, as at the start of a gap.
        adam: How weights are moved.
        largest_noise: Mu-law levels that the past is off by at most; each window has its own largest, from 0.
        sparsity: How the recurrent weights of GRU A, most of what a sample costs, become sparse; None for not at all.
        balance: How speakers share the batches, see `WindowSampler`.
        widths: Widths of the network's layers.
    """

    batch: int = 64
    num_frames: int = 15
    adam: AdamConfig = field(default_factory=lambda: AdamConfig(rate=1e-3))
    largest_noise: int = 3
    sparsity: SparsityConfig | None = field(default_factory=SparsityConfig)
    balance: float = 0.5
    widths: LpcnetWidths = field(default_factory=LpcnetWidths)

    def __post_init__(self) -> None:
        if self.batch < 1 or self.num_frames < 1 or self.largest_noise < 0:
            raise UsageError(
                f"batch and num_frames are at least 1, largest_noise at least 0, got {self.batch}, {self.num_frames}, "
                f"{self.largest_noise}"
            )


def lesson(
    features: Float32[np.ndarray, "frames_4 20"], samples: Float32[np.ndarray, " samples"], noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the network sees of a stretch of speech [samples, 3], and what it should answer [samples].

    Args:
        features: One frame for each 10 ms from two frames before the stretch to two after it.
        samples: The speech with 17 samples before it, -1 to 1.
        noise: Mu-law levels that its past is off by, 16 in front of the stretch.

    Raises:
        UsageError: The sizes do not belong together.
    """
    num_samples = (len(features) - START_FEATURE_FRAMES + 1) * FRAME_SAMPLES
    if len(samples) != num_samples + LPC_ORDER + 1 or len(noise) != num_samples + LPC_ORDER:
        raise UsageError(f"{len(features)} frames go with {num_samples + LPC_ORDER + 1} samples, not {len(samples)}")
    taps = np.empty((2 * num_samples // FRAME_SAMPLES, LPC_ORDER), np.float32)
    write_filters(features[_FIRST_FRAME:], taps, np.empty(FILTER_SCRATCH, np.float32))
    emphasised = samples[1:] - PRE_EMPHASIS * samples[:-1]
    levels, targets = np.empty((num_samples, 3), np.int64), np.empty(num_samples, np.int64)
    teach(emphasised, noise, taps, np.empty_like(emphasised), levels, targets)
    return levels, targets


class ExcitationCoding:
    """Training of LPCNet on the excitations of real speech."""

    is_graphable = True

    def __init__(self, corpus: Corpus, config: ExcitationConfig, device: torch.device, seed: int = 0) -> None:
        self.config = config
        self.network = LpcnetNetwork(torch.Generator().manual_seed(seed), config.widths).to(device)
        self.modules: dict[str, nn.Module] = {"lpcnet": self.network}
        self.optimisers = {"lpcnet": Adam(self.network, config.adam)}
        self._num_steps = torch.zeros((), device=device)
        self.network.register_buffer("num_steps", self._num_steps)
        self._corpus = corpus
        self._num_frames = START_FEATURE_FRAMES - 1 + config.num_frames
        self._sampler = corpus.sampler("train", window_frames=self._num_frames, balance=config.balance)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Draw windows, their noise, and signs: speech turned upside down sounds the same."""
        config = self.config
        rows = self._sampler.draw(rng, config.batch)[:, None] + np.arange(self._num_frames)
        features = self._corpus.features[rows]
        sign = np.where(rng.random((config.batch, 1)) < 0.5, -1, 1).astype(np.float32)
        speech = self._corpus.samples[rows].reshape(config.batch, -1) * (sign / _INT16_SCALE)
        start = _FIRST_FRAME * FRAME_SAMPLES
        num_samples = config.num_frames * FRAME_SAMPLES
        reach = rng.integers(0, config.largest_noise + 1, (config.batch, 1))
        noise = rng.integers(-reach, reach + 1, (config.batch, num_samples + LPC_ORDER))
        lessons = [
            lesson(*each) for each in zip(features, speech[:, start - LPC_ORDER - 1 : start + num_samples], noise)
        ]
        levels, targets = (np.stack(parts) for parts in zip(*lessons))
        return features, levels, targets

    def step(self, *drawn: Tensor) -> dict[str, Tensor]:
        """Take a step; losses, in nats per sample, are those before it."""
        features, levels, targets = drawn
        loss = self.network.cross_entropy(features, levels, targets)
        norm = self.optimisers["lpcnet"].minimise(loss)
        self._num_steps += 1
        if self.config.sparsity is not None:
            thin_layers(self.network, self.optimisers["lpcnet"], {_SPARSE: self.config.sparsity}, self._num_steps)
        return {"loss": loss.detach(), "norm": norm}
