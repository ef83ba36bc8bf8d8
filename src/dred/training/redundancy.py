"""The task that makes the RDO-VAE: as few bits as possible for features that sound as right as possible.

    features -> encoder -> latents, states -> soft | hard quantiser -> decoder -> distortion + rate
                 '-- stretches that end anywhere, decoded backward, as packets are

One model learns all 16 levels. Each stretch has a level for its newest latent and a slope, as packets have; rates and
distortions of a level are weighted by its lambda.

Source: facts from libopus dnn/torch/rdovae (loss and its weights, range of lambda); Valin et al., DRED, 2023.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call

from dred.bitstream import NUM_LEVELS
from dred.errors import UsageError
from dred.timebase import FEATURE_FRAMES_PER_CHUNK
from dred.training.data import Corpus
from dred.training.distortion import DistortionConfig, FeatureDistortion
from dred.training.int8_forward import as_int8_weights
from dred.training.material import Material
from dred.training.optimiser import Adam, AdamConfig
from dred.training.quantisation import Quantiser
from dred.training.rdovae import Decoder, Encoder
from dred.training.sparsity import SparsityConfig, thin_layers

__all__ = ["RdovaeModel", "RedundancyCoding", "RedundancyConfig"]

_STEPS_PER_LATENT = 2
_FRAMES_PER_STEP = 2
_STEEPEST = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class RedundancyConfig:
    """What a step is made of.

    Attributes:
        latent_dim: Dimensions of a latent; those that carry nothing are cut at export.
        state_dim: Likewise for the initial state.
        batch: Windows of features per step.
        num_frames: Their length.
        stretches: Stretches that are decoded from each.
        num_latents: Their length, 40 ms each.
        lambdas: Weight of a bit at the finest and at the coarsest level.
        state_weight: Weight of a state's bit: it comes once in many latents.
        hard_weight: Weight of the hard form's rates, which only shape the statistics.
        adam: How weights are moved.
        balance: How speakers share the batches, see `WindowSampler`.
        distortion: What counts how much in decoded features.
        sparsity: How layers become sparse, by their paths in the model; others stay dense.
        has_rounding: Whether weights and activations are rounded on the way forward as int8 layers will round them.
    """

    latent_dim: int = 40
    state_dim: int = 64
    batch: int = 256
    num_frames: int = 256
    stretches: int = 3
    num_latents: int = 26
    lambdas: tuple[float, float] = (2e-4, 0.4)
    state_weight: float = 0.04
    hard_weight: float = 0.1
    adam: AdamConfig = field(default_factory=lambda: AdamConfig(rate=3e-3, warm_up_steps=200))
    balance: float = 0.5
    distortion: DistortionConfig = field(default_factory=DistortionConfig)
    sparsity: Mapping[str, SparsityConfig] = field(default_factory=dict)
    has_rounding: bool = False

    def __post_init__(self) -> None:
        if self.num_frames % FEATURE_FRAMES_PER_CHUNK or self.num_frames < FEATURE_FRAMES_PER_CHUNK * self.num_latents:
            raise UsageError(f"num_frames is a multiple of 4 and holds num_latents of 4 each, got {self.num_frames}")


class RdovaeModel(nn.Module):
    """All that is trained: both networks, and the quantisers of latents and states."""

    def __init__(self, latent_dim: int, state_dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.encoder = Encoder(latent_dim, state_dim, generator)
        self.decoder = Decoder(latent_dim, state_dim, generator)
        self.latent_quantiser = Quantiser(latent_dim)
        self.state_quantiser = Quantiser(state_dim)
        self.register_buffer("num_steps", torch.zeros(()))


class RedundancyCoding:
    """Rate-distortion training of one model for all levels."""

    is_graphable = False

    def __init__(self, corpus: Corpus, config: RedundancyConfig, device: torch.device, seed: int = 0) -> None:
        self.config = config
        self.model = RdovaeModel(config.latent_dim, config.state_dim, torch.Generator().manual_seed(seed)).to(device)
        self.modules: dict[str, nn.Module] = {"rdovae": self.model}
        self.optimisers = {"rdovae": Adam(self.model, config.adam)}
        self._material = Material(corpus, device)
        self._sampler = corpus.sampler("train", window_frames=config.num_frames, balance=config.balance)
        self._distortion = FeatureDistortion(config.distortion).to(device)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Draw windows, where stretches end, their levels, and noise in place of rounding."""
        config = self.config
        rows = (config.batch, config.stretches)
        num_steps = config.num_frames // _FRAMES_PER_STEP
        first_end = _STEPS_PER_LATENT * config.num_latents - 1
        q0 = rng.integers(NUM_LEVELS, size=rows)
        slopes = rng.uniform(0, _STEEPEST, rows) * (rng.random(rows) < 0.5)
        levels = q0[..., None] + np.floor(slopes[..., None] * np.arange(config.num_latents) + 0.5)
        return (
            self._sampler.draw(rng, config.batch),
            rng.integers(first_end, num_steps, size=rows),
            np.minimum(levels, NUM_LEVELS - 1).astype(np.int64).reshape(-1, config.num_latents),
            rng.random((rows[0] * rows[1], config.num_latents, config.latent_dim), np.float32) - np.float32(0.5),
            rng.random((rows[0] * rows[1], config.state_dim), np.float32) - np.float32(0.5),
        )

    def step(self, *drawn: Tensor) -> dict[str, Tensor]:
        """Take a step; losses are those before it."""
        first, ends, levels, latent_noise, state_noise = drawn
        features = self._material.features(first, self.config.num_frames)
        latents, states = self._run(self.model.encoder, features)
        taken, state, target = _cut(latents, states, features, ends, self.config.num_latents)
        soft_latents, soft_rate = self.model.latent_quantiser.soft(taken, levels, latent_noise)
        hard_latents, hard_rate = self.model.latent_quantiser.hard(taken, levels)
        soft_state, soft_state_rate = self.model.state_quantiser.soft(state, levels[:, 0], state_noise)
        hard_state, hard_state_rate = self.model.state_quantiser.hard(state, levels[:, 0])
        decoded = self._run(
            self.model.decoder,
            torch.cat([soft_state, hard_state]),
            torch.cat([soft_latents, hard_latents]),
            torch.cat([levels, levels]).to(features.dtype),
        )
        distortion = self._distortion(decoded, torch.cat([target, target]))
        # One weight for the four frames of a latent.
        distortion = distortion.unflatten(-1, (-1, FEATURE_FRAMES_PER_CHUNK)).mean(-1)
        soft_distortion, hard_distortion = distortion.chunk(2)
        lambdas = self._lambdas(levels)
        state_weight = self.config.state_weight * torch.sqrt(lambdas[:, 0])
        soft_cost = (torch.sqrt(lambdas) * soft_rate).mean() + (state_weight * soft_state_rate).mean()
        hard_cost = (torch.sqrt(lambdas) * hard_rate).mean() + (state_weight * hard_state_rate).mean()
        wrong = (0.5 * (soft_distortion + hard_distortion) / torch.sqrt(lambdas)).mean()
        loss = soft_cost + self.config.hard_weight * hard_cost + wrong
        norm = self.optimisers["rdovae"].minimise(loss)
        num_steps = self.model.get_buffer("num_steps")
        num_steps += 1
        thin_layers(self.model, self.optimisers["rdovae"], self.config.sparsity, num_steps)
        losses = {"loss": loss, "bits": hard_rate.mean(), "state_bits": hard_state_rate.mean()}
        losses |= {"distortion": hard_distortion.mean(), "soft_distortion": soft_distortion.mean()}
        return {name: value.detach() for name, value in losses.items()} | {"norm": norm}

    def _run(self, network: Encoder | Decoder, *inputs: Tensor) -> Any:
        """Return what a network gives, or will give once it is exported."""
        if not self.config.has_rounding:
            return network(*inputs)
        return functional_call(network, as_int8_weights(network), inputs, {"has_rounding": True})

    def _lambdas(self, levels: Int[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        low, high = self.config.lambdas
        return low * (high / low) ** (levels / (NUM_LEVELS - 1))


def _cut(
    latents: Float[Tensor, "batch steps latent"],
    states: Float[Tensor, "batch steps state"],
    features: Float[Tensor, "batch frames 20"],
    ends: Int[Tensor, "batch stretches"],
    num_latents: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Cut stretches that end with given steps, newest first: every second latent, the last state, all frames."""
    device = latents.device
    rows = torch.arange(len(latents), device=device)[:, None, None]
    steps = ends[..., None] - _STEPS_PER_LATENT * torch.arange(num_latents, device=device)
    frames = (
        _FRAMES_PER_STEP * ends[..., None] + 1 - torch.arange(FEATURE_FRAMES_PER_CHUNK * num_latents, device=device)
    )
    return (
        latents[rows, steps].flatten(0, 1),
        states[rows[..., 0], ends].flatten(0, 1),
        features[rows, frames].flatten(0, 1),
    )
