"""The trainable vocoder is the vocoder: the same weights speak the same samples."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.errors import ModelError  # noqa: E402
from dred.features import PITCH, pitch_to_period_samples  # noqa: E402
from dred.nn import ReferenceEngine  # noqa: E402
from dred.training.fargan import FarganNetwork, FarganWidths, emphasise, period_samples  # noqa: E402
from dred.training.layers import export_tensors, load_tensors  # noqa: E402
from dred.training.rounding import with_int8_layers  # noqa: E402
from dred.vocoder import CompiledFargan, Fargan  # noqa: E402
from dred.vocoder.layout import DE_EMPHASIS  # noqa: E402
from dred.weights import WeightSet  # noqa: E402

NARROW = FarganWidths(condition_1=8, condition_conv=16, signal=24, grus=(16, 8, 8), skip=8)
WIDTHS = [pytest.param(FarganWidths(), id="published widths"), pytest.param(NARROW, id="narrow")]


def make_network(widths: FarganWidths) -> FarganNetwork:
    network = FarganNetwork(torch.Generator().manual_seed(1), widths)
    # Loud enough that the clipping of the past does something.
    with torch.no_grad():
        network.sig_net_cond_gain_dense.bias.fill_(-1)
    return network


def de_emphasise(emphasised: np.ndarray, last: np.float32) -> np.ndarray:
    samples = np.empty_like(emphasised)
    for n, value in enumerate(emphasised):
        last = samples[n] = value + DE_EMPHASIS * last
    return samples


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("form", ["numpy", "compiled"])
def test_exported_weights_speak_the_same(widths: FarganWidths, form: str, rng: np.random.Generator) -> None:
    network = make_network(widths)
    features = (0.6 * rng.standard_normal((2, 5 + 6, 20))).astype(np.float32)
    # From the shortest period, which repeats within a sub-frame, to the longest, which leaves the history.
    features[..., PITCH] = rng.uniform(-1.6, 1.6, features.shape[:2])
    heard = (0.1 * rng.standard_normal((2, 320))).astype(np.float32)
    spoken = network(torch.from_numpy(features), torch.from_numpy(heard)).detach().numpy()
    tensors = export_tensors(network)
    vocoder = (
        Fargan.from_tensors(tensors, ReferenceEngine()) if form == "numpy" else CompiledFargan.from_tensors(tensors)
    )
    for row in range(2):
        state = vocoder.start(features[row, :5].copy(), heard[row])
        expected = vocoder.synthesise(state, features[row, 5:].copy())
        # Compiled activations are good to 1e-6; what was spoken is fed back for 24 sub-frames.
        np.testing.assert_allclose(de_emphasise(spoken[row], heard[row, -1]), expected, atol=2e-5)
        assert np.abs(expected).max() > 0.01


@pytest.mark.parametrize("rounded", [False, True])
def test_a_network_starts_from_exported_weights(rounded: bool) -> None:
    network, other = make_network(NARROW), FarganNetwork(torch.Generator().manual_seed(2), NARROW)
    tensors = export_tensors(network)
    load_tensors(other, with_int8_layers(tensors) if rounded else tensors)
    for name, weight in network.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], weight, atol=0.01 if rounded else 0.0, rtol=0.0)
    with pytest.raises(ModelError, match="cond_net_fdense1"):
        load_tensors(FarganNetwork(torch.Generator(), FarganWidths()), tensors)


@pytest.mark.reference
def test_the_published_weights_can_be_trained_on(weights_v12: WeightSet, rng: np.random.Generator) -> None:
    network = FarganNetwork(torch.Generator(), FarganWidths())
    load_tensors(network, weights_v12.tensors)
    features = (0.5 * rng.standard_normal((1, 5 + 6, 20))).astype(np.float32)
    heard = (0.1 * rng.standard_normal((1, 320))).astype(np.float32)
    spoken = network(torch.from_numpy(features), torch.from_numpy(heard))[0].detach().numpy()
    vocoder = Fargan.from_tensors(weights_v12.tensors, ReferenceEngine())
    expected = vocoder.synthesise(vocoder.start(features[0, :5].copy(), heard[0]), features[0, 5:].copy())
    np.testing.assert_allclose(de_emphasise(spoken, heard[0, -1]), expected, atol=1e-4)


def test_periods_are_those_of_the_vocoder(rng: np.random.Generator) -> None:
    pitch = np.concatenate([rng.uniform(-3, 3, 2000), np.linspace(-1.5, 1.5, 181)]).astype(np.float32)
    expected = [pitch_to_period_samples(value) for value in pitch]
    assert period_samples(torch.from_numpy(pitch)).tolist() == expected


def test_speech_does_not_depend_on_features_that_come_later(rng: np.random.Generator) -> None:
    network = make_network(NARROW)
    features = torch.from_numpy((0.5 * rng.standard_normal((1, 5 + 4, 20))).astype(np.float32))
    heard = torch.zeros(1, 320)
    changed = features.clone()
    changed[:, 5 + 2 :] += 1
    before, after = (network(x, heard)[:, : 2 * 160] for x in (features, changed))
    assert torch.equal(before, after)


def test_gradients_reach_every_layer(rng: np.random.Generator) -> None:
    network = make_network(NARROW)
    features = torch.from_numpy((0.5 * rng.standard_normal((2, 5 + 2, 20))).astype(np.float32))
    spoken = network(features, torch.from_numpy((0.1 * rng.standard_normal((2, 320))).astype(np.float32)))
    spoken.square().mean().backward()
    # A weights file's readers take the embedding's weights alone.
    without = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    assert without == {"cond_net_pembed.bias"}
    assert all(p.grad.abs().sum() > 0 for p in network.parameters() if p.grad is not None)


def test_emphasis_is_undone_by_the_vocoders_de_emphasis(rng: np.random.Generator) -> None:
    samples = (0.1 * rng.standard_normal(100)).astype(np.float32)
    emphasised = emphasise(torch.from_numpy(samples)[None])[0].numpy()
    np.testing.assert_allclose(de_emphasise(emphasised, samples[0]), samples[1:], atol=1e-6)
