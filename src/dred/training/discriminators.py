"""Six judges of speech, each at one resolution of the spectrogram: what makes a vocoder sound natural.

    speech -> log magnitudes, and where they lie in frequency -> convolutions -> a score per place

A judge is taught to give real speech 1 and spoken speech 0 (least squares). The vocoder is taught to earn 1, and to
make the judges' layers see what they see in real speech.

Source: Valin et al., FARGAN, 2024 (six windows of 2^(k+5) samples, least squares, feature matching); the layers are
our choice.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from dred.training.spectra import magnitudes

__all__ = ["Judgement", "Judges", "judge_loss", "matching_loss", "speaker_loss"]

_WINDOWS_SAMPLES = (64, 128, 256, 512, 1024, 2048)
_SLOPE = 0.2
_LOG_FLOOR = 1e-4
_NUM_LAYERS = 4

Judgement = list[Tensor]
"""What each layer of one judge saw, the score last."""


class _Judge(nn.Module):
    """A stack of convolutions over time and frequency; coarse windows have more frames, fine ones more bins."""

    def __init__(self, window_samples: int, width: int) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(window_samples), persistent=False)
        place = torch.linspace(-1, 1, window_samples // 2 + 1)
        waves = torch.stack([place, torch.cos(torch.pi * place), torch.cos(4 * torch.pi * place)])
        self.register_buffer("places", waves[None, :, :, None], persistent=False)
        channels = [1 + len(waves), *(width * min(2**layer, 4) for layer in range(_NUM_LAYERS))]
        # Halve frequency while there are enough bins to halve.
        strides = [2 if window_samples >> layer >= 32 else 1 for layer in range(_NUM_LAYERS)]
        self.layers = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(
                nn.Conv2d(channels[n], channels[n + 1], (5, 3), stride=(strides[n], 1), padding=(2, 1))
            )
            for n in range(_NUM_LAYERS)
        )
        self.score = nn.utils.parametrizations.weight_norm(nn.Conv2d(channels[-1], 1, (3, 3), padding=(1, 1)))

    def forward(self, speech: Float[Tensor, "batch samples"]) -> Judgement:
        logs = torch.log(magnitudes(speech, self.get_buffer("window")) + _LOG_FLOOR)[:, None]
        places = self.get_buffer("places").expand(len(logs), -1, -1, logs.shape[-1])
        x = torch.cat([logs / 4, places], dim=1)
        seen = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), _SLOPE)
            seen.append(x)
        return [*seen, self.score(x)]


class Judges(nn.Module):
    """All judges; initial weights come from torch's own generator, so seed it."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.judges = nn.ModuleList(_Judge(size, width) for size in _WINDOWS_SAMPLES)

    def forward(self, speech: Float[Tensor, "batch samples"]) -> list[Judgement]:
        """Let each judge speech."""
        return [judge(speech) for judge in self.judges]


def judge_loss(real: Sequence[Judgement], spoken: Sequence[Judgement]) -> Float[Tensor, ""]:
    """How far the judges are from telling real speech, 1, from spoken, 0."""
    losses = [_mean((1 - a[-1]) ** 2) + _mean(b[-1] ** 2) for a, b in zip(real, spoken, strict=True)]
    return torch.stack(losses).mean()


def speaker_loss(spoken: Sequence[Judgement]) -> Float[Tensor, ""]:
    """How far the vocoder is from being taken for real."""
    return torch.stack([_mean((1 - judgement[-1]) ** 2) for judgement in spoken]).mean()


def matching_loss(real: Sequence[Judgement], spoken: Sequence[Judgement]) -> Float[Tensor, ""]:
    """How differently the judges' layers see real and spoken speech, as a share of what they see in the real."""
    shares = [
        _mean((a.detach() - b).abs()) / (_mean(a.detach().abs()) + 1e-6)
        for ours, theirs in zip(real, spoken, strict=True)
        for a, b in zip(ours[:-1], theirs[:-1], strict=True)
    ]
    return torch.stack(shares).mean()


def _mean(values: Tensor) -> Float[Tensor, ""]:
    """The mean, in 32 bits whatever the layers are computed in."""
    return values.mean(dtype=torch.float32)
