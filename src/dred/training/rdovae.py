"""The RDO-VAE's two halves as trainable modules: the networks of `dred.rdovae` for many stretches at once.

Layers are named as in a weights file; whole stretches run through each layer at a time. Where activations are to be
rounded, so is what each int8 layer sees, but for the memory of the GRUs, which runs through torch's own kernel.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dred.rdovae.decoder import NUM_FEATURES
from dred.rdovae.encoder import NUM_INPUTS
from dred.timebase import FEATURE_FRAMES_PER_CHUNK
from dred.training.int8_forward import as_activations
from dred.training.layers import Dense, Gru, causal_taps

__all__ = ["Decoder", "Encoder"]

_ENCODER_DILATIONS = (1, 2, 2, 2, 2)
_DECODER_DILATIONS = (1, 1, 1, 1, 1)


class _Half(nn.Module):
    """Five blocks, each fed with everything before it: GRU (and GLU), then a convolution of what a layer squeezes."""

    def __init__(
        self,
        prefix: str,
        dilations: tuple[int, ...],
        generator: torch.Generator,
        *,
        width: int,
        units: int,
        squeezed: int,
        conv: int,
        has_glu: bool,
    ) -> None:
        super().__init__()
        self._prefix, self._dilations, self._has_glu = prefix, dilations, has_glu
        self.num_units = units
        for number in range(1, len(dilations) + 1):
            setattr(self, f"{prefix}_gru{number}", Gru(width, units, generator))
            if has_glu:
                setattr(self, f"{prefix}_glu{number}", Dense(units, units, generator))
            setattr(self, f"{prefix}_conv_dense{number}", Dense(width + units, squeezed, generator))
            setattr(self, f"{prefix}_conv{number}", Dense(2 * squeezed, conv, generator))
            width += units + conv
        self.num_outputs = width

    def run_blocks(
        self,
        x: Float[Tensor, "batch steps width"],
        states: Float[Tensor, "batch blocks units"],
        *,
        has_rounding: bool,
    ) -> Float[Tensor, "batch steps wider"]:
        """Run all blocks over all steps, with or without rounding of what each yields."""
        for number, dilation in enumerate(self._dilations, start=1):
            y = self._layer("gru", number).run(states[:, number - 1], x)
            if self._has_glu:
                y = y * torch.sigmoid(self._layer("glu", number)(_seen(y, has_rounding)))
            x = torch.cat([x, _seen(y, has_rounding)], dim=-1)
            squeezed = _seen(torch.tanh(self._layer("conv_dense", number)(x)), has_rounding)
            y = torch.tanh(self._layer("conv", number)(causal_taps(squeezed, 2, dilation)))
            x = torch.cat([x, _seen(y, has_rounding)], dim=-1)
        return x

    def _layer(self, part: str, number: int) -> Any:
        return getattr(self, f"{self._prefix}_{part}{number}")


class Encoder(_Half):
    """Features to latents and initial states, one of each per 20 ms."""

    def __init__(
        self,
        latent_dim: int,
        state_dim: int,
        generator: torch.Generator,
        *,
        width: int = 64,
        units: int = 32,
        conv: int = 64,
        hidden: int = 128,
    ) -> None:
        """Draw initial weights. Widths are those of the published network by default."""
        super().__init__(
            "enc",
            _ENCODER_DILATIONS,
            generator,
            width=width,
            units=units,
            squeezed=conv,
            conv=conv,
            has_glu=False,
        )
        self.enc_dense1 = Dense(NUM_INPUTS, width, generator)
        self.enc_zdense = Dense(self.num_outputs, latent_dim, generator)
        self.gdense1 = Dense(self.num_outputs, hidden, generator)
        self.gdense2 = Dense(hidden, state_dim, generator)

    def forward(
        self, features: Float[Tensor, "batch frames 20"], *, has_rounding: bool = False
    ) -> tuple[Float[Tensor, "batch steps latent"], Float[Tensor, "batch steps state"]]:
        """Encode streams from their beginning, an even number of frames; with or without rounding of activations."""
        x = torch.tanh(self.enc_dense1(features.reshape(len(features), -1, NUM_INPUTS)))
        states = x.new_zeros(len(x), len(self._dilations), self.num_units)
        x = self.run_blocks(_seen(x, has_rounding), states, has_rounding=has_rounding)
        return self.enc_zdense(x), self.gdense2(_seen(torch.tanh(self.gdense1(x)), has_rounding))


class Decoder(_Half):
    """A state, then latents from the newest backward, to feature frames, newest first."""

    def __init__(
        self,
        latent_dim: int,
        state_dim: int,
        generator: torch.Generator,
        *,
        width: int = 96,
        units: int = 64,
        conv: int = 32,
        hidden: int = 128,
    ) -> None:
        """Draw initial weights. Widths are those of the published network by default."""
        super().__init__(
            "dec",
            _DECODER_DILATIONS,
            generator,
            width=width,
            units=units,
            squeezed=conv,
            conv=conv,
            has_glu=True,
        )
        self.dec_dense1 = Dense(latent_dim + 1, width, generator)
        self.dec_hidden_init = Dense(state_dim, hidden, generator)
        self.dec_gru_init = Dense(hidden, len(_DECODER_DILATIONS) * units, generator)
        self.dec_output = Dense(self.num_outputs, FEATURE_FRAMES_PER_CHUNK * NUM_FEATURES, generator)

    def forward(
        self,
        state: Float[Tensor, "batch state"],
        latents: Float[Tensor, "batch latents latent"],
        levels: Float[Tensor, "batch latents"],
        *,
        has_rounding: bool = False,
    ) -> Float[Tensor, "batch frames 20"]:
        """Decode from the newest latent backward; levels are 0 to 15; with or without rounding of activations."""
        hidden = _seen(torch.tanh(self.dec_hidden_init(state)), has_rounding)
        units = torch.tanh(self.dec_gru_init(hidden)).unflatten(-1, (len(_DECODER_DILATIONS), self.num_units))
        x = torch.tanh(self.dec_dense1(torch.cat([latents, levels[..., None] / 8 - 1], dim=-1)))
        x = self.run_blocks(_seen(x, has_rounding), units, has_rounding=has_rounding)
        return self.dec_output(x).reshape(len(x), -1, NUM_FEATURES)


def _seen(values: Float[Tensor, "*shape"], has_rounding: bool) -> Float[Tensor, "*shape"]:
    return as_activations(values) if has_rounding else values
