"""Named training runs: what is trained, how, and for how long. A variation is another function over these.

`fargan` comes first, then `fargan-adversarial`, which starts from its result. `tiny-...` are the same on a CPU in less
than two minutes; what they yield works and sounds bad.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dred.training.concealing import ConcealingConfig
from dred.training.distortion import DistortionConfig
from dred.training.excitation import ExcitationConfig
from dred.training.fargan import FarganWidths
from dred.training.lpcnet import LpcnetWidths
from dred.training.optimiser import AdamConfig
from dred.training.pitch import PitchWidths
from dred.training.pitch_tracking import PitchTrackingConfig
from dred.training.plc import PredictorWidths
from dred.training.redundancy import RedundancyConfig
from dred.training.sparsity import SparsityConfig
from dred.training.trainer import TrainerConfig
from dred.training.vocoding import AdversarialConfig, VocodingConfig

__all__ = ["RECIPES", "Recipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One training run.

    Attributes:
        trained: What comes out: "vocoder", "redundancy" (the RDO-VAE), "pitch" or "concealment" (the PLC predictor).
        task: Of what a step is made.
        trainer: How many steps, and what they leave behind.
        adversarial: The second stage of a vocoder, if it is one.
        needs_start: Whether the run starts from the result of another.
    """

    name: str
    trained: str
    task: VocodingConfig | ExcitationConfig | RedundancyConfig | PitchTrackingConfig | ConcealingConfig
    trainer: TrainerConfig
    adversarial: AdversarialConfig | None = None
    needs_start: bool = False


def fargan() -> Recipe:
    """FARGAN's first stage, for one GPU: five minutes of an H200."""
    return Recipe(
        name="fargan",
        trained="vocoder",
        task=VocodingConfig(batch=1024, adam=AdamConfig(rate=1.5e-3, warm_up_steps=200, average=0.998), compiled=True),
        trainer=TrainerConfig(num_steps=6000, log_every=50),
    )


def fargan_adversarial() -> Recipe:
    """FARGAN's second stage, for one GPU: two minutes of an H200."""
    return Recipe(
        name="fargan-adversarial",
        trained="vocoder",
        task=VocodingConfig(
            batch=96,
            num_frames=40,
            adam=AdamConfig(rate=5e-5, warm_up_steps=50, final_share=0.1),
            compiled=True,
        ),
        adversarial=AdversarialConfig(
            judges_adam=AdamConfig(rate=3e-4, warm_up_steps=20, final_share=0.3, largest_norm=10.0),
            judges_alone_steps=40,
        ),
        needs_start=True,
        trainer=TrainerConfig(num_steps=1000, log_every=25),
    )


def fargan_refined() -> Recipe:
    """FARGAN's second stage gone on with, on a CPU: half an hour of two cores, twice that of one."""
    return Recipe(
        name="fargan-refined",
        trained="vocoder",
        task=VocodingConfig(
            batch=24,
            num_frames=40,
            adam=AdamConfig(rate=7e-5, warm_up_steps=150, final_share=0.1),
            energy_weight=1.0,
            top_hz=7400.0,
        ),
        adversarial=AdversarialConfig(
            # The judges start anew.
            judges_adam=AdamConfig(rate=3e-4, warm_up_steps=20, final_share=0.5, largest_norm=10.0),
            judges_alone_steps=100,
            has_bfloat16=True,
            spectral_weight=1.5,
        ),
        needs_start=True,
        trainer=TrainerConfig(num_steps=1100, log_every=10, checkpoint_every=50),
    )


def lpcnet() -> Recipe:
    """LPCNet, for one GPU; not run so far."""
    return Recipe(
        name="lpcnet",
        trained="vocoder",
        task=ExcitationConfig(batch=128, adam=AdamConfig(rate=1e-3, warm_up_steps=200, average=0.998)),
        trainer=TrainerConfig(num_steps=60_000, log_every=50),
    )


