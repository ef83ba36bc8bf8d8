"""LPCNet: laws that hold whatever the weights, and the compiled stage against the network that is read."""

from copy import deepcopy

import numpy as np
import pytest

from dred.errors import ModelError, UsageError
from dred.features import VOICING
from dred.nn import ReferenceEngine
from dred.vocoder import FRAME_SAMPLES, START_FEATURE_FRAMES, START_SAMPLES, CompiledLpcnet, Lpcnet, SpeechRequest
from tiny_networks import lpcnet_tensors, with_int8_weights

TENSORS = lpcnet_tensors(np.random.default_rng(31))
NUM_FRAMES = 4

Vocoder = Lpcnet | CompiledLpcnet


@pytest.fixture(scope="module", params=["numpy", "compiled", "compiled, int8 weights"])
def vocoder(request: pytest.FixtureRequest) -> Vocoder:
    if request.param == "numpy":
        return Lpcnet.from_tensors(TENSORS, ReferenceEngine())
    return CompiledLpcnet.from_tensors(with_int8_weights(TENSORS) if "int8" in request.param else TENSORS)


def random_features(seed: int = 12, num_frames: int = NUM_FRAMES) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((num_frames, 20)).astype(np.float32)


def random_past(seed: int = 13) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((START_FEATURE_FRAMES, 20)).astype(np.float32)
    return features, rng.uniform(-0.5, 0.5, START_SAMPLES).astype(np.float32)


def test_the_compiled_stage_speaks_as_the_network_that_is_read() -> None:
    reference, compiled = Lpcnet.from_tensors(TENSORS, ReferenceEngine()), CompiledLpcnet.from_tensors(TENSORS)
    are_equal = []
    for seed in range(6):
        first, second = (
            each.synthesise(each.start(*random_past(seed)), random_features(seed)) for each in (reference, compiled)
        )
        assert np.ptp(first) > 0.01
        are_equal.append(np.abs(first - second).max() < 1e-5)
    # A draw that falls between two choices by less than the last digit makes two waveforms of one.
    assert np.mean(are_equal) > 0.7, are_equal


def test_each_frame_of_features_is_10_ms(vocoder: Vocoder) -> None:
    samples = vocoder.synthesise(vocoder.start(*random_past()), random_features())
    assert samples.shape == (NUM_FRAMES * FRAME_SAMPLES,)
    assert samples.dtype == np.float32
    assert vocoder.synthesise(vocoder.start(*random_past()), random_features()[:0]).shape == (0,)


