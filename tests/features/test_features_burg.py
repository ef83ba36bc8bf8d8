"""Burg cepstra, compared with libopus's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from dred.errors import UsageError
from dred.features import NUM_BURG_FEATURES, burg_feature_frames, burg_features
from dred.features.reference import burg as reference

N = np.arange(160)

# From libopus 1.6.1: burg_cepstral_analysis of dnn/freq.c, compiled without SIMD, on the signals below. On 80 s of
# speech, noise, tones, silence and full-scale squares its values and ours are within 3e-5.
TONES = 3000 * np.sin(0.05 * N) + 2000 * np.sin(0.31 * N + 1) + 100 * np.sin(1.7 * N)
TONES_FEATURES = [
    3.909, 6.0019, 0.6171, 0.8568, -2.2642, 1.2751, -0.539, 0.3079, 1.2856, -0.7017, 0.5624, -0.2571,
    -0.3281, 0.3524, -0.3446, 0.2289, 0.0165, -0.0001, 0.3813, -0.0296, -0.0085, 0.0029, -0.0392, 0.0087,
    -0.0293, -0.0085, 0.0091, -0.0153, 0.0152, -0.0032, -0.0062, 0.0066, -0.01, 0.004, 0.0007, 0.0002,
]  # fmt: skip
BROKEN_OFF = 20 * np.sin(0.9 * N) * (N < 80)
BROKEN_OFF_FEATURES = [
    -11.7712, -0.1254, -0.7233, 0.4021, 0.4343, -0.4743, -0.1754, 0.4345, 0.0021, -0.33, 0.1068, 0.2133,
    -0.1458, -0.0928, 0.1305, 0.0063, -0.0724, 0.0392, 1.4281, -0.2508, -1.4467, 0.8043, 0.8687, -0.9485,
    -0.3507, 0.8689, 0.0041, -0.66, 0.2136, 0.4266, -0.2916, -0.1855, 0.2609, 0.0125, -0.1448, 0.0784,
]  # fmt: skip


@pytest.mark.parametrize(
    ("samples", "expected"),
    [(TONES, TONES_FEATURES), (BROKEN_OFF, BROKEN_OFF_FEATURES)],
    ids=["tones", "a tone that breaks off"],
)
def test_burg_features_are_those_of_libopus(samples: np.ndarray, expected: list[float]) -> None:
    # Half of the last digit given, and the 3e-5 above.
    np.testing.assert_allclose(burg_features(samples.astype(np.float32)), expected, rtol=0, atol=8e-5)


@pytest.mark.parametrize("kind", ["noise", "faint noise", "tones", "a tone held at 30 dB", "a click", "silence"])
def test_burg_features_are_those_of_the_reference(rng: np.random.Generator, kind: str) -> None:
    samples = {
        "noise": rng.uniform(-32768, 32767, 160),
        "faint noise": rng.normal(0, 0.5, 160),
        "tones": TONES,
        "a tone held at 30 dB": 20_000 * np.sin(0.3 * N),
        "a click": np.where(N == 90, 30_000, 0),
        "silence": np.zeros(160),
    }[kind].astype(np.float32)
    np.testing.assert_allclose(burg_features(samples), reference.burg_features(samples), rtol=0, atol=2e-5)


def test_many_frames_at_once_are_the_same_as_one_by_one(rng: np.random.Generator) -> None:
    samples = (1000 * rng.standard_normal(800)).astype(np.float32)
    np.testing.assert_array_equal(
        burg_feature_frames(samples), [burg_features(frame) for frame in samples.reshape(5, -1)]
    )
    assert burg_feature_frames(samples[:0]).shape == (0, NUM_BURG_FEATURES)


def test_a_fraction_of_a_frame_is_refused() -> None:
    with pytest.raises(UsageError, match="multiple of 160 samples, got 100"):
        burg_feature_frames(np.zeros(100, np.float32))


def test_equal_halves_have_no_difference(rng: np.random.Generator) -> None:
    half = (1000 * rng.standard_normal(80)).astype(np.float32)
    np.testing.assert_allclose(burg_features(np.tile(half, 2))[18:], 0, atol=1e-6)


def test_swapping_the_halves_negates_their_difference_only(rng: np.random.Generator) -> None:
    samples = (1000 * rng.standard_normal(160)).astype(np.float32)
    features, swapped = burg_features(samples), burg_features(np.roll(samples, 80))
    np.testing.assert_allclose(swapped, np.concatenate([features[:18], -features[18:]]), atol=1e-5)


def test_silence_has_the_cepstrum_of_the_floor() -> None:
    # Each of 18 bands is log10(0.01); the DCT is orthonormal, 4 is taken off c0.
    expected = np.zeros(NUM_BURG_FEATURES)
    expected[0] = -2 * np.sqrt(18) - 4
    np.testing.assert_allclose(burg_features(np.zeros(160, np.float32)), expected, atol=1e-5)


@given(
    samples=st_numpy.arrays(
        np.float32, 160, elements=st.floats(-32768, 32767, width=32), fill=st.sampled_from([-32768.0, 0.0, 32767.0])
    )
)
@settings(max_examples=100)
def test_any_samples_have_finite_features_of_a_bounded_size(samples: np.ndarray) -> None:
    features = burg_features(samples)
    assert np.isfinite(features).all()
    assert np.abs(features).max() < 100