def lpcnet_small() -> Recipe:
    """LPCNet with a third of the units, for an hour of one CPU core."""
    return Recipe(
        name="lpcnet-small",
        trained="vocoder",
        task=ExcitationConfig(
            # Small: what limits an hour of one core is the number of steps.
            batch=16,
            num_frames=6,
            adam=AdamConfig(rate=3e-3, warm_up_steps=50, average=0.99),
            sparsity=SparsityConfig(densities=(0.25, 0.25, 0.5), first_step=1000, last_step=4000),
            widths=LpcnetWidths(condition=96, embedding=64, gru_a=128, gru_b=16),
        ),
        trainer=TrainerConfig(num_steps=6000, log_every=20, checkpoint_every=50),
    )


def rdovae() -> Recipe:
    """The RDO-VAE, for one GPU: five minutes of an H200."""
    return Recipe(
        name="rdovae",
        trained="redundancy",
        task=RedundancyConfig(adam=AdamConfig(rate=3e-3, warm_up_steps=200, average=0.998, largest_norm=100.0)),
        trainer=TrainerConfig(num_steps=5000, log_every=50),
    )


def rdovae_refined() -> Recipe:
    """The RDO-VAE's last leg, with more weight on cepstra and pitch: an hour or two of one CPU core."""
    base = rdovae()
    assert isinstance(base.task, RedundancyConfig)
    return replace(
        base,
        name="rdovae-refined",
        task=replace(
            base.task,
            batch=24,
            # So that a payload of 26 latents and a state is as long as the published networks' at the same level.
            lambdas=(2.4e-4, 0.3),
            state_weight=0.02,
            distortion=DistortionConfig(cepstral=0.6, pitch=28 / 18),
            adam=AdamConfig(rate=8e-4, warm_up_steps=30, average=0.98, largest_norm=100.0),
        ),
        needs_start=True,
        trainer=TrainerConfig(num_steps=900, log_every=10, checkpoint_every=50),
    )


def rdovae_sparse() -> Recipe:
    """The RDO-VAE from there on as it is spoken with: layers as sparse as published ones, int8; an hour of one core."""
    base = rdovae_refined()
    assert isinstance(base.task, RedundancyConfig)
    return replace(
        base,
        name="rdovae-sparse",
        task=replace(
            base.task,
            adam=AdamConfig(rate=1e-3, warm_up_steps=30, average=0.98, largest_norm=100.0),
            sparsity=_published_sparsity(first_step=20, last_step=300),
            has_rounding=True,
        ),
        trainer=TrainerConfig(num_steps=700, log_every=10, checkpoint_every=50),
    )


def _published_sparsity(*, first_step: int, last_step: int) -> Mapping[str, SparsityConfig]:
    """Return a plan for the RDO-VAE that ends at the densities of the layers of libopus 1.6.1."""
    gates = ((0.4, 0.6, 0.8), (0.25, 0.35, 0.4), (0.15, 0.25, 0.3), (0.1, 0.15, 0.2), (0.1, 0.15, 0.2))
    densities: dict[str, tuple[float, ...]] = {}
    for half, prefix in (("encoder", "enc"), ("decoder", "dec")):
        # The first block's convolution is dense.
        for number, (of_gates, of_squeeze) in enumerate(zip(gates, (None, 0.8, 0.6, 0.4, 0.3), strict=True), start=1):
            densities[f"{half}.{prefix}_gru{number}.input"] = of_gates
            if of_squeeze is not None:
                densities[f"{half}.{prefix}_conv_dense{number}"] = (of_squeeze,)
    densities |= dict.fromkeys(("encoder.gdense1", "decoder.dec_output", "decoder.dec_gru_init"), (0.5,))
    return {
        path: SparsityConfig(densities=shares, first_step=first_step, last_step=last_step)
        for path, shares in densities.items()
    }


def pitch() -> Recipe:
    """The pitch network, distilled from the pitch in the corpus: 20 minutes of one CPU core."""
    return Recipe(
        name="pitch",
        trained="pitch",
        task=PitchTrackingConfig(batch=32, adam=AdamConfig(rate=5e-3, warm_up_steps=50, average=0.98)),
        trainer=TrainerConfig(num_steps=1500, log_every=20, checkpoint_every=100),
    )


def plc() -> Recipe:
    """The PLC predictor: half an hour of one CPU core."""
    return Recipe(
        name="plc",
        trained="concealment",
        task=ConcealingConfig(batch=32, adam=AdamConfig(rate=2e-3, warm_up_steps=50, average=0.99)),
        trainer=TrainerConfig(num_steps=2000, log_every=20, checkpoint_every=100),
    )


