"""The task that makes a PLC predictor: to say what the features of lost frames were.

    windows of speech -> [Burg features, features, heard] -> network -> features of lost frames
    losses of packets ----'  zeros where lost, [0, features, from redundancy] where redundancy told

What the network yields at a frame of which nothing is known is what is spoken there; nothing else it yields is used,
so nothing else counts.

Source: facts from libopus dnn/torch/plc (the terms of the loss and their weights); Valin et al., "Real-Time Packet Loss
Concealment With Mixed Generative and Predictive Model", 2022.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor, nn

from dred.channel import GilbertElliott, LossModel, Uniform, bundled_loss_model
from dred.concealment.predictor import FROM_REDUNDANCY, HEARD, NUM_INPUTS, UNKNOWN
from dred.errors import UsageError
from dred.features import NUM_BURG_FEATURES, NUM_CEPSTRA, PITCH, VOICING, burg_feature_frames
from dred.features.reference.bands import DCT
from dred.training.data import Corpus
from dred.training.optimiser import Adam, AdamConfig
from dred.training.plc import PredictorNetwork, PredictorWidths

__all__ = ["Concealing", "ConcealingConfig", "PredictionLoss"]

_FRAMES_PER_PACKET = 2
# Our choice: more is a slip.
_MAX_COUNT, _MAX_SIZE = 1_000_000, 1_000
_FEATURES = slice(NUM_BURG_FEATURES, NUM_INPUTS - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcealingConfig:
    """What a step is made of.

    Attributes:
        batch: Windows per step, at least 1.
        num_frames: Their length; even, since packets have two frames.
        num_heard: Frames at the beginning of each that are never lost; even, 0 to num_frames - 2.
        longest_guess: Frames of a gap that count, at least 1; what comes later fades away in use.
        redundancy_share: Share of gaps whose older half is told by redundancy, 0 to 1.
        redundancy_error: Standard deviation of what is wrong about those features, at least 0.
        adam: How weights are moved.
        louder_weight: Weight of bands that come out too loud, beside their error, at least 0.
        balance: How speakers share the batches, 0 to 1, see `WindowSampler`.
        widths: Widths of the network's layers.

    Raises:
        UsageError: A number is outside its range, or not finite.
    """

    batch: int = 64
    num_frames: int = 100
    num_heard: int = 12
    longest_guess: int = 16
    redundancy_share: float = 0.2
    redundancy_error: float = 0.1
    adam: AdamConfig = field(default_factory=lambda: AdamConfig(rate=2e-3))
    louder_weight: float = 1.0
    balance: float = 0.5
    widths: PredictorWidths = field(default_factory=PredictorWidths)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("batch", 1, _MAX_COUNT),
            ("num_frames", _FRAMES_PER_PACKET, _MAX_COUNT),
            ("num_heard", 0, self.num_frames - _FRAMES_PER_PACKET),
            ("longest_guess", 1, _MAX_COUNT),
            ("redundancy_share", 0, 1),
            ("redundancy_error", 0, _MAX_SIZE),
            ("louder_weight", 0, _MAX_SIZE),
            ("balance", 0, 1),
        ):
            # What is not a number compares as false.
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"{name} must be {low} to {high}, got {getattr(self, name)}")
        for name in ("num_frames", "num_heard"):
            if getattr(self, name) % _FRAMES_PER_PACKET:
                raise UsageError(f"{name} must be even, got {getattr(self, name)}")


class PredictionLoss(nn.Module):
    """How wrong predicted features are, per frame; 0 for equal ones."""

    def __init__(self, louder_weight: float) -> None:
        super().__init__()
        self.register_buffer("to_bands", torch.from_numpy(DCT.T.copy()), persistent=False)
        self._louder_weight = louder_weight

    def forward(
        self, predicted: Float[Tensor, "*frames 20"], original: Float[Tensor, "*frames 20"]
    ) -> Float[Tensor, "*frames"]:
        """Compare features frame by frame."""
        error = predicted - original
        bands = error[..., :NUM_CEPSTRA] @ self.get_buffer("to_bands")
        # A hoarse guess is worse than a humming one, a loud one worse than a soft one.
        hoarse = torch.relu(-error[..., VOICING])
        louder = torch.relu(bands).mean(-1)
        pitch = error[..., PITCH].abs()
        return (
            error.abs().mean(-1)
            + 0.1 * hoarse
            + bands.abs().mean(-1)
            + self._louder_weight * louder
            + pitch.clamp(max=1.0)
            + 8 * pitch.clamp(max=0.4)
        )


class Concealing:
    """Training of the PLC predictor on speech with lost packets."""

    is_graphable = True

    def __init__(self, corpus: Corpus, config: ConcealingConfig, device: torch.device, seed: int = 0) -> None:
        self.config = config
        self.network = PredictorNetwork(torch.Generator().manual_seed(seed), config.widths).to(device)
        self.modules: dict[str, nn.Module] = {"plc": self.network}
        self.optimisers = {"plc": Adam(self.network, config.adam)}
        self._corpus = corpus
        self._sampler = corpus.sampler("train", window_frames=config.num_frames, balance=config.balance)
        self._loss = PredictionLoss(config.louder_weight).to(device)
        self._networks = _loss_models()

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Draw windows and losses: what the network sees, what was lost, and the features as they were."""
        config = self.config
        rows = self._sampler.draw(rng, config.batch)[:, None] + np.arange(config.num_frames)
        features = self._corpus.features[rows]
        lost = np.stack([self._draw_losses(rng) for _ in rows])
        told = lost & np.stack([self._draw_told(row, rng) for row in lost])
        values = np.empty((*rows.shape, NUM_INPUTS), np.float32)
        samples = self._corpus.samples[rows].astype(np.float32)
        burg = burg_feature_frames(samples.reshape(-1))
        values[..., :NUM_BURG_FEATURES] = burg.reshape(*rows.shape, NUM_BURG_FEATURES)
        values[..., _FEATURES] = features
        values[..., -1] = HEARD
        values[lost] = UNKNOWN
        values[told, _FEATURES] = features[told] + _noise(rng, features[told].shape, config.redundancy_error)
        values[told, -1] = FROM_REDUNDANCY
        is_guessed = lost & ~told
        return values, is_guessed & (_run_lengths(is_guessed) <= config.longest_guess), features

    def step(self, *drawn: Tensor) -> dict[str, Tensor]:
        """Take a step; losses are those before it."""
        values, counts, features = drawn
        predicted = self.network(values)
        share = counts.to(features.dtype)
        loss = (share * self._loss(predicted, features)).mean()
        norm = self.optimisers["plc"].minimise(loss)
        with torch.no_grad():
            total = share.sum().clamp(min=1)
            error = ((predicted - features)[..., :NUM_CEPSTRA].square().sum(-1) * share).sum() / total
        return {"loss": loss.detach() / share.mean().clamp(min=1e-6), "cepstral": error.sqrt(), "norm": norm}

    def _draw_losses(self, rng: np.random.Generator) -> Bool[np.ndarray, " frames"]:
        """Draw which frames are lost, by one of the networks; a window of which nothing is lost teaches nothing."""
        network = self._networks[rng.integers(len(self._networks))]
        num_packets = (self.config.num_frames - self.config.num_heard) // _FRAMES_PER_PACKET
        packets = network.draw(num_packets, rng)
        if not packets.any():
            packets[rng.integers(num_packets)] = True
        return np.concatenate([np.zeros(self.config.num_heard, bool), np.repeat(packets, _FRAMES_PER_PACKET)])

    def _draw_told(self, lost: Bool[np.ndarray, " frames"], rng: np.random.Generator) -> Bool[np.ndarray, " frames"]:
        """Draw which of the lost frames redundancy tells: in some gaps the older half."""
        told = np.zeros_like(lost)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(np.int8)))
        for first, end in edges.reshape(-1, 2):
            if rng.random() < self.config.redundancy_share:
                told[first : first + (end - first) // 2] = True
        return told


def _loss_models() -> tuple[LossModel, ...]:
    real = bundled_loss_model()
    return (
        *(real.at_loss(loss) for loss in (0.1, 0.2, 0.4)),
        Uniform(loss=0.15),
        GilbertElliott(loss=0.2, mean_burst=2.0),
        GilbertElliott(loss=0.25, mean_burst=4.0),
    )


def _noise(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> Float32[np.ndarray, "*shape"]:
    return np.float32(size) * rng.standard_normal(shape, np.float32)


def _run_lengths(flags: Bool[np.ndarray, "rows frames"]) -> np.ndarray:
    """Return how many flags in a row are set up to each frame."""
    counts = np.zeros(flags.shape, np.int64)
    for frame in range(flags.shape[1]):
        before = counts[:, frame - 1] if frame else 0
        counts[:, frame] = np.where(flags[:, frame], before + 1, 0)
    return counts
