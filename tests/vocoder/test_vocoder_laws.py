"""Laws of FARGAN that hold whatever the weights, for the network that is to be read and for the compiled stage."""

import numpy as np
import pytest

from dred.errors import ModelError
from dred.features import PITCH, pitch_to_period_samples
from dred.nn import ReferenceEngine
from dred.vocoder import FRAME_SAMPLES, START_FEATURE_FRAMES, START_SAMPLES, CompiledFargan, Fargan
from networks import FORMS, add_to_last_sample, build_vocoder, in_form, period_of
from tiny_networks import fargan_tensors

TENSORS = fargan_tensors(np.random.default_rng(11))
NUM_FRAMES = 6

Vocoder = Fargan | CompiledFargan


@pytest.fixture(scope="module", params=FORMS)
def vocoder(request: pytest.FixtureRequest) -> Vocoder:
    return build_vocoder(*in_form(request.param, TENSORS))


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


def test_each_frame_of_features_is_10_ms(vocoder: Vocoder) -> None:
    samples = vocoder.synthesise(vocoder.start(*random_past()), random_features())
    assert samples.shape == (NUM_FRAMES * FRAME_SAMPLES,)
    assert samples.dtype == np.float32
    assert vocoder.synthesise(vocoder.start(*random_past()), random_features()[:0]).shape == (0,)


def test_the_same_past_and_features_give_the_same_speech(vocoder: Vocoder) -> None:
    first, second = (vocoder.synthesise(vocoder.start(*random_past()), random_features()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_speaking_frame_by_frame_is_speaking_at_once(vocoder: Vocoder) -> None:
    features, state = random_features(), vocoder.start(*random_past())
    parts = [vocoder.synthesise(state, part) for part in np.split(features, [1, 2, 2, 4])]
    at_once = vocoder.synthesise(vocoder.start(*random_past()), features)
    np.testing.assert_array_equal(np.concatenate(parts), at_once)


def test_two_streams_do_not_mix(vocoder: Vocoder) -> None:
    pasts, features = [random_past(1), random_past(2)], [random_features(3), random_features(4)]
    states = [vocoder.start(*past) for past in pasts]
    together = [[vocoder.synthesise(s, f[n : n + 1]) for s, f in zip(states, features)] for n in range(NUM_FRAMES)]
    for number in (0, 1):
        alone = vocoder.synthesise(vocoder.start(*pasts[number]), features[number])
        np.testing.assert_array_equal(np.concatenate([frames[number] for frames in together]), alone)


def test_future_features_do_not_change_past_speech(vocoder: Vocoder) -> None:
    features = random_features()
    changed = features.copy()
    changed[3:] = 0
    samples, others = (vocoder.synthesise(vocoder.start(*random_past()), f) for f in (features, changed))
    now = 3 * FRAME_SAMPLES
    np.testing.assert_array_equal(samples[:now], others[:now])
    assert not np.array_equal(samples[now:], others[now:])


def test_a_frame_is_spoken_with_the_period_of_the_frame_before(vocoder: Vocoder) -> None:
    features = random_features()
    features[:2, PITCH] = [-0.5, 0.5]
    past_features, past = random_past()
    past_features[:, PITCH] = [0.1, 0.2, 0.3, 1.0, 1.1]
    state = vocoder.start(past_features, past)
    periods = []
    for number in range(3):
        periods.append(period_of(state))
        vocoder.synthesise(state, features[number : number + 1])
    # The first has the period of the start's fourth frame: its fifth is not a frame before but one ahead.
    assert periods == [pitch_to_period_samples(1.0), 128, 64]


def test_speech_goes_on_from_the_last_sample(vocoder: Vocoder) -> None:
    # De-emphasis carries the last sample on: without it the same speech differs by a decay of 0.85.
    state, other = (vocoder.start(*random_past()) for _ in range(2))
    add_to_last_sample(other, 1)
    frame = random_features()[:1]
    difference = vocoder.synthesise(other, frame) - vocoder.synthesise(state, frame)
    np.testing.assert_allclose(difference, 0.85 ** np.arange(1, 161), atol=1e-5)


def test_a_start_leaves_its_arguments_as_they_are(vocoder: Vocoder) -> None:
    past, features = random_past(), random_features()
    vocoder.synthesise(vocoder.start(*past), features)
    for used, fresh in zip((*past, features), (*random_past(), random_features())):
        np.testing.assert_array_equal(used, fresh)


def test_any_view_of_features_and_samples_will_do(vocoder: Vocoder) -> None:
    (past_features, past), features = random_past(), random_features()
    expected = vocoder.synthesise(vocoder.start(past_features, past), features)
    state = vocoder.start(np.asfortranarray(past_features), past.repeat(2)[::2])
    np.testing.assert_array_equal(vocoder.synthesise(state, features[::-1].copy()[::-1]), expected)
    state = vocoder.start(past_features[::-1].copy()[::-1], past)
    np.testing.assert_array_equal(vocoder.synthesise(state, np.asfortranarray(features)), expected)


@pytest.mark.parametrize("size", [1e3, 1e6, 1e30])
@pytest.mark.parametrize("sign", [-1, 1])
def test_huge_features_give_finite_speech_that_ends_with_them(vocoder: Vocoder, size: float, sign: int) -> None:
    hostile = np.full((3, 20), sign * size, np.float32)
    state = vocoder.start(*random_past())
    assert np.isfinite(vocoder.synthesise(state, hostile)).all()
    # Whatever was spoken: the past that the network sees is clipped and de-emphasis forgets.
    after = vocoder.synthesise(state, np.tile(random_features(), (3, 1)))
    assert np.isfinite(after).all()
    assert np.abs(after[-FRAME_SAMPLES:]).max() < 100


@pytest.mark.parametrize("pitch", [-1e9, -40, -2.6, 2.6, 40, 1e9, np.inf, -np.inf, np.nan])
def test_a_pitch_out_of_range_is_held_where_periods_end(vocoder: Vocoder, pitch: float) -> None:
    past_features, past = random_past()
    past_features[:, PITCH] = pitch if np.isfinite(pitch) else 0
    state = vocoder.start(past_features, past)
    if np.isfinite(pitch):
        assert np.isfinite(vocoder.synthesise(state, past_features)).all()
    frame = random_features()[:1]
    frame[:, PITCH] = pitch
    vocoder.synthesise(state, frame)
    assert period_of(state) == pitch_to_period_samples(pitch)
    assert 16 <= period_of(state) <= 512


def test_silence_is_a_valid_past(vocoder: Vocoder) -> None:
    state = vocoder.start(np.zeros((START_FEATURE_FRAMES, 20), np.float32), np.zeros(START_SAMPLES, np.float32))
    assert np.isfinite(vocoder.synthesise(state, random_features())).all()


def test_a_missing_layer_is_named() -> None:
    tensors = {name: tensor for name, tensor in TENSORS.items() if name != "sig_net_skip_dense_bias"}
    with pytest.raises(ModelError, match="sig_net_skip_dense_bias"):
        Fargan.from_tensors(tensors, ReferenceEngine())
    with pytest.raises(ModelError, match="sig_net_skip_dense_bias"):
        CompiledFargan.from_tensors(tensors)