def test_the_same_past_and_features_give_the_same_speech_another_past_another(vocoder: Vocoder) -> None:
    first, second = (vocoder.synthesise(vocoder.start(*random_past()), random_features()) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = vocoder.synthesise(vocoder.start(*random_past(14)), random_features())
    assert not np.array_equal(first, other)


def test_speaking_frame_by_frame_is_speaking_at_once(vocoder: Vocoder) -> None:
    features, state = random_features(), vocoder.start(*random_past())
    parts = [vocoder.synthesise(state, part) for part in np.split(features, [1, 2, 2])]
    at_once = vocoder.synthesise(vocoder.start(*random_past()), features)
    np.testing.assert_array_equal(np.concatenate(parts), at_once)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_streams_together_speak_as_each_alone(vocoder: Vocoder, count: int) -> None:
    rng = np.random.default_rng(count)
    requests = []
    for n in range(count):
        request = SpeechRequest(features=random_features(n, int(rng.integers(0, 4))))
        if n % 2:
            request.opening = random_past(n)
        else:
            request.state = vocoder.start(*random_past(n))
            vocoder.synthesise(request.state, random_features(40 + n, 1))
        requests.append(request)
    later, expected = [], []
    for request in deepcopy(requests):
        state = request.state if request.opening is None else vocoder.start(*request.opening)
        expected.append(vocoder.synthesise(state, request.features))
        later.append(vocoder.synthesise(state, random_features(50, 1)))
    for samples, alone in zip(vocoder.speak(requests), expected, strict=True):
        np.testing.assert_array_equal(samples, alone)
    for request, alone in zip(requests, later, strict=True):
        np.testing.assert_array_equal(vocoder.synthesise(request.state, random_features(50, 1)), alone)


def test_future_features_do_not_change_past_speech(vocoder: Vocoder) -> None:
    features = random_features()
    changed = features.copy()
    changed[2:] = 0
    samples, others = (vocoder.synthesise(vocoder.start(*random_past()), f) for f in (features, changed))
    now = 2 * FRAME_SAMPLES
    np.testing.assert_array_equal(samples[:now], others[:now])
    assert not np.array_equal(samples[now:], others[now:])


@pytest.mark.parametrize("size", [1e3, 1e30, np.inf, np.nan])
@pytest.mark.parametrize("sign", [-1, 1])
def test_hostile_features_give_speech_that_is_finite_and_bounded(vocoder: Vocoder, size: float, sign: int) -> None:
    state = vocoder.start(*random_past())
    with np.errstate(invalid="ignore", over="ignore"):
        samples = vocoder.synthesise(state, np.full((2, 20), sign * size, np.float32))
    # De-emphasis makes of -1 to 1 at most 1 / (1 - 0.85).
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() < 7


def test_silence_is_a_valid_past_and_arguments_stay_as_they_are(vocoder: Vocoder) -> None:
    silence = np.zeros((START_FEATURE_FRAMES, 20), np.float32), np.zeros(START_SAMPLES, np.float32)
    features = random_features()
    assert np.isfinite(vocoder.synthesise(vocoder.start(*silence), features)).all()
    assert not silence[0].any()
    assert not silence[1].any()
    np.testing.assert_array_equal(features, random_features())


def test_speech_goes_on_from_the_last_sample(vocoder: Vocoder) -> None:
    features, samples = random_past()
    # A louder end than the network is shown would be a jump; de-emphasis carries the last sample on.
    spoken = vocoder.synthesise(vocoder.start(features, samples), random_features()[:1])
    assert abs(spoken[0] - np.float32(0.85) * samples[-1]) <= 1 + 1e-6


def test_voiced_speech_is_drawn_with_less_noise() -> None:
    tensors = {name: values for name, values in TENSORS.items() if not name.startswith("lpcnet_dual_weights")}
    # Odds that fall from the middle, whatever the network is in.
    logits = -0.5 * ((np.arange(256) - 128) / 12.0) ** 2
    tensors["lpcnet_dual_weights_weights_float"] = np.zeros(512, np.float32)
    tensors["lpcnet_dual_weights_bias"] = logits.astype(np.float32)
    vocoder = CompiledLpcnet.from_tensors(tensors)
    spread = []
    for voicing in (-0.5, 0.5):
        features, past = np.zeros((40, 20), np.float32), np.zeros(START_SAMPLES, np.float32)
        features[:, VOICING] = voicing
        state = vocoder.start(features[:START_FEATURE_FRAMES], past)
        spread.append(vocoder.synthesise(state, features).std())
    assert spread[1] < 0.85 * spread[0]


def test_wrong_openings_and_missing_layers_are_refused(vocoder: Vocoder) -> None:
    request = SpeechRequest(features=random_features())
    # Past the checks of types that tests have.
    request.opening = (np.zeros((4, 20), np.float32), np.zeros(320, np.float32))
    if isinstance(vocoder, CompiledLpcnet):
        with pytest.raises(UsageError, match="320 samples"):
            vocoder.speak([request])
    tensors = {name: tensor for name, tensor in TENSORS.items() if name != "lpcnet_gru_b_input_bias"}
    with pytest.raises(ModelError, match="lpcnet_gru_b_input_bias"):
        CompiledLpcnet.from_tensors(tensors)
