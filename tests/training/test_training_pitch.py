"""The trainable pitch network is the pitch network: the same weights find the same pitch."""

import numpy as np
import pytest
from synthetic_corpus import make_corpus

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.audio import read_audio  # noqa: E402
from dred.data import bundled_clip  # noqa: E402
from dred.features import PITCH, FeatureExtractor, pitch_inputs  # noqa: E402
from dred.nn import Engine  # noqa: E402
from dred.training.layers import export_tensors, load_tensors  # noqa: E402
from dred.training.pitch import PitchTracker, PitchWidths, expected_pitch  # noqa: E402
from dred.training.pitch_tracking import PitchTracking, PitchTrackingConfig  # noqa: E402
from dred.training.rounding import with_int8_layers  # noqa: E402
from dred.weights import WeightSet  # noqa: E402

CPU = torch.device("cpu")
NARROW = PitchWidths(hidden=16, channels=2, units=8)
WIDTHS = [pytest.param(PitchWidths(), id="published widths"), pytest.param(NARROW, id="narrow")]


def speech() -> np.ndarray:
    return (32768 * read_audio(bundled_clip()).samples[16_000 : 16_000 + 160 * 40, 0]).astype(np.float32)


def decided(widths: PitchWidths) -> PitchTracker:
    """A network with scores far enough apart that the order of sums does not change which is best."""
    network = PitchTracker(torch.Generator().manual_seed(1), widths)
    with torch.no_grad():
        network.dense_final_upsampler.weight.mul_(20)
    return network


@torch.no_grad()
def track(network: PitchTracker, samples: np.ndarray) -> np.ndarray:
    frequencies, correlations = (torch.from_numpy(rows)[None] for rows in pitch_inputs(samples))
    return expected_pitch(network(frequencies, correlations))[0].numpy()


def extract(tensors: dict[str, np.ndarray], engine: Engine, samples: np.ndarray) -> np.ndarray:
    extractor = FeatureExtractor.from_tensors(tensors, engine)
    return extractor.extract(extractor.initial_state(), samples)[:, PITCH]


@pytest.mark.parametrize("widths", WIDTHS)
def test_exported_weights_find_the_same_pitch(widths: PitchWidths, engine: Engine) -> None:
    network, samples = decided(widths), speech()
    expected = extract(export_tensors(network), engine, samples)
    # Two scores may be nearly equal; activations of kernels are good to 1e-6.
    assert np.mean(np.abs(track(network, samples) - expected) < 1e-3) >= 0.95
    assert np.ptp(expected) > 0.1


def test_an_export_has_the_published_layers(weights_v12: WeightSet) -> None:
    exported = with_int8_layers(export_tensors(PitchTracker(torch.Generator(), PitchWidths())))
    published = {
        name: tensor
        for name, tensor in weights_v12.tensors.items()
        if name.startswith(("dense_if_", "dense_downsampler", "dense_final_upsampler", "conv2d_", "gru_1_"))
    }
    for name, tensor in exported.items():
        assert (tensor.dtype, tensor.shape) == (published[name].dtype, published[name].shape), name
    assert {name for name in published if not name.endswith("_subias")} == exported.keys()


@pytest.mark.reference
def test_the_published_weights_can_be_trained_on(weights_v12: WeightSet, engine: Engine) -> None:
    network, samples = PitchTracker(torch.Generator(), PitchWidths()), speech()
    load_tensors(network, weights_v12.tensors)
    expected = extract(dict(weights_v12.tensors), engine, samples)
    assert np.mean(np.abs(track(network, samples) - expected) < 1e-3) >= 0.95


def test_a_pitch_between_two_classes_is_wanted_where_it_lies() -> None:
    task = PitchTracking(make_corpus(np.random.default_rng(5)), PitchTrackingConfig(batch=1, widths=NARROW), CPU)
    pitch = torch.tensor([[-1.2, 0.0, 0.3333, 1.1041]])
    torch.testing.assert_close(expected_pitch(torch.log(task._wanted(pitch) + 1e-30)), pitch, atol=2e-3, rtol=0)


def test_what_is_drawn_does_not_depend_on_what_lies_before_it() -> None:
    """Windows are cut out of clips; what the network sees is as in the whole clip."""
    corpus = make_corpus(np.random.default_rng(5))
    task = PitchTracking(corpus, PitchTrackingConfig(batch=1, num_frames=100, num_listened=0, widths=NARROW), CPU)
    whole = pitch_inputs(corpus.samples[:250].astype(np.float32).ravel())
    for seed in range(20):
        frequencies, correlations, pitch, _ = task.draw(np.random.default_rng(seed))
        first = int(np.abs(corpus.features[:, PITCH] - pitch[0, 0]).argmin())
        if first < 150:
            break
    np.testing.assert_array_equal(corpus.features[first : first + 100, PITCH], pitch[0])
    np.testing.assert_allclose(frequencies[0], whole.frequencies[first : first + 100], atol=1e-4)
    np.testing.assert_allclose(correlations[0], whole.correlations[first : first + 100], atol=1e-4)
