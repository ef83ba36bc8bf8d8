"""Laws of FARGAN that hold whatever the weights."""

import numpy as np
import pytest

from dred.errors import ModelError
from dred.features import PITCH, pitch_to_period_samples
from dred.nn import Engine, ReferenceEngine
from dred.vocoder import FRAME_SAMPLES, START_FEATURE_FRAMES, START_SAMPLES, Fargan, FarganState
from tiny_networks import fargan_tensors

TENSORS = fargan_tensors(np.random.default_rng(11))
NUM_FRAMES = 6


def build(engine: Engine) -> Fargan:
    return Fargan.from_tensors(TENSORS, engine)


def random_features(seed: int = 12) -> np.ndarray:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((NUM_FRAMES, 20)).astype(np.float32)
    features[:, PITCH] = rng.uniform(-1.5, 1.5, NUM_FRAMES)
    return features


def random_past(seed: int = 13) -> tuple[np.ndarray, np.ndarray]:
    """Features and samples to start from."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((START_FEATURE_FRAMES, 20)).astype(np.float32)
    return features, rng.uniform(-0.5, 0.5, START_SAMPLES).astype(np.float32)


def speak(vocoder: Fargan, state: FarganState, features: np.ndarray) -> np.ndarray:
    return np.array([vocoder.synthesise(state, frame) for frame in features])


def test_each_frame_of_features_is_10_ms(engine: Engine) -> None:
    vocoder = build(engine)
    samples = speak(vocoder, vocoder.start(*random_past()), random_features())
    assert samples.shape == (NUM_FRAMES, FRAME_SAMPLES)
    assert samples.dtype == np.float32


def test_the_same_past_and_features_give_the_same_speech(engine: Engine) -> None:
    vocoder = build(engine)
    first, second = (speak(vocoder, vocoder.start(*random_past()), random_features()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_two_streams_do_not_mix(engine: Engine) -> None:
    vocoder = build(engine)
    pasts, features = [random_past(1), random_past(2)], [random_features(3), random_features(4)]
    states = [vocoder.start(*past) for past in pasts]
    together = np.array([[vocoder.synthesise(s, f[n]) for s, f in zip(states, features)] for n in range(NUM_FRAMES)])
    for number in (0, 1):
        alone = speak(vocoder, vocoder.start(*pasts[number]), features[number])
        np.testing.assert_array_equal(together[:, number], alone)


def test_future_features_do_not_change_past_speech(engine: Engine) -> None:
    vocoder, features = build(engine), random_features()
    changed = features.copy()
    changed[3:] = 0
    samples, others = (speak(vocoder, vocoder.start(*random_past()), f) for f in (features, changed))
    np.testing.assert_array_equal(samples[:3], others[:3])
    assert not np.array_equal(samples[3:], others[3:])


def test_a_frame_is_spoken_with_the_period_of_the_frame_before(engine: Engine) -> None:
    vocoder, features = build(engine), random_features()
    features[:2, PITCH] = [-0.5, 0.5]
    past_features, past = random_past()
    past_features[:, PITCH] = [0.1, 0.2, 0.3, 1.0, 1.1]
    state = vocoder.start(past_features, past)
    periods = []
    for frame in features[:3]:
        periods.append(state.period_samples)
        vocoder.synthesise(state, frame)
    # The first has the period of the start's fourth frame: its fifth is not a frame before but one ahead.
    assert periods == [pitch_to_period_samples(1.0), 128, 64]


def test_speech_goes_on_from_the_last_sample(engine: Engine) -> None:
    # De-emphasis carries the last sample on: without it the same speech differs by a decay of 0.85.
    vocoder = build(engine)
    past_features, past = random_past()
    state, other = (vocoder.start(past_features, past) for _ in range(2))
    other.last_sample = np.float32(state.last_sample + 1)
    difference = vocoder.synthesise(other, random_features()[0]) - vocoder.synthesise(state, random_features()[0])
    np.testing.assert_allclose(difference, 0.85 ** np.arange(1, 161), atol=1e-5)


def test_engines_agree(engine: Engine) -> None:
    spoken = []
    for vocoder in (build(engine), build(ReferenceEngine())):
        spoken.append(speak(vocoder, vocoder.start(*random_past()), random_features()))
    # The kernels' tanh is off by up to 7e-6; the gain of these weights and the feedback make it more.
    np.testing.assert_allclose(*spoken, rtol=0, atol=1e-3)


@pytest.mark.parametrize("size", [1e3, 1e6, 1e30])
@pytest.mark.parametrize("sign", [-1, 1])
def test_huge_features_give_finite_speech_that_ends_with_them(engine: Engine, size: float, sign: int) -> None:
    vocoder, features = build(engine), random_features()
    hostile = np.full((3, 20), sign * size, np.float32)
    state = vocoder.start(*random_past())
    assert np.isfinite(speak(vocoder, state, hostile)).all()
    # Whatever was spoken: the past that the network sees is clipped and de-emphasis forgets.
    after = speak(vocoder, state, np.tile(features, (3, 1)))
    assert np.isfinite(after).all()
    assert np.abs(after[-1]).max() < 100


@pytest.mark.parametrize("pitch", [-1e9, -40, -2.6, 2.6, 40, 1e9, np.inf, -np.inf, np.nan])
def test_a_pitch_out_of_range_is_held_where_periods_end(engine: Engine, pitch: float) -> None:
    vocoder = build(engine)
    past_features, past = random_past()
    past_features[:, PITCH] = pitch if np.isfinite(pitch) else 0
    state = vocoder.start(past_features, past)
    if np.isfinite(pitch):
        assert np.isfinite(speak(vocoder, state, past_features)).all()
    frame = random_features()[0]
    frame[PITCH] = pitch
    vocoder.synthesise(state, frame)
    assert 16 <= state.period_samples <= 512


def test_silence_is_a_valid_past(engine: Engine) -> None:
    vocoder = build(engine)
    state = vocoder.start(np.zeros((START_FEATURE_FRAMES, 20), np.float32), np.zeros(START_SAMPLES, np.float32))
    assert np.isfinite(speak(vocoder, state, random_features())).all()


def test_a_missing_layer_is_named() -> None:
    tensors = {name: tensor for name, tensor in TENSORS.items() if name != "sig_net_skip_dense_bias"}
    with pytest.raises(ModelError, match="sig_net_skip_dense_bias"):
        Fargan.from_tensors(tensors, ReferenceEngine())