def tiny_fargan() -> Recipe:
    """FARGAN's first stage, narrow and short."""
    base = fargan()
    return replace(
        base,
        name="tiny-fargan",
        task=VocodingConfig(
            batch=8,
            num_frames=4,
            adam=AdamConfig(rate=3e-3, warm_up_steps=10),
            widths=FarganWidths(condition_1=16, condition_conv=32, signal=48, grus=(32, 32, 32), skip=32),
        ),
        trainer=TrainerConfig(num_steps=200, log_every=10, checkpoint_every=50),
    )


def tiny_fargan_adversarial() -> Recipe:
    """FARGAN's second stage, narrow and short."""
    stage_1, base = tiny_fargan(), fargan_adversarial()
    assert isinstance(stage_1.task, VocodingConfig)
    return replace(
        base,
        name="tiny-fargan-adversarial",
        task=replace(stage_1.task, batch=2, num_frames=8, adam=AdamConfig(rate=1e-4, warm_up_steps=5)),
        adversarial=AdversarialConfig(judges_width=4, judges_alone_steps=5),
        trainer=TrainerConfig(num_steps=20, log_every=5, checkpoint_every=10),
    )


def tiny_lpcnet() -> Recipe:
    """LPCNet, narrow and short."""
    return replace(
        lpcnet(),
        name="tiny-lpcnet",
        task=ExcitationConfig(
            batch=16,
            num_frames=2,
            adam=AdamConfig(rate=1e-2, warm_up_steps=10, average=0.95),
            sparsity=SparsityConfig(densities=(0.25, 0.25, 0.5), first_step=20, last_step=80),
            widths=LpcnetWidths(condition=16, embedding=8, gru_a=32, gru_b=16),
        ),
        trainer=TrainerConfig(num_steps=120, log_every=10, checkpoint_every=50),
    )


def tiny_rdovae() -> Recipe:
    """The RDO-VAE, short, sparse and rounded."""
    base = rdovae()
    return replace(
        base,
        name="tiny-rdovae",
        task=RedundancyConfig(
            latent_dim=12,
            state_dim=12,
            batch=4,
            num_frames=64,
            stretches=2,
            num_latents=8,
            adam=AdamConfig(rate=3e-3, warm_up_steps=10, largest_norm=100.0),
            sparsity=_published_sparsity(first_step=20, last_step=100),
            has_rounding=True,
        ),
        trainer=TrainerConfig(num_steps=150, log_every=10, checkpoint_every=50),
    )


def tiny_pitch() -> Recipe:
    """The pitch network, narrow and short."""
    return replace(
        pitch(),
        name="tiny-pitch",
        task=PitchTrackingConfig(
            batch=8,
            num_frames=32,
            adam=AdamConfig(rate=1e-2, warm_up_steps=10, average=0.95),
            widths=PitchWidths(hidden=16, channels=2, units=16),
        ),
        trainer=TrainerConfig(num_steps=200, log_every=10, checkpoint_every=50),
    )


def tiny_plc() -> Recipe:
    """The PLC predictor, narrow and short."""
    return replace(
        plc(),
        name="tiny-plc",
        task=ConcealingConfig(
            batch=8,
            num_frames=40,
            adam=AdamConfig(rate=1e-2, warm_up_steps=10, average=0.95),
            widths=PredictorWidths(hidden=32, units=32),
        ),
        trainer=TrainerConfig(num_steps=200, log_every=10, checkpoint_every=50),
    )


RECIPES: Mapping[str, Callable[[], Recipe]] = {
    "fargan": fargan,
    "fargan-adversarial": fargan_adversarial,
    "fargan-refined": fargan_refined,
    "lpcnet": lpcnet,
    "lpcnet-small": lpcnet_small,
    "rdovae": rdovae,
    "rdovae-refined": rdovae_refined,
    "rdovae-sparse": rdovae_sparse,
    "pitch": pitch,
    "plc": plc,
    "tiny-fargan": tiny_fargan,
    "tiny-fargan-adversarial": tiny_fargan_adversarial,
    "tiny-lpcnet": tiny_lpcnet,
    "tiny-rdovae": tiny_rdovae,
    "tiny-pitch": tiny_pitch,
    "tiny-plc": tiny_plc,
}
