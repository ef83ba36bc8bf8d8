"""The two tasks that make a vocoder: to match spectra, then to fool judges.

Each window is a continuation: 20 ms of real speech are heard, the rest is spoken.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from dred.errors import UsageError
from dred.timebase import SAMPLE_RATE_HZ
from dred.training.data import Corpus
from dred.training.discriminators import Judges, judge_loss, matching_loss, speaker_loss
from dred.training.fargan import FarganNetwork, FarganWidths, emphasise
from dred.training.material import Material
from dred.training.optimiser import Adam, AdamConfig
from dred.training.spectra import SpectralLoss, limit_band
from dred.vocoder import START_FEATURE_FRAMES, START_SAMPLES
from dred.vocoder.layout import SUBFRAME_SAMPLES

__all__ = ["AdversarialConfig", "AdversarialVocoding", "SpectralVocoding", "VocodingConfig"]

# Two frames of features are ahead of what is heard.
_PAST_FRAMES = START_FEATURE_FRAMES - 2
_HEARD_FRAMES = 2
_JOINT_SAMPLES = 2 * SUBFRAME_SAMPLES


@dataclass(frozen=True, slots=True, kw_only=True)
class VocodingConfig:
    """What a step of the first stage is made of.

    Attributes:
        batch: Windows per step.
        num_frames: Frames of 10 ms that are spoken in each.
        adam: How weights are moved.
        joint_weight: Weight of the waveform's error over the first 5 ms, where speech has to join what was heard.
        energy_weight: Weight of the error of energies in bands, see `SpectralLoss`.
        top_hz: Above it, over 300 Hz, speech fades that should be spoken; what is heard before keeps its whole band.
        balance: How speakers share the batches, see `WindowSampler`.
        widths: Widths of the network's layers.
        compiled: Whether torch compiles the sub-frame; pays on a GPU only.
    """

    batch: int = 1024
    num_frames: int = 15
    adam: AdamConfig = field(default_factory=lambda: AdamConfig(rate=1e-3, warm_up_steps=200))
    joint_weight: float = 0.03
    energy_weight: float = 0.0
    top_hz: float = SAMPLE_RATE_HZ / 2
    balance: float = 0.5
    widths: FarganWidths = field(default_factory=FarganWidths)
    compiled: bool = False

    def __post_init__(self) -> None:
        if self.batch < 1 or self.num_frames < 2:
            raise UsageError(f"batch is at least 1 and num_frames at least 2, got {self.batch}, {self.num_frames}")
        if self.energy_weight < 0 or self.top_hz <= 0:
            raise UsageError(f"energy_weight is at least 0 and top_hz above, got {self.energy_weight}, {self.top_hz}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdversarialConfig:
    """What the second stage adds.

    Attributes:
        judges_adam: How the judges' weights are moved.
        judges_width: Channels of the judges' first layer.
        judges_alone_steps: Steps in which only the judges learn, before the vocoder hears of them.
        has_bfloat16: Whether the judges' layers are computed in bfloat16, which some CPUs do much faster.
        matching_weight: Weight of what the judges' layers see.
        spectral_weight: Weight of the first stage's loss.
    """

    judges_adam: AdamConfig = field(default_factory=lambda: AdamConfig(rate=2e-4, largest_norm=10.0))
    judges_width: int = 16
    judges_alone_steps: int = 100
    has_bfloat16: bool = False
    matching_weight: float = 2.0
    spectral_weight: float = 4.0


class _Vocoding:
    """What both stages share: the vocoder, windows, and what was spoken beside what should have been."""

    def __init__(self, corpus: Corpus, config: VocodingConfig, device: torch.device, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.config = config
        self.network = FarganNetwork(generator, config.widths).to(device)
        self._num_frames = START_FEATURE_FRAMES + config.num_frames
        self._material = Material(corpus, device)
        self._sampler = corpus.sampler("train", window_frames=self._num_frames, balance=config.balance)
        self._spectral_loss = SpectralLoss(config.energy_weight).to(device)
        if config.compiled:
            self.network.speak_subframe = torch.compile(self.network.speak_subframe)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Draw windows and signs: speech turned upside down sounds the same."""
        first = self._sampler.draw(rng, self.config.batch)
        return first, np.where(rng.random(self.config.batch) < 0.5, -1, 1).astype(np.float32)

    def _speak(self, first: Tensor, sign: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what was heard, what was spoken and what should have been, emphasised."""
        windows = self._material.windows(first, self._num_frames)
        speech = (windows.samples * sign[:, None, None]).flatten(1)
        start = (_PAST_FRAMES - _HEARD_FRAMES) * windows.samples.shape[2]
        heard = speech[:, start : start + START_SAMPLES]
        spoken = self.network(windows.features, heard)
        emphasised = emphasise(
            limit_band(speech, self.config.top_hz)[:, start : start + START_SAMPLES + spoken.shape[1]]
        )
        return emphasised[:, : -spoken.shape[1]], spoken, emphasised[:, -spoken.shape[1] :]

    def _spectral(self, heard: Tensor, spoken: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Compare spectra, with what was heard before, and the waveform where it joins."""
        whole = [torch.cat([heard, samples], dim=1) for samples in (spoken, target)]
        ours, theirs = spoken[:, :_JOINT_SAMPLES], target[:, :_JOINT_SAMPLES]
        joint = (ours - theirs).abs().sum() / (theirs.abs().sum() + 1e-6)
        return self._spectral_loss(*whole), joint


class SpectralVocoding(_Vocoding):
    """The first stage: speak what has the right spectrum."""

    def __init__(self, corpus: Corpus, config: VocodingConfig, device: torch.device, seed: int = 0) -> None:
        super().__init__(corpus, config, device, seed)
        self.is_graphable = True
        self.modules: dict[str, nn.Module] = {"fargan": self.network}
        self.optimisers = {"fargan": Adam(self.network, config.adam)}

    def step(self, *drawn: Tensor) -> dict[str, Tensor]:
        """Take a step; losses are those before it."""
        spectral, joint = self._spectral(*self._speak(*drawn))
        loss = spectral + self.config.joint_weight * joint
        norm = self.optimisers["fargan"].minimise(loss)
        return {"loss": loss.detach(), "spectral": spectral.detach(), "joint": joint.detach(), "norm": norm}


class AdversarialVocoding(_Vocoding):
    """The second stage: speak what is taken for real, from a vocoder that has been through the first."""

    def __init__(
        self,
        corpus: Corpus,
        config: VocodingConfig,
        adversarial: AdversarialConfig,
        device: torch.device,
        seed: int = 0,
    ) -> None:
        super().__init__(corpus, config, device, seed)
        self.adversarial = adversarial
        self.is_graphable = True
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            judges = Judges(adversarial.judges_width)
        self.judges = judges.to(device)
        self.modules: dict[str, nn.Module] = {"fargan": self.network, "judges": self.judges}
        self.optimisers = {
            "fargan": Adam(self.network, config.adam),
            "judges": Adam(self.judges, adversarial.judges_adam),
        }
        self._num_judged = torch.zeros((), device=device)
        self.judges.register_buffer("num_steps", self._num_judged)

    def step(self, *drawn: Tensor) -> dict[str, Tensor]:
        """Let the vocoder and the judges learn from one hearing."""
        heard, spoken, target = self._speak(*drawn)
        real = torch.cat([heard, target], dim=1)
        made = torch.cat([heard, spoken], dim=1)
        weights = self.adversarial
        with torch.autocast(real.device.type, torch.bfloat16, enabled=weights.has_bfloat16):
            seen_in_real, seen = self.judges(real), self.judges(made)
        self._num_judged += 1
        spectral, joint = self._spectral(heard, spoken, target)
        fooling, matching = speaker_loss(seen), matching_loss(seen_in_real, seen)
        learnt = fooling + weights.matching_weight * matching
        # The vocoder waits until the judges know something.
        share = (self._num_judged > weights.judges_alone_steps).to(learnt.dtype)
        loss = share * (learnt + weights.spectral_weight * (spectral + self.config.joint_weight * joint))
        norm = self.optimisers["fargan"].minimise(loss, keeps_graph=True)
        judged = judge_loss(seen_in_real, seen)
        self.optimisers["judges"].minimise(judged)
        losses = {"loss": loss, "spectral": spectral, "joint": joint, "fooling": fooling, "matching": matching}
        return {name: value.detach() for name, value in losses.items()} | {"judges": judged.detach(), "norm": norm}
