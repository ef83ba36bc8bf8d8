"""Laws of the predictor that hold whatever the weights, for the network that is to be read and for the stage."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dred.concealment import CompiledPredictor, Predictor
from dred.errors import ModelError
from dred.nn import ReferenceEngine, default_engine
from networks import FORMS, build_predictor, in_form
from rounding_engine import RoundingEngine
from tiny_networks import predictor_tensors, with_int8_weights

TENSORS = predictor_tensors(np.random.default_rng(14))
RNG = np.random.default_rng(15)
BURG = RNG.standard_normal((7, 36)).astype(np.float32)
FEATURES = RNG.standard_normal((7, 20)).astype(np.float32)

AnyPredictor = Predictor | CompiledPredictor

STEPS: dict[str, Callable[[AnyPredictor, Any], object]] = {
    "hear": lambda predictor, state: predictor.hear(state, BURG[:1], FEATURES[:1]),
    "follow": lambda predictor, state: predictor.follow(state, FEATURES[:1]),
    "predict": lambda predictor, state: predictor.predict(state),
}


@pytest.fixture(scope="module", params=FORMS)
def predictor(request: pytest.FixtureRequest) -> AnyPredictor:
    return build_predictor(*in_form(request.param, TENSORS))


def guesses_after_all(predictor: AnyPredictor) -> np.ndarray:
    """Guesses after some frames of each kind."""
    state = predictor.initial_state()
    guesses = []
    for step in [*STEPS, "predict", "hear", "predict"]:
        STEPS[step](predictor, state)
        guesses.append(predictor.predict(state))
    return np.array(guesses)


def test_a_guess_is_a_frame_of_features(predictor: AnyPredictor) -> None:
    guess = predictor.predict(predictor.initial_state())
    assert (guess.shape, guess.dtype) == ((20,), np.float32)


@pytest.mark.parametrize("step", STEPS)
def test_what_was_taken_in_changes_the_next_guess(predictor: AnyPredictor, step: str) -> None:
    fresh, used = predictor.initial_state(), predictor.initial_state()
    STEPS[step](predictor, used)
    assert np.abs(predictor.predict(used) - predictor.predict(fresh)).max() > 1e-3


def test_frames_at_once_are_frames_one_by_one(predictor: AnyPredictor) -> None:
    at_once, one_by_one = predictor.initial_state(), predictor.initial_state()
    predictor.hear(at_once, BURG, FEATURES)
    predictor.follow(at_once, -FEATURES)
    for n in range(len(FEATURES)):
        predictor.hear(one_by_one, BURG[n : n + 1], FEATURES[n : n + 1])
    for n in range(len(FEATURES)):
        predictor.follow(one_by_one, -FEATURES[n : n + 1])
    np.testing.assert_array_equal(predictor.predict(at_once), predictor.predict(one_by_one))


def test_no_frames_change_nothing(predictor: AnyPredictor) -> None:
    state = predictor.initial_state()
    predictor.hear(state, BURG[:0], FEATURES[:0])
    predictor.follow(state, FEATURES[:0])
    np.testing.assert_array_equal(predictor.predict(state), predictor.predict(predictor.initial_state()))


def test_any_view_of_features_will_do(predictor: AnyPredictor) -> None:
    state, other = predictor.initial_state(), predictor.initial_state()
    predictor.hear(state, BURG, FEATURES)
    predictor.hear(other, BURG.repeat(2, axis=1)[:, ::2], FEATURES[::-1].copy()[::-1])
    predictor.follow(state, FEATURES)
    predictor.follow(other, np.asfortranarray(FEATURES))
    np.testing.assert_array_equal(predictor.predict(other), predictor.predict(state))


def test_the_predictor_is_told_where_features_come_from(predictor: AnyPredictor) -> None:
    # With Burg features of zero, what was heard and what redundancy says differ by the flag alone.
    heard, followed = predictor.initial_state(), predictor.initial_state()
    predictor.hear(heard, np.zeros_like(BURG), FEATURES)
    predictor.follow(followed, FEATURES)
    assert np.abs(predictor.predict(heard) - predictor.predict(followed)).max() > 1e-3


def test_one_can_come_back_to_a_copy(predictor: AnyPredictor) -> None:
    state = predictor.initial_state()
    predictor.hear(state, BURG, FEATURES)
    kept = state.copy()
    guesses = [predictor.predict(state) for _ in range(3)]
    np.testing.assert_array_equal([predictor.predict(kept) for _ in range(3)], guesses)


def test_guesses_without_end_stay_finite(predictor: AnyPredictor) -> None:
    state = predictor.initial_state()
    guesses = np.array([predictor.predict(state) for _ in range(500)])
    assert np.abs(guesses).max() < 100


@pytest.mark.parametrize("tensors", [TENSORS, with_int8_weights(TENSORS)], ids=["float weights", "int8 weights"])
def test_the_stage_computes_what_the_network_says(tensors: dict[str, np.ndarray], instructions: str) -> None:
    # With int8 weights, the network with rounded activations. A tanh is off by up to 1.7e-6, in each of two recurrent
    # layers; nothing here lies so near the middle of two steps that this would make another step of it.
    compiled = build_predictor(tensors, default_engine(), instructions, activation_bytes=1)
    expected = guesses_after_all(build_predictor(tensors, RoundingEngine()))
    np.testing.assert_allclose(guesses_after_all(compiled), expected, rtol=0, atol=1e-5)


def test_all_instructions_give_the_same_bits(instructions: str) -> None:
    tensors = with_int8_weights(TENSORS)
    chosen, portable = (build_predictor(tensors, default_engine(), name) for name in (instructions, "portable"))
    np.testing.assert_array_equal(guesses_after_all(chosen), guesses_after_all(portable))


def test_a_missing_layer_is_named() -> None:
    tensors = {name: tensor for name, tensor in TENSORS.items() if name != "plc_gru2_input_bias"}
    with pytest.raises(ModelError, match="plc_gru2_input_bias"):
        Predictor.from_tensors(tensors, ReferenceEngine())
    with pytest.raises(ModelError, match="plc_gru2_input_bias"):
        CompiledPredictor.from_tensors(tensors)
