"""FARGAN with libopus's weights, against libopus and against the speech that it continues."""

from pathlib import Path

import numpy as np
import pytest

from dred.evaluation import compare_audio
from dred.features import PITCH, VOICING, FeatureExtractor
from dred.nn import Engine, ReferenceEngine, default_engine
from dred.vocoder import FRAME_SAMPLES, START_SAMPLES, Fargan
from dred.weights import WeightSet
from reference_vectors import V12_VECTORS, read_floats, read_pcm

pytestmark = pytest.mark.reference

INT16_SCALE = 32768


def speak_from_silence(vocoder: Fargan, features: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """As the vectors were made: all frames but the first, which is the past. Samples and periods."""
    state = vocoder.start(np.repeat(features[:1], 5, axis=0), np.zeros(START_SAMPLES, np.float32))
    samples, periods = [], []
    for frame in features[1:]:
        samples.append(vocoder.synthesise(state, frame))
        periods.append(state.period_samples)
    return np.concatenate(samples), periods


@pytest.mark.parametrize("name", V12_VECTORS)
def test_speech_conforms_to_libopus(shared: Path, weights_v12: WeightSet, name: str) -> None:
    folder = shared / "vectors" / name
    vocoder = Fargan.from_tensors(weights_v12.tensors, default_engine())
    samples, periods = speak_from_silence(vocoder, read_floats(folder / "enc_features.f32", 20))
    expected = np.fromfile(folder / "fargan_out.f32", "<f4")
    assert samples.size == expected.size
    result = compare_audio(INT16_SCALE * expected, INT16_SCALE * samples)
    # libopus rounds activations to int8; from its own past output the vocoder drifts away in phase, not in sound.
    assert result.passes, result
    assert result.pitch < 0.03, result
    np.testing.assert_array_equal(periods, np.fromfile(folder / "fargan_period.i32", "<i4"))


def test_engines_agree_over_200_ms(shared: Path, weights_v12: WeightSet) -> None:
    features = read_floats(shared / "vectors" / V12_VECTORS[0] / "enc_features.f32", 20)[60:81]
    spoken = [
        speak_from_silence(Fargan.from_tensors(weights_v12.tensors, engine), features)[0]
        for engine in (ReferenceEngine(), default_engine())
    ]
    error = np.abs(spoken[0] - spoken[1]).max()
    # Differences of 1e-5 in the activations grow along the feedback; this is 46 dB below the loudest sample.
    assert error < 0.005 * np.abs(spoken[0]).max()


def voiced_frames(features: np.ndarray) -> list[int]:
    """Frames in the midst of steady voiced speech."""
    return [
        n
        for n in range(10, len(features) - 5)
        if features[n - 2 : n + 3, VOICING].min() > 0.2 and np.ptp(features[n - 2 : n + 3, PITCH]) < 0.2
    ]


def test_real_speech_goes_on_in_phase(shared: Path, weights_v12: WeightSet) -> None:
    engine = default_engine()
    samples = read_pcm(shared / "vectors" / V12_VECTORS[0] / "input.sw") / INT16_SCALE
    extractor, vocoder = (network.from_tensors(weights_v12.tensors, engine) for network in (FeatureExtractor, Fargan))
    features = extractor.extract(extractor.initial_state(), INT16_SCALE * samples)
    correlations, level_errors_db = [], []
    for number in voiced_frames(features):
        position = number * FRAME_SAMPLES
        # The vocoder looks two frames ahead.
        state = vocoder.start(features[number - 3 : number + 2], samples[position - START_SAMPLES : position])
        spoken = vocoder.synthesise(state, features[number + 2])
        truth = samples[position : position + FRAME_SAMPLES]
        correlations.append(np.corrcoef(spoken, truth)[0, 1])
        level_errors_db.append(20 * np.log10(spoken.std() / truth.std()))
    assert len(correlations) > 20
    assert np.median(correlations) > 0.9
    assert np.mean(np.array(correlations) > 0.5) > 0.9
    assert abs(np.mean(level_errors_db)) < 1


@pytest.mark.parametrize("release", ["v12", "v10"])
def test_both_releases_speak(request: pytest.FixtureRequest, shared: Path, engine: Engine, release: str) -> None:
    weights = request.getfixturevalue(f"weights_{release}")
    features = read_floats(shared / "vectors" / V12_VECTORS[0] / "enc_features.f32", 20)[60:100]
    samples, _ = speak_from_silence(Fargan.from_tensors(weights.tensors, engine), features)
    truth = read_pcm(shared / "vectors" / V12_VECTORS[0] / "input.sw")[61 * 160 : 100 * 160] / INT16_SCALE
    assert abs(20 * np.log10(samples.std() / truth.std())) < 3
