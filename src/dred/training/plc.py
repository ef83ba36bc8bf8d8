"""The PLC predictor as a trainable module: the network of `dred.concealment.predictor` for many stretches at once."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dred.concealment.predictor import NUM_INPUTS
from dred.features import NUM_FEATURES
from dred.training.layers import Dense, Gru

__all__ = ["PredictorNetwork", "PredictorWidths"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorWidths:
    """Widths of the network's layers; by default those of the published one, 417 thousand weights."""

    hidden: int = 128
    units: int = 192


class PredictorNetwork(nn.Module):
    """The layers of the network, named as in a weights file."""

    def __init__(self, generator: torch.Generator, widths: PredictorWidths) -> None:
        """Draw initial weights."""
        super().__init__()
        self.plc_dense_in = Dense(NUM_INPUTS, widths.hidden, generator)
        self.plc_gru1 = Gru(widths.hidden, widths.units, generator)
        self.plc_gru2 = Gru(widths.units, widths.units, generator)
        self.plc_dense_out = Dense(widths.units, NUM_FEATURES, generator)

    def forward(self, values: Float[Tensor, "batch frames 57"]) -> Float[Tensor, "batch frames 20"]:
        """Return what each frame's features are taken to be, from a stream's beginning."""
        x = torch.tanh(self.plc_dense_in(values))
        start = x.new_zeros(len(x), self.plc_gru1.num_units)
        x = self.plc_gru1.run(start, x)
        return self.plc_dense_out(self.plc_gru2.run(start, x))
