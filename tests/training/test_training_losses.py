"""What is minimised is zero for equal speech, and grows with what is wrong."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.errors import UsageError  # noqa: E402
from dred.features import PITCH, VOICING  # noqa: E402
from dred.training.discriminators import Judges, judge_loss, matching_loss, speaker_loss  # noqa: E402
from dred.training.distortion import DistortionConfig, FeatureDistortion  # noqa: E402
from dred.training.spectra import SpectralLoss, limit_band  # noqa: E402


def tensor(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> torch.Tensor:
    return torch.from_numpy((scale * rng.standard_normal(shape)).astype(np.float32))


def test_equal_speech_has_no_spectral_loss_and_louder_noise_has_more(rng: np.random.Generator) -> None:
    loss, speech, noise = SpectralLoss(), tensor(rng, 2, 4000, scale=0.1), tensor(rng, 2, 4000)
    assert float(loss(speech, speech)) == 0
    losses = [float(loss(speech + scale * noise, speech)) for scale in (0.001, 0.01, 0.1)]
    assert losses == sorted(losses)
    assert losses[0] > 0


def test_the_sign_of_speech_is_free(rng: np.random.Generator) -> None:
    speech = tensor(rng, 1, 4000)
    assert float(SpectralLoss()(-speech, speech)) == pytest.approx(0, abs=1e-6)


def test_silence_has_a_finite_slope() -> None:
    spoken = torch.zeros(1, 4000, requires_grad=True)
    SpectralLoss()(spoken, torch.full((1, 4000), 0.1)).backward()
    assert spoken.grad is not None
    assert torch.isfinite(spoken.grad).all()


def test_a_band_ends_where_it_should() -> None:
    seconds = torch.arange(4000) / 16000
    low, high = (torch.sin(2 * torch.pi * hz * seconds)[None] for hz in (7000, 7800))
    torch.testing.assert_close(limit_band(low + high, 7400.0), low, rtol=0, atol=1e-3)
    assert limit_band(high, 8000.0) is high


def test_energies_know_how_loud_noise_is(rng: np.random.Generator) -> None:
    levels_db = np.arange(-3.0, 3.5, 0.5)
    target, spoken = tensor(rng, 16, 4000), tensor(rng, 16, 4000)

    def best_level_db(loss: SpectralLoss) -> float:
        return levels_db[np.argmin([float(loss(10 ** (level / 20) * spoken, target)) for level in levels_db])]

    # The plain distance prefers what is too quiet.
    assert best_level_db(SpectralLoss()) < -1
    assert abs(best_level_db(SpectralLoss(energy_weight=1.0))) <= 0.5


def test_judges_learn_to_tell_noise_from_a_tone(rng: np.random.Generator) -> None:
    torch.manual_seed(0)
    judges = Judges(width=2)
    real = torch.sin(torch.arange(2048) * 0.2)[None].repeat(2, 1) * 0.1
    optimiser = torch.optim.Adam(judges.parameters(), 1e-2)
    for _ in range(30):
        made = tensor(rng, 2, 2048, scale=0.1)
        loss = judge_loss(judges(real), judges(made))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        noise, tone = judges(tensor(rng, 2, 2048, scale=0.1)), judges(real)
    assert loss.item() < 0.3
    assert float(speaker_loss(tone)) < 0.3 < float(speaker_loss(noise))
    assert float(matching_loss(tone, tone)) == 0 < float(matching_loss(tone, noise))


def test_equal_features_have_no_distortion(rng: np.random.Generator) -> None:
    features = tensor(rng, 3, 5, 20, scale=0.5)
    assert FeatureDistortion()(features, features).tolist() == [[0.0] * 5] * 3


def test_pitch_counts_where_there_is_a_voice() -> None:
    distortion, original = FeatureDistortion(), torch.zeros(2, 20)
    original[:, VOICING] = torch.tensor([-0.5, 0.5])
    wrong = original.clone()
    wrong[:, PITCH] += 0.25
    unvoiced, voiced = distortion(wrong, original).tolist()
    assert unvoiced == 0
    assert voiced == pytest.approx(14 / 18 * 0.5)


def test_weights_of_the_distortion_are_a_setting(rng: np.random.Generator) -> None:
    original, decoded = tensor(rng, 4, 20, scale=0.3), tensor(rng, 4, 20, scale=0.3)
    plain, heavy, without = (
        FeatureDistortion(DistortionConfig(cepstral=cepstral))(decoded, original) for cepstral in (0.05, 0.25, 0.0)
    )
    # The squared error of the cepstra themselves: the transform to bands is orthonormal.
    error = (decoded - original)[:, :18].square().mean(-1)
    torch.testing.assert_close(plain - without, 0.05 * error, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(heavy - without, 0.25 * error, atol=1e-4, rtol=1e-3)
    with pytest.raises(UsageError, match="at least 0"):
        DistortionConfig(pitch=-1.0)


def test_wild_features_have_a_finite_distortion() -> None:
    wild = torch.full((1, 20), 1e3, requires_grad=True)
    FeatureDistortion()(wild, torch.zeros(1, 20)).sum().backward()
    assert wild.grad is not None
    assert torch.isfinite(wild.grad).all()
