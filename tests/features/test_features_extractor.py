"""Feature extraction: libopus's values on real speech, and laws that hold for any pitch network."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.errors import ModelError, UsageError
from dred.features import NUM_CEPSTRA, PITCH, VOICING, FeatureExtractor, pitch_to_period_samples
from dred.features.reference.frame import ReferenceAnalysis
from dred.nn import Engine, ReferenceEngine, Tensors, default_engine
from dred.weights import WeightSet
from reference_vectors import V12_VECTORS, read_extractor_input, read_floats
from tiny_networks import pitch_tensors

NUM_FRAMES = 12


@pytest.fixture(scope="module")
def extractor(engine: Engine) -> FeatureExtractor:
    """A tiny pitch network behind each analysis in turn."""
    return build_tiny(engine)


def build_tiny(engine: Engine) -> FeatureExtractor:
    return FeatureExtractor.from_tensors(pitch_tensors(np.random.default_rng(3)), engine)


def extract(samples: np.ndarray, extractor: FeatureExtractor) -> np.ndarray:
    return extractor.extract(extractor.initial_state(), samples)


def speechlike(num_frames: int = NUM_FRAMES) -> np.ndarray:
    """A buzz of 125 Hz with noise, on the int16 scale."""
    time = np.arange(160 * num_frames) / 16_000
    buzz = sum(np.sin(2 * np.pi * 125 * k * time) / k for k in range(1, 20))
    return (4000 * buzz + 50 * np.random.default_rng(4).standard_normal(time.size)).astype(np.float32)


@pytest.mark.reference
@pytest.mark.parametrize("name", V12_VECTORS)
def test_features_are_those_of_libopus(shared: Path, weights_v12: WeightSet, name: str) -> None:
    folder = shared / "vectors" / name
    expected = read_floats(folder / "enc_features.f32", 20)
    extractor = FeatureExtractor.from_tensors(weights_v12.tensors, default_engine())
    error = extract(read_extractor_input(folder), extractor) - expected
    # Cepstra differ by the order of float32 sums only.
    assert np.abs(error[:, :NUM_CEPSTRA]).max() < 1e-4
    # libopus rounds the pitch network's activations to int8, so that now and then another class wins (5 % of the
    # frames). Where it does not, voicing is the same, unless the period just rounds to another sample.
    is_same = np.abs(error[:, PITCH]) < 1e-3
    assert is_same.mean() > 0.92, f"pitch is the same in {is_same.mean():.3f} of the frames"
    assert np.mean(np.abs(error[is_same, VOICING]) < 1e-3) > 0.95
    voiced = expected[:, VOICING] > 0.2
    assert np.abs(error[voiced, PITCH]).mean() < 0.01
    assert np.sqrt(np.mean(error[:, VOICING] ** 2)) < 0.03


@pytest.mark.reference
def test_the_compiled_analysis_is_the_reference(shared: Path, weights_v12: WeightSet) -> None:
    samples = read_extractor_input(shared / "vectors" / V12_VECTORS[0])[16_000:48_000]
    reference = ReferenceAnalysis.from_tensors(weights_v12.tensors, ReferenceEngine())
    expected = reference.extract(reference.initial_state(), samples)
    extractor = FeatureExtractor.from_tensors(weights_v12.tensors, default_engine())
    features = extract(samples, extractor)
    error = np.abs(features - expected)
    assert error[:, :NUM_CEPSTRA].max() < 1e-5
    assert np.sqrt(np.mean(error[:, :NUM_CEPSTRA] ** 2)) < 1e-6
    # Activations are rounded, if finely, and now and then another class wins.
    assert np.mean(error[:, PITCH] < 1e-3) > 0.97
    is_same_period = [
        pitch_to_period_samples(pitch) == pitch_to_period_samples(other)
        for pitch, other in zip(features[:, PITCH], expected[:, PITCH])
    ]
    assert error[is_same_period, VOICING].max() < 1e-4


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(lambda: speechlike(), id="a buzz"),
        pytest.param(lambda: np.random.default_rng(7).normal(0, 3000, 160 * NUM_FRAMES), id="noise"),
        pytest.param(lambda: np.random.default_rng(7).uniform(-32768, 32767, 160 * NUM_FRAMES), id="full-scale noise"),
        pytest.param(lambda: np.random.default_rng(7).normal(0, 3, 160 * NUM_FRAMES), id="faint noise"),
        pytest.param(lambda: np.zeros(160 * NUM_FRAMES), id="silence"),
    ],
)
def test_both_analyses_agree_where_nothing_is_quantised(samples: Callable[[], np.ndarray]) -> None:
    features, expected = (
        extract(samples().astype(np.float32), build_tiny(engine)) for engine in (default_engine(), ReferenceEngine())
    )
    np.testing.assert_allclose(features[:, :NUM_CEPSTRA], expected[:, :NUM_CEPSTRA], rtol=0, atol=1e-5)
    # The layers' tanh is accurate to 7e-6.
    np.testing.assert_allclose(features[:, PITCH:], expected[:, PITCH:], rtol=0, atol=3e-4)


@given(cuts=st.lists(st.integers(0, NUM_FRAMES), max_size=5))
@settings(max_examples=25)
def test_streaming_equals_batch(extractor: FeatureExtractor, cuts: list[int]) -> None:
    samples, state = speechlike(), extractor.initial_state()
    pieces = [extractor.extract(state, piece) for piece in np.split(samples, sorted(160 * cut for cut in cuts))]
    np.testing.assert_array_equal(np.concatenate(pieces), extract(samples, extractor))


@given(num_past=st.integers(1, NUM_FRAMES - 1))
@settings(max_examples=25)
def test_future_input_does_not_change_past_features(extractor: FeatureExtractor, num_past: int) -> None:
    samples = speechlike()
    changed = samples.copy()
    changed[160 * num_past :] = 1000
    features, others = extract(samples, extractor), extract(changed, extractor)
    np.testing.assert_array_equal(features[:num_past], others[:num_past])
    assert not np.array_equal(features[num_past:], others[num_past:])


def test_two_streams_do_not_mix(extractor: FeatureExtractor) -> None:
    streams = speechlike(), speechlike()[::-1]
    states = [extractor.initial_state(), extractor.initial_state()]
    frames = [
        [extractor.extract_frame(state, samples[160 * n : 160 * (n + 1)]) for state, samples in zip(states, streams)]
        for n in range(NUM_FRAMES)
    ]
    np.testing.assert_array_equal(np.array(frames)[:, 0], extract(streams[0], extractor))
    np.testing.assert_array_equal(np.array(frames)[:, 1], extract(streams[1].copy(), extractor))


def test_silence_has_the_cepstrum_of_the_floor(extractor: FeatureExtractor) -> None:
    features = extract(np.zeros(1600, np.float32), extractor)
    # Each of 18 bands is log10(0.01); the DCT is orthonormal, 4 is taken off c0.
    np.testing.assert_allclose(features[:, 0], -2 * np.sqrt(18) - 4, atol=1e-4)
    np.testing.assert_allclose(features[:, 1:NUM_CEPSTRA], 0, atol=1e-5)
    # No correlation: ln 2 / ln(1 + e^5) - 0.5.
    np.testing.assert_allclose(features[:, VOICING], np.log(2) / np.log1p(np.exp(5)) - 0.5, atol=1e-5)


@pytest.mark.parametrize("gain", [10, 100])
def test_level_is_in_the_first_cepstrum_alone(extractor: FeatureExtractor, gain: int) -> None:
    # Loud enough that the floor of the logarithm does not show.
    samples = speechlike()
    quiet, loud = extract(samples, extractor), extract(gain * samples, extractor)
    np.testing.assert_allclose((loud - quiet)[2:, 0], 2 * np.log10(gain) * np.sqrt(18), atol=1e-3)
    np.testing.assert_allclose(loud[2:, 1:NUM_CEPSTRA], quiet[2:, 1:NUM_CEPSTRA], atol=1e-3)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(np.full(3200, 32767), id="constant at full scale"),
        pytest.param(np.where(np.arange(3200) % 2, 32767, -32768), id="full scale at 8 kHz"),
        pytest.param(np.where(np.arange(3200) // 64 % 2, 32767, -32768), id="full-scale square wave"),
        pytest.param(np.where(np.arange(3200) == 1700, -32768, 0), id="one click"),
        pytest.param(np.random.default_rng(5).integers(-1, 2, 3200), id="noise of one bit"),
    ],
)
def test_extreme_input_has_features_in_range(extractor: FeatureExtractor, samples: np.ndarray) -> None:
    features = extract(samples.astype(np.float32), extractor)
    assert np.isfinite(features).all()
    assert np.abs(features[:, :NUM_CEPSTRA]).max() < 60
    assert np.abs(features[:, PITCH]).max() <= 1.5
    # The mapping of a correlation of -1 is just above -0.5, that of 1 is 0.5.
    assert features[:, VOICING].min() >= -0.5
    assert features[:, VOICING].max() <= 0.5 + 1e-6


def test_no_samples_give_no_frames(extractor: FeatureExtractor) -> None:
    assert extract(np.zeros(0, np.float32), extractor).shape == (0, 20)


def test_a_fraction_of_a_frame_is_refused(extractor: FeatureExtractor) -> None:
    with pytest.raises(UsageError, match="multiple of 160 samples, got 161"):
        extract(np.zeros(161, np.float32), extractor)


def test_not_a_number_is_no_place_in_memory() -> None:
    extractor = build_tiny(default_engine())
    features = extract(np.full(1600, np.nan, np.float32), extractor)
    assert features.shape == (10, 20)


def test_a_missing_layer_is_named(engine: Engine) -> None:
    tensors = pitch_tensors(np.random.default_rng(3))
    del tensors["conv2d_2_weight_float"]
    with pytest.raises(ModelError, match="conv2d_2_weight_float"):
        FeatureExtractor.from_tensors(tensors, engine)


def with_fewer_classes(tensors: Tensors) -> Tensors:
    weight, bias = "dense_final_upsampler_weights_float", "dense_final_upsampler_bias"
    return {**tensors, weight: tensors[weight].reshape(-1, 192)[:, :176].ravel(), bias: tensors[bias][:176]}


def with_a_wider_convolution(tensors: Tensors) -> Tensors:
    weight = tensors["conv2d_2_weight_float"]
    return {**tensors, "conv2d_2_weight_float": np.concatenate([weight, weight])}


def with_a_narrower_layer(tensors: Tensors) -> Tensors:
    weight, bias = "dense_if_upsampler_1_weights_float", "dense_if_upsampler_1_bias"
    return {**tensors, weight: tensors[weight].reshape(88, -1)[:, :4].ravel(), bias: tensors[bias][:4]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_fewer_classes, "180 classes, got 176"),
        (with_a_wider_convolution, "do not fit one another"),
        (with_a_narrower_layer, "dense_if_upsampler_2 has 8 inputs, its place in the network needs 4"),
    ],
)
def test_layers_that_do_not_fit_are_refused(engine: Engine, change: Callable[[Tensors], Tensors], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        FeatureExtractor.from_tensors(change(pitch_tensors(np.random.default_rng(3))), engine)
