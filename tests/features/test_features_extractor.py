"""Feature extraction: libopus's values on real speech, and laws that hold for any pitch network."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.errors import ModelError, UsageError
from dred.features import NUM_CEPSTRA, PITCH, VOICING, FeatureExtractor
from dred.nn import Engine, ReferenceEngine, default_engine
from dred.weights import WeightSet
from reference_vectors import V12_VECTORS, read_extractor_input, read_floats
from tiny_networks import pitch_tensors

NUM_FRAMES = 12
TINY = FeatureExtractor.from_tensors(pitch_tensors(np.random.default_rng(3)), ReferenceEngine())


def extract(samples: np.ndarray, extractor: FeatureExtractor = TINY) -> np.ndarray:
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
def test_engines_agree_on_the_pitch_network_of_libopus(shared: Path, weights_v12: WeightSet) -> None:
    samples = read_extractor_input(shared / "vectors" / V12_VECTORS[0])[16_000:32_000]
    features = [
        extract(samples, FeatureExtractor.from_tensors(weights_v12.tensors, engine))
        for engine in (ReferenceEngine(), default_engine())
    ]
    np.testing.assert_allclose(*features, rtol=0, atol=1e-3)


@given(cuts=st.lists(st.integers(0, NUM_FRAMES), max_size=5))
@settings(deadline=None, max_examples=25)
def test_streaming_equals_batch(cuts: list[int]) -> None:
    samples, state = speechlike(), TINY.initial_state()
    pieces = [TINY.extract(state, piece) for piece in np.split(samples, sorted(160 * cut for cut in cuts))]
    np.testing.assert_array_equal(np.concatenate(pieces), extract(samples))


@given(num_past=st.integers(1, NUM_FRAMES - 1))
@settings(deadline=None, max_examples=25)
def test_future_input_does_not_change_past_features(num_past: int) -> None:
    samples = speechlike()
    changed = samples.copy()
    changed[160 * num_past :] = 1000
    features, others = extract(samples), extract(changed)
    np.testing.assert_array_equal(features[:num_past], others[:num_past])
    assert not np.array_equal(features[num_past:], others[num_past:])


def test_two_streams_do_not_mix() -> None:
    first, second = speechlike(), speechlike()[::-1].copy()
    states = [TINY.initial_state(), TINY.initial_state()]
    frames = [
        [TINY.extract_frame(state, samples[160 * n : 160 * (n + 1)]) for state, samples in zip(states, (first, second))]
        for n in range(NUM_FRAMES)
    ]
    np.testing.assert_array_equal(np.array(frames)[:, 0], extract(first))
    np.testing.assert_array_equal(np.array(frames)[:, 1], extract(second))


def test_silence_has_the_cepstrum_of_the_floor() -> None:
    features = extract(np.zeros(1600, np.float32))
    # Each of 18 bands is log10(0.01); the DCT is orthonormal, 4 is taken off c0.
    np.testing.assert_allclose(features[:, 0], -2 * np.sqrt(18) - 4, atol=1e-4)
    np.testing.assert_allclose(features[:, 1:NUM_CEPSTRA], 0, atol=1e-5)
    # No correlation: ln 2 / ln(1 + e^5) - 0.5.
    np.testing.assert_allclose(features[:, VOICING], np.log(2) / np.log1p(np.exp(5)) - 0.5, atol=1e-5)


@pytest.mark.parametrize("gain", [10, 100])
def test_level_is_in_the_first_cepstrum_alone(gain: int) -> None:
    # Loud enough that the floor of the logarithm does not show.
    samples = speechlike()
    quiet, loud = extract(samples), extract(gain * samples)
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
def test_extreme_input_has_features_in_range(engine: Engine, samples: np.ndarray) -> None:
    extractor = FeatureExtractor.from_tensors(pitch_tensors(np.random.default_rng(3)), engine)
    features = extract(samples.astype(np.float32), extractor)
    assert np.isfinite(features).all()
    assert np.abs(features[:, :NUM_CEPSTRA]).max() < 60
    assert np.abs(features[:, PITCH]).max() <= 1.5
    # The mapping of a correlation of -1 is just above -0.5, that of 1 is 0.5.
    assert features[:, VOICING].min() >= -0.5
    assert features[:, VOICING].max() <= 0.5 + 1e-6


def test_no_samples_give_no_frames() -> None:
    assert extract(np.zeros(0, np.float32)).shape == (0, 20)


def test_a_fraction_of_a_frame_is_refused() -> None:
    with pytest.raises(UsageError, match="multiple of 160 samples, got 161"):
        extract(np.zeros(161, np.float32))


def test_a_missing_layer_is_named() -> None:
    tensors = pitch_tensors(np.random.default_rng(3))
    del tensors["conv2d_2_weight_float"]
    with pytest.raises(ModelError, match="conv2d_2_weight_float"):
        FeatureExtractor.from_tensors(tensors, ReferenceEngine())
