"""The compiled predictor with libopus's weights, against the network that is to be read."""

from pathlib import Path

import numpy as np
import pytest

from dred.concealment import CompiledPredictor, Predictor
from dred.features import burg_features
from dred.nn import ReferenceEngine, default_engine
from dred.weights import WeightSet
from networks import build_predictor
from reference_vectors import V12_VECTORS, read_floats, read_pcm

pytestmark = pytest.mark.reference


def guesses(predictor: Predictor | CompiledPredictor, burg: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Guesses in gaps of 100 ms, after what was heard and, in one, after what redundancy told."""
    state = predictor.initial_state()
    found = []
    for first in range(0, len(features), 100):
        predictor.hear(state, burg[first : first + 60], features[first : first + 60])
        found += [predictor.predict(state) for _ in range(10)]
        predictor.follow(state, features[first + 70 : first + 100])
        found += [predictor.predict(state) for _ in range(10)]
    return np.array(found)


def test_the_compiled_stage_guesses_as_the_network_that_is_read(shared: Path, weights_v12: WeightSet) -> None:
    folder = shared / "vectors" / V12_VECTORS[0]
    features = read_floats(folder / "enc_features.f32", 20)[:400]
    burg = np.array([burg_features(frame) for frame in read_pcm(folder / "input.sw")[: 160 * 400].reshape(-1, 160)])
    coarse, fine = (
        guesses(CompiledPredictor.from_tensors(weights_v12.tensors, activation_bytes=num_bytes), burg, features)
        for num_bytes in (1, 2)
    )
    same_layers = guesses(Predictor.from_tensors(weights_v12.tensors, default_engine()), burg, features)
    np.testing.assert_array_equal(coarse, same_layers)
    exact = guesses(Predictor.from_tensors(weights_v12.tensors, ReferenceEngine()), burg, features)
    # Rounded activations, against exact ones: 0.7 to 3.7 % of each feature's spread.
    errors = [np.sqrt(np.mean((found - exact) ** 2, axis=0)) / exact.std(axis=0) for found in (coarse, fine)]
    assert errors[0].max() < 0.06, errors
    assert errors[1].max() < 6e-4, errors


def test_all_instructions_give_the_same_bits(
    rng: np.random.Generator, weights_v12: WeightSet, instructions: str
) -> None:
    burg, features = (rng.standard_normal((100, width)).astype(np.float32) for width in (36, 20))
    chosen, portable = (
        guesses(build_predictor(weights_v12.tensors, default_engine(), name), burg, features)
        for name in (instructions, "portable")
    )
    np.testing.assert_array_equal(chosen, portable)
