"""LPCNet as a trainable module: the network of `dred.vocoder.lpcnet` for many stretches of speech at once.

It is shown real speech in place of its own, so that all samples of a stretch are computed together.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from dred.features import NUM_FEATURES
from dred.training.layers import Dense, Gru, causal_taps
from dred.vocoder.layout import CONDITION_PAST, FRAME_SAMPLES, START_FEATURE_FRAMES
from dred.vocoder.lpcnet import EMBEDDED
from dred.vocoder.lpcnet_signal import NUM_LEVELS

__all__ = ["LpcnetNetwork", "LpcnetWidths"]


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
            self.lpcnet_dual_weights.weight.fill_(1.0)
            ramp = torch.linspace(-1, 1, NUM_LEVELS)
            for name in EMBEDDED:
                # Neighbouring levels are alike, from the start.
                slopes = torch.empty(widths.embedding, 1).normal_(0, 0.5, generator=generator)
                weight = getattr(self, f"lpcnet_embed_{name}").weight
                weight.normal_(0, 0.1, generator=generator)
                weight += slopes * ramp

    def forward(
        self, features: Float[Tensor, "batch frames_4 20"], levels: Int[Tensor, "batch samples 3"]
    ) -> Float[Tensor, "batch samples 256"]:
        """Return the logits of each sample's excitation.

        Args:
            features: Four frames in front, then one for each 10 ms, the newest that it is spoken with.
            levels: What each sample is drawn from: the last sample, the prediction, the last excitation.
        """
        condition = self._condition(features)[:, START_FEATURE_FRAMES - 1 :]
        condition = condition.repeat_interleave(FRAME_SAMPLES, dim=1)
        # An embedding has no bias: a weights file's readers take the weights alone.
        embedded = [
            functional.embedding(levels[..., n], getattr(self, f"lpcnet_embed_{name}").weight.T)
            for n, name in enumerate(EMBEDDED)
        ]
        gru_a, gru_b = self.lpcnet_gru_a, self.lpcnet_gru_b
        x = gru_a.run(condition.new_zeros(len(condition), gru_a.num_units), torch.cat([*embedded, condition], dim=-1))
        x = gru_b.run(condition.new_zeros(len(condition), gru_b.num_units), torch.cat([x, condition], dim=-1))
        first, second = self.lpcnet_dual_weights.weight.T
        logits = first * torch.tanh(self.lpcnet_dual_fc1(x)) + second * torch.tanh(self.lpcnet_dual_fc2(x))
        return logits + self.lpcnet_dual_weights.bias

    def _condition(self, features: Tensor) -> Tensor:
        x = torch.tanh(self.lpcnet_feature_conv1(causal_taps(features, CONDITION_PAST + 1)))
        x = torch.tanh(self.lpcnet_feature_conv2(causal_taps(x, CONDITION_PAST + 1)))
        return torch.tanh(self.lpcnet_feature_dense2(torch.tanh(self.lpcnet_feature_dense1(x))))
