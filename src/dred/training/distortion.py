"""How wrong decoded features sound: in the loudness of bands, in pitch where there is a voice, in voicing.

Source: facts from libopus dnn/torch/rdovae (the terms and their weights).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dred.features import NUM_CEPSTRA, PITCH, VOICING
from dred.features.reference.bands import C0_OFFSET, DCT

__all__ = ["FeatureDistortion"]

_CEPSTRAL_WEIGHT = 0.05
_PITCH_WEIGHT = 14 / 18
_VOICING_WEIGHT = 2 / 18
_QUIETEST = 1e-3


class FeatureDistortion(nn.Module):
    """Distortion per frame; 0 for equal features."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("to_bands", torch.from_numpy(DCT.T.copy()), persistent=False)
        self.register_buffer("band_weights", 1.15 - torch.arange(NUM_CEPSTRA) / 36, persistent=False)

    def forward(
        self, decoded: Float[Tensor, "*frames 20"], original: Float[Tensor, "*frames 20"]
    ) -> Float[Tensor, "*frames"]:
        """Compare features frame by frame."""
        ours, theirs = (self._band_logs(features) for features in (decoded, original))
        # 10^(x/4) of the logarithm of power: the square root of magnitude, about loudness.
        loud, loud_original = (10 ** (logs / 4) for logs in (ours.clamp(max=8.0), theirs))
        size = loud_original.square().mean(-1, keepdim=True) + _QUIETEST
        band = ((loud - loud_original).square() / size * self.get_buffer("band_weights")).mean(-1)
        spectral = (
            _CEPSTRAL_WEIGHT * (ours - theirs).square().mean(-1) + band + torch.minimum(20 * band, 25 * band.square())
        )
        voiced = torch.relu(original[..., VOICING] + 0.5).square()
        pitch = 2 * (decoded[..., PITCH] - original[..., PITCH]).abs() * voiced
        voicing = (decoded[..., VOICING] - original[..., VOICING]).square()
        return spectral + _PITCH_WEIGHT * pitch + _VOICING_WEIGHT * voicing

    def _band_logs(self, features: Tensor) -> Tensor:
        cepstra = features[..., :NUM_CEPSTRA]
        # A constant first cepstrum is the same in all bands.
        offset = float(C0_OFFSET) / NUM_CEPSTRA**0.5
        return cepstra @ self.get_buffer("to_bands") + offset
