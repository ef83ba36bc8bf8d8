"""Spectral distance between what a vocoder spoke and what it should have spoken, at several resolutions.

Phase is free: what counts are magnitudes, compressed by a square root, in windows from 5 to 160 ms.

Source: Valin et al., "Very low complexity speech synthesis using framewise autoregressive GAN (FARGAN) with pitch
prediction", 2024 (windows of 80 to 2560 samples, exponent 0.5).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["SpectralLoss", "limit_band", "magnitudes"]

_WINDOWS_SAMPLES = (80, 160, 320, 640, 1280, 2560)
_HOPS_PER_WINDOW = 4
# Energies are those of bands of 300 Hz over 100 ms: even of noise they hardly vary.
_ENERGY_WINDOW_SAMPLES = 640
_ENERGY_BINS = 12
_ENERGY_FRAMES = 8
_SLOPE_HZ = 300.0
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


def limit_band(samples: Float[Tensor, "batch samples"], top_hz: float) -> Float[Tensor, "batch samples"]:
    """Take away what lies above a frequency, fading over 300 Hz; half the sample rate or more leaves all."""
    if top_hz >= SAMPLE_RATE_HZ / 2:
        return samples
    frequencies_hz = torch.fft.rfftfreq(samples.shape[1], 1 / SAMPLE_RATE_HZ, device=samples.device)
    share = ((top_hz + _SLOPE_HZ - frequencies_hz) / _SLOPE_HZ).clamp(0, 1)
    return torch.fft.irfft(torch.fft.rfft(samples) * share, n=samples.shape[1])


class SpectralLoss(nn.Module):
    """The mean over resolutions of sum |sqrt a - sqrt b| / sum sqrt b; 0 for equal spectra.

    The distance between two noises of equal level grows smaller when one is 1 to 2 dB quieter: alone, it makes speech
    dull. Energies in wide bands, compared in the same way, hardly vary, and say how loud speech should be.
    """

    def __init__(self, energy_weight: float = 0.0) -> None:
        """Give energies in bands a weight beside that of all resolutions together."""
        super().__init__()
        self._energy_weight = energy_weight
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
        total = total / len(_WINDOWS_SAMPLES)
        if self._energy_weight == 0:
            return total
        ours, theirs = (self._energies(samples) for samples in (spoken, target))
        return total + self._energy_weight * (ours - theirs).abs().sum() / theirs.sum()

    def _energies(self, samples: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch bands times"]:
        """Return energies in bands, compressed as magnitudes are."""
        window = self.get_buffer(f"window_{_ENERGY_WINDOW_SAMPLES}")
        powers = magnitudes(samples, window).square()[:, None]
        pooled = functional.avg_pool2d(powers, (_ENERGY_BINS, _ENERGY_FRAMES), (_ENERGY_BINS, _ENERGY_FRAMES // 2))
        return pooled[:, 0] ** 0.25
