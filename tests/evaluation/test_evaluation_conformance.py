"""The conformance comparison gives the figures and verdicts of libopus's own program."""

import numpy as np
import pytest

from dred.errors import UsageError
from dred.evaluation import (
    SYSTEM_LIMITS,
    VOCODER_LIMITS,
    AudioConformance,
    FeatureConformance,
    compare_audio,
    compare_features,
)

NUM_FRAMES = 50
INDEX = np.arange(NUM_FRAMES * 20).reshape(NUM_FRAMES, 20)
REFERENCE_FEATURES = np.sin(INDEX).astype(np.float32)

TIME = np.arange(16_000) / 16_000


def tone(frequency_hz: float, amplitude: float) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency_hz * TIME)


REFERENCE_AUDIO = np.rint((tone(125, 6000) + tone(250, 3000) + tone(2125, 1500)) * (0.5 + tone(2, 0.5))).astype(
    np.int16
)


# Golden figures of both kinds: libopus 1.6.1 dnn/dred_compare.c, compiled as it is, on these signals. It computes in
# float32 and prints six decimals.
TOLERANCE = 2e-4


@pytest.mark.parametrize(
    ("deviation", "total", "worst", "pitch", "passes"),
    [(0.1, 0.308564, 0.071216, 0.055391, False), (0.02, 0.061713, 0.014243, 0.011078, True)],
)
def test_feature_figures_are_those_of_libopus(
    deviation: float, total: float, worst: float, pitch: float, passes: bool
) -> None:
    result = compare_features(
        REFERENCE_FEATURES, REFERENCE_FEATURES + np.float32(deviation) * np.cos(3 * INDEX, dtype=np.float32)
    )
    assert result.total == pytest.approx(total, rel=TOLERANCE)
    assert result.worst == pytest.approx(worst, rel=TOLERANCE)
    assert result.pitch == pytest.approx(pitch, rel=TOLERANCE)
    assert result.passes is passes


@pytest.mark.parametrize(
    ("start", "stop", "err4", "err16", "pitch"),
    [(0, 16_000, 1.110075, 1.655258, 0.424582), (5000, 6600, 12.382444, 19.182387, 1.409533)],
    ids=["one second", "100 ms, where the ends count"],
)
def test_audio_figures_are_those_of_libopus(start: int, stop: int, err4: float, err16: float, pitch: float) -> None:
    late = np.concatenate([np.zeros(5), REFERENCE_AUDIO[:-5]])
    test = np.rint(0.8 * late + tone(3333, 200)).astype(np.int16)
    result = compare_audio(REFERENCE_AUDIO[start:stop], test[start:stop])
    assert result.err4 == pytest.approx(err4, rel=TOLERANCE)
    assert result.err16 == pytest.approx(err16, rel=TOLERANCE)
    assert result.pitch == pytest.approx(pitch, rel=TOLERANCE)
    assert not result.passes


def test_equal_input_has_no_error() -> None:
    assert compare_features(REFERENCE_FEATURES, REFERENCE_FEATURES) == FeatureConformance(total=0, worst=0, pitch=0)
    assert compare_audio(REFERENCE_AUDIO, REFERENCE_AUDIO) == AudioConformance(err4=0, err16=0, pitch=0)


@pytest.mark.parametrize("fault", [{"err4": 0.2501}, {"err16": 1.0001}, {"pitch": 0.1501}, {"pitch": float("nan")}])
def test_one_figure_beyond_its_limit_fails_the_vocoder(fault: dict[str, float]) -> None:
    good = {"err4": 0.25, "err16": 1.0, "pitch": 0.15}
    assert AudioConformance(**good).passes
    assert not AudioConformance(**good | fault).passes


@pytest.mark.parametrize("fault", [{"total": 0.501}, {"worst": 0.151}, {"pitch": 0.021}, {"pitch": float("nan")}])
def test_one_figure_beyond_its_limit_fails_the_features(fault: dict[str, float]) -> None:
    good = {"total": 0.5, "worst": 0.15, "pitch": 0.02}
    assert FeatureConformance(**good).passes
    assert not FeatureConformance(**good | fault).passes


def test_a_whole_receiver_has_wider_limits_than_a_vocoder() -> None:
    assert VOCODER_LIMITS.is_within(SYSTEM_LIMITS)
    assert not SYSTEM_LIMITS.is_within(VOCODER_LIMITS)


def test_pitch_counts_on_voiced_frames_only() -> None:
    reference = np.zeros((4, 20), np.float32)
    reference[:2, 19] = 0.3
    test = reference.copy()
    test[:, 18] = [0.5, 1.5, 100, 100]
    result = compare_features(reference, test)
    assert result.pitch == pytest.approx(1)
    assert result.total == result.worst == 0


def test_without_a_voiced_frame_pitch_is_unknown_and_nothing_passes() -> None:
    silence = np.zeros(16_000, np.int16)
    assert np.isnan(compare_audio(silence, silence).pitch)
    assert not compare_audio(silence, silence).passes
    assert np.isnan(compare_features(np.zeros((3, 20), np.float32), np.zeros((3, 20), np.float32)).pitch)


def test_what_goes_on_behind_the_reference_does_not_count() -> None:
    longer = np.concatenate([REFERENCE_AUDIO, np.full(800, 20_000, np.int16)])
    assert compare_audio(REFERENCE_AUDIO, longer).err4 == 0


def test_worse_audio_has_larger_errors(rng: np.random.Generator) -> None:
    noise = rng.standard_normal(REFERENCE_AUDIO.size)
    errors = [compare_audio(REFERENCE_AUDIO, REFERENCE_AUDIO + level * noise).err4 for level in (1, 10, 100, 1000)]
    assert errors == sorted(errors)
    assert errors[0] > 0


@pytest.mark.parametrize(
    ("reference", "test"),
    [
        (np.zeros(639), np.zeros(639)),
        (np.zeros(800), np.zeros(799)),
    ],
    ids=["less than a window", "a test that ends early"],
)
def test_audio_that_cannot_be_compared_is_refused(reference: np.ndarray, test: np.ndarray) -> None:
    with pytest.raises(UsageError, match="640"):
        compare_audio(reference, test)


@pytest.mark.parametrize("num_test_frames", [0, 3])
def test_features_that_cannot_be_compared_are_refused(num_test_frames: int) -> None:
    with pytest.raises(UsageError, match="20 features"):
        compare_features(np.zeros((num_test_frames and 4, 20), np.float32), np.zeros((num_test_frames, 20), np.float32))
