"""Laws of the predictor that hold whatever the weights."""

from collections.abc import Callable

import numpy as np
import pytest

from dred.concealment import Predictor, PredictorState
from dred.errors import ModelError
from dred.nn import Engine, ReferenceEngine
from tiny_networks import predictor_tensors

TENSORS = predictor_tensors(np.random.default_rng(14))
RNG = np.random.default_rng(15)
BURG = RNG.standard_normal(36).astype(np.float32)
FEATURES = RNG.standard_normal(20).astype(np.float32)

STEPS: dict[str, Callable[[Predictor, PredictorState], object]] = {
    "hear": lambda predictor, state: predictor.hear(state, BURG, FEATURES),
    "follow": lambda predictor, state: predictor.follow(state, FEATURES),
    "predict": lambda predictor, state: predictor.predict(state),
}


def build(engine: Engine) -> Predictor:
    return Predictor.from_tensors(TENSORS, engine)


def test_a_guess_is_a_frame_of_features(engine: Engine) -> None:
    predictor = build(engine)
    guess = predictor.predict(predictor.initial_state())
    assert (guess.shape, guess.dtype) == ((20,), np.float32)


@pytest.mark.parametrize("step", STEPS)
def test_what_was_taken_in_changes_the_next_guess(engine: Engine, step: str) -> None:
    predictor = build(engine)
    fresh, used = predictor.initial_state(), predictor.initial_state()
    STEPS[step](predictor, used)
    assert np.abs(predictor.predict(used) - predictor.predict(fresh)).max() > 1e-3


def test_the_predictor_is_told_where_features_come_from(engine: Engine) -> None:
    # With Burg features of zero, what was heard and what redundancy says differ by the flag alone.
    predictor = build(engine)
    heard, followed = predictor.initial_state(), predictor.initial_state()
    predictor.hear(heard, np.zeros(36, np.float32), FEATURES)
    predictor.follow(followed, FEATURES)
    assert np.abs(predictor.predict(heard) - predictor.predict(followed)).max() > 1e-3


def test_one_can_come_back_to_a_copy(engine: Engine) -> None:
    predictor, state = build(engine), build(engine).initial_state()
    predictor.hear(state, BURG, FEATURES)
    kept = state.copy()
    guesses = [predictor.predict(state) for _ in range(3)]
    np.testing.assert_array_equal([predictor.predict(kept) for _ in range(3)], guesses)


def test_engines_agree(engine: Engine) -> None:
    predictors = [build(engine), build(ReferenceEngine())]
    states = [predictor.initial_state() for predictor in predictors]
    for step in [*STEPS, "predict", "hear", "predict"]:
        for predictor, state in zip(predictors, states):
            STEPS[step](predictor, state)
    # The kernels' tanh is off by up to 7e-6 in each of two recurrent layers.
    np.testing.assert_allclose(
        *(predictor.predict(state) for predictor, state in zip(predictors, states)), rtol=0, atol=1e-4
    )


def test_guesses_without_end_stay_finite(engine: Engine) -> None:
    predictor, state = build(engine), build(engine).initial_state()
    guesses = np.array([predictor.predict(state) for _ in range(500)])
    assert np.abs(guesses).max() < 100


def test_a_missing_layer_is_named() -> None:
    tensors = {name: tensor for name, tensor in TENSORS.items() if name != "plc_gru2_input_bias"}
    with pytest.raises(ModelError, match="plc_gru2_input_bias"):
        Predictor.from_tensors(tensors, ReferenceEngine())
