"""LPCNet as a trainable module: the network of `dred.vocoder.lpcnet` for many stretches of speech at once.

It is shown real speech in place of its own, so that all samples of a stretch are computed together.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from dred.features import NUM_FEATURES
from dred.training.dual_entropy import dual_cross_entropy
from dred.training.layers import Dense, Gru, causal_taps
from dred.vocoder.layout import CONDITION_PAST, FRAME_SAMPLES, START_FEATURE_FRAMES
from dred.vocoder.lpcnet import EMBEDDED
from dred.vocoder.lpcnet_signal import NUM_LEVELS, ZERO_LEVEL

__all__ = ["LpcnetNetwork", "LpcnetWidths"]

# By how many levels an excitation is off zero, in the mean over a corpus of speech.
_MEAN_LEVEL = 12.0
_DUAL_WEIGHT = 4.0
# The longest pitch period. Source: Tallec and Ollivier, "Can recurrent neural networks warp time?", 2018 (the idea).
_LONGEST_MEMORY_SAMPLES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class LpcnetWidths:
    """Widths of the network's layers; by default those of the paper. Multiples of 8."""

    condition: int = 128
    embedding: int = 128
    gru_a: int = 384
    gru_b: int = 16


class LpcnetNetwork(nn.Module):
    """The layers of the vocoder, named as in a weights file."""

    def __init__(self, generator: torch.Generator, widths: LpcnetWidths) -> None:
        """Draw initial weights."""
        super().__init__()
        num_taps, width = CONDITION_PAST + 1, widths.condition
        self.lpcnet_feature_conv1 = Dense(num_taps * NUM_FEATURES, width, generator)
        self.lpcnet_feature_conv2 = Dense(num_taps * width, width, generator)
        self.lpcnet_feature_dense1 = Dense(width, width, generator)
        self.lpcnet_feature_dense2 = Dense(width, width, generator)
        for name in EMBEDDED:
            setattr(self, f"lpcnet_embed_{name}", Dense(NUM_LEVELS, widths.embedding, generator))
        self.lpcnet_gru_a = Gru(len(EMBEDDED) * widths.embedding + width, widths.gru_a, generator)
        self.lpcnet_gru_b = Gru(widths.gru_a + width, widths.gru_b, generator)
        self.lpcnet_dual_fc1 = Dense(widths.gru_b, NUM_LEVELS, generator)
        self.lpcnet_dual_fc2 = Dense(widths.gru_b, NUM_LEVELS, generator)
        self.lpcnet_dual_weights = Dense(2, NUM_LEVELS, generator)
        with torch.no_grad():
            # The odds of excitations in general, which a short run would take long to come to, and room to change them.
            self.lpcnet_dual_weights.weight.fill_(_DUAL_WEIGHT)
            self.lpcnet_dual_weights.bias.copy_(-(torch.arange(NUM_LEVELS) - ZERO_LEVEL).abs() / _MEAN_LEVEL)
            # Units remember a sample to a pitch period: else no gradient reaches so far back.
            keeping = self.lpcnet_gru_a.input.bias[: widths.gru_a]
            keeping.uniform_(0, math.log(_LONGEST_MEMORY_SAMPLES), generator=generator)
            ramp = torch.linspace(-1, 1, NUM_LEVELS)
            for name in EMBEDDED:
                # Neighbouring levels are alike, from the start.
                slopes = torch.empty(widths.embedding, 1).normal_(0, 2.0, generator=generator)
                weight = getattr(self, f"lpcnet_embed_{name}").weight
                weight.normal_(0, 0.1, generator=generator)
                weight += slopes * ramp

    def forward(
        self, features: Float[Tensor, "batch frames_4 20"], levels: Int[Tensor, "batch samples 3"]
    ) -> Float[Tensor, "batch samples 256"]:
        """Return the logits of each sample's excitation, on a CPU.

        Args:
            features: Four frames in front, then one for each 10 ms, the newest that it is spoken with.
            levels: What each sample is drawn from: the last sample, the prediction, the last excitation.
        """
        return self._logits(self._states(self._condition(features), levels))

    def plain_logits(
        self, features: Float[Tensor, "batch frames_4 20"], levels: Int[Tensor, "batch samples 3"]
    ) -> Float[Tensor, "batch samples 256"]:
        """Return what `forward` returns, layer by layer: what a GPU's own kernels are made for."""
        condition = self._condition(features).repeat_interleave(FRAME_SAMPLES, dim=1)
        embedded = [functional.embedding(levels[..., n], weight.T) for n, weight in enumerate(self._embeddings())]
        gru_a, gru_b = self.lpcnet_gru_a, self.lpcnet_gru_b
        x = gru_a.run(condition.new_zeros(len(condition), gru_a.num_units), torch.cat([*embedded, condition], dim=-1))
        x = gru_b.run(condition.new_zeros(len(condition), gru_b.num_units), torch.cat([x, condition], dim=-1))
        return self._logits(x)

    def cross_entropy(
        self,
        features: Float[Tensor, "batch frames_4 20"],
        levels: Int[Tensor, "batch samples 3"],
        targets: Int[Tensor, "batch samples"],
    ) -> Float[Tensor, ""]:
        """Return by how many nats per sample the excitations that came were not foreseen."""
        if features.is_cuda:
            return functional.cross_entropy(self.plain_logits(features, levels).flatten(0, 1), targets.flatten())
        layers = (self.lpcnet_dual_fc1, self.lpcnet_dual_fc2)
        weight, bias = torch.cat([layer.weight for layer in layers]), torch.cat([layer.bias for layer in layers])
        shares = self.lpcnet_dual_weights
        # In the order that states lie in: time comes first.
        x = self._states(self._condition(features), levels).transpose(0, 1).flatten(0, 1)
        return dual_cross_entropy(x, weight, bias, shares.weight.T, shares.bias, targets.T.flatten())

    def _logits(self, x: Tensor) -> Tensor:
        first, second = self.lpcnet_dual_weights.weight.T
        logits = first * torch.tanh(self.lpcnet_dual_fc1(x)) + second * torch.tanh(self.lpcnet_dual_fc2(x))
        return logits + self.lpcnet_dual_weights.bias

    def _states(self, condition: Tensor, levels: Tensor) -> Tensor:
        """Look up what levels add to the gates of GRU A in products of embeddings and weights, as a vocoder does.

        A product with the condition is computed once per frame, not per sample.
        """
        num_rows, num_frames, width = condition.shape
        gru_a, gru_b = self.lpcnet_gru_a, self.lpcnet_gru_b
        embeddings = self._embeddings()
        # From here on, time comes first.
        condition = condition.transpose(0, 1).reshape(-1, width)
        *of_levels, of_condition = gru_a.input.weight.split([*(len(weight) for weight in embeddings), width], dim=1)
        tables = [(of_level @ weight).T for of_level, weight in zip(of_levels, embeddings, strict=True)]
        frames = functional.linear(condition, of_condition, gru_a.gate_bias())
        first_rows = torch.arange(len(tables), device=levels.device) * NUM_LEVELS
        frame_rows = len(tables) * NUM_LEVELS + torch.arange(len(frames), device=levels.device)
        frame_rows = frame_rows.view(num_frames, 1, num_rows, 1).expand(-1, FRAME_SAMPLES, -1, -1)
        rows = torch.cat([(levels.transpose(0, 1) + first_rows).view(*frame_rows.shape[:3], -1), frame_rows], dim=-1)
        gates = functional.embedding_bag(rows.flatten(0, 2), torch.cat([*tables, frames]), mode="sum")
        x = gru_a.run_gates(gates.view(-1, num_rows, gates.shape[-1]))
        of_a, of_condition = gru_b.input.weight.split([gru_a.num_units, width], dim=1)
        frames = functional.linear(condition, of_condition, gru_b.gate_bias()).view(num_frames, 1, num_rows, -1)
        gates = functional.linear(x, of_a).view(num_frames, FRAME_SAMPLES, num_rows, -1) + frames
        return gru_b.run_gates(gates.flatten(0, 1)).transpose(0, 1)

    def _embeddings(self) -> list[Tensor]:
        """Return the embeddings, a column per level. They have no bias: a weights file's readers take these alone."""
        return [getattr(self, f"lpcnet_embed_{name}").weight for name in EMBEDDED]

    def _condition(self, features: Tensor) -> Tensor:
        x = torch.tanh(self.lpcnet_feature_conv1(causal_taps(features, CONDITION_PAST + 1)))
        x = torch.tanh(self.lpcnet_feature_conv2(causal_taps(x, CONDITION_PAST + 1)))
        x = torch.tanh(self.lpcnet_feature_dense2(torch.tanh(self.lpcnet_feature_dense1(x))))
        return x[:, START_FEATURE_FRAMES - 1 :]
