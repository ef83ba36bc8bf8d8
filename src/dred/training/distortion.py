"""How wrong decoded features sound: in the loudness of bands, in pitch where there is a voice, in voicing.

Source: facts from libopus dnn/torch/rdovae (the terms and their weights, which are the defaults).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dred.errors import UsageError
from dred.features import NUM_CEPSTRA, PITCH, VOICING
from dred.features.reference.bands import C0_OFFSET, DCT

__all__ = ["DistortionConfig", "FeatureDistortion"]

_QUIETEST = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class DistortionConfig:
    """What counts how much, beside the loudness of bands, which counts 1.

    Attributes:
        cepstral: Weight of the bands' plain error, by which quiet bands count as much as loud ones.
        pitch: Weight of the pitch's error in octaves, where there is a voice.
        voicing: Weight of the voicing's squared error.
    """

    cepstral: float = 0.05
    pitch: float = 14 / 18
    voicing: float = 2 / 18

    def __post_init__(self) -> None:
        if min(self.cepstral, self.pitch, self.voicing) < 0:
            raise UsageError(f"weights are at least 0, got {self.cepstral}, {self.pitch}, {self.voicing}")


class FeatureDistortion(nn.Module):
    """Distortion per frame; 0 for equal features."""

    def __init__(self, config: DistortionConfig | None = None) -> None:
        super().__init__()
        self.config = config or DistortionConfig()
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
        spectral = band + torch.minimum(20 * band, 25 * band.square())
        cepstral = (ours - theirs).square().mean(-1)
        voiced = torch.relu(original[..., VOICING] + 0.5).square()
        pitch = 2 * (decoded[..., PITCH] - original[..., PITCH]).abs() * voiced
        voicing = (decoded[..., VOICING] - original[..., VOICING]).square()
        weights = self.config
        return spectral + weights.cepstral * cepstral + weights.pitch * pitch + weights.voicing * voicing

    def _band_logs(self, features: Tensor) -> Tensor:
        cepstra = features[..., :NUM_CEPSTRA]
        # A constant first cepstrum is the same in all bands.
        offset = float(C0_OFFSET) / NUM_CEPSTRA**0.5
        return cepstra @ self.get_buffer("to_bands") + offset
