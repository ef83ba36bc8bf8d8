"""The pitch network of `dred.features.reference.pitch` as a trainable module, for many stretches at once."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dred.features.reference.pitch import CLASSES_PER_OCTAVE, MEAN_RADIUS, NUM_CLASSES, NUM_FREQUENCY_VALUES, NUM_LAGS
from dred.training.layers import Conv3x3, Dense, Gru

__all__ = ["PitchTracker", "PitchWidths", "expected_pitch"]

# Whole blocks of an int8 layer, as the published file has it.
_NUM_SCORES = 192


@dataclass(frozen=True, slots=True, kw_only=True)
class PitchWidths:
    """Widths of the network's layers; by default those of the published one, 66 thousand weights."""

    hidden: int = 64
    channels: int = 4
    units: int = 64


class PitchTracker(nn.Module):
    """The layers of the network, named as in a weights file."""

    def __init__(self, generator: torch.Generator, widths: PitchWidths) -> None:
        """Draw initial weights."""
        super().__init__()
        self.dense_if_upsampler_1 = Dense(NUM_FREQUENCY_VALUES, widths.hidden, generator)
        self.dense_if_upsampler_2 = Dense(widths.hidden, widths.hidden, generator)
        self.conv2d_1 = Conv3x3(1, widths.channels, generator)
        self.conv2d_2 = Conv3x3(widths.channels, 1, generator)
        self.dense_downsampler = Dense(NUM_LAGS + widths.hidden, widths.hidden, generator)
        self.gru_1 = Gru(widths.hidden, widths.units, generator)
        self.dense_final_upsampler = Dense(widths.units, _NUM_SCORES, generator)

    def forward(
        self, frequencies: Float[Tensor, "batch frames 88"], correlations: Float[Tensor, "batch frames 224"]
    ) -> Float[Tensor, "batch frames 180"]:
        """Return the scores of the pitch classes, from a stream's beginning."""
        x = torch.tanh(self.dense_if_upsampler_1(frequencies))
        x = torch.tanh(self.dense_if_upsampler_2(x))
        lags = self.conv2d_2(self.conv2d_1(correlations[:, None]))[:, 0]
        x = torch.tanh(self.dense_downsampler(torch.cat([lags, x], dim=-1)))
        x = self.gru_1.run(x.new_zeros(len(x), self.gru_1.num_units), x)
        return self.dense_final_upsampler(x)[..., :NUM_CLASSES]


def expected_pitch(scores: Float[Tensor, "*frames 180"]) -> Float[Tensor, "*frames"]:
    """Average the classes around the best one, as the network's users do; the pitch feature, -1.5 to 1.5."""
    classes = torch.arange(NUM_CLASSES, device=scores.device)
    best = scores.argmax(-1, keepdim=True)
    weights = torch.exp(scores - scores.amax(-1, keepdim=True)) * ((classes - best).abs() <= MEAN_RADIUS)
    return (weights * classes).sum(-1) / weights.sum(-1) / CLASSES_PER_OCTAVE - 1.5
