"""Spectral distance between what a vocoder spoke and what it should have spoken, at several resolutions.

Phase is free: what counts are magnitudes, compressed by a square root, in windows from 5 to 160 ms.

Source: Valin et al., "Very low complexity speech synthesis using framewise autoregressive GAN (FARGAN) with pitch
prediction", 2024 (windows of 80 to 2560 samples, exponent 0.5).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["SpectralLoss", "magnitudes"]

_WINDOWS_SAMPLES = (80, 160, 320, 640, 1280, 2560)
_HOPS_PER_WINDOW = 4
# Keeps the slope of the square root finite where a bin is empty: 100 dB below full scale.
_FLOOR = 1e-10


def magnitudes(
    samples: Float[Tensor, "batch samples"], window: Float[Tensor, " window"]
) -> Float[Tensor, "batch bins frames"]:
    """Transform with a hop of a quarter of the window; the window decides the resolution."""
    size = window.numel()
    bins = torch.stft(
        samples,
        size,
        size // _HOPS_PER_WINDOW,
        window=window,
        normalized=True,
        return_complex=True,
        pad_mode="constant",
    )
    return torch.sqrt(bins.real.square() + bins.imag.square() + _FLOOR)


class SpectralLoss(nn.Module):
    """The mean over resolutions of sum |sqrt a - sqrt b| / sum sqrt b; 0 for equal spectra."""

    def __init__(self) -> None:
        super().__init__()
        for size in _WINDOWS_SAMPLES:
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)

    def forward(
        self, spoken: Float[Tensor, "batch samples"], target: Float[Tensor, "batch samples"]
    ) -> Float[Tensor, ""]:
        """Compare two batches of equal length."""
        total = spoken.new_zeros(())
        for size in _WINDOWS_SAMPLES:
            window = self.get_buffer(f"window_{size}")
            ours, theirs = (magnitudes(samples, window).sqrt() for samples in (spoken, target))
            total = total + (ours - theirs).abs().sum() / theirs.sum()
        return total / len(_WINDOWS_SAMPLES)
