"""How guessed speech dies away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.concealment import fade

FEATURES = np.linspace(-1, 1, 20, dtype=np.float32)


# Source: libopus 1.6.1 dnn/lpcnet_plc.c: its table of attenuations, and the slope behind it.
@pytest.mark.parametrize(
    ("num_predicted", "step"),
    [
        *enumerate([0, 0, -0.2, -0.2, -0.4, -0.4, -0.8, -0.8, -1.6, -1.6]),
        (10, -3.6),
        (11, -5.6),
        (15, -13.6),
    ],
)
def test_the_level_falls_by_the_step_of_each_guess(num_predicted: int, step: float) -> None:
    faded = fade(FEATURES, num_predicted)
    assert faded[0] == pytest.approx(FEATURES[0] + step, abs=1e-6)
    np.testing.assert_array_equal(faded[1:], FEATURES[1:])


@pytest.mark.parametrize("num_predicted", [16, 17, 1000, 10**9])
def test_the_level_ends_at_its_floor(num_predicted: int) -> None:
    assert fade(FEATURES, num_predicted)[0] == -15


@given(num_predicted=st.integers(0, 10_000), level=st.floats(-15, 15, width=32))
def test_fading_never_raises_the_level_nor_changes_its_input(num_predicted: int, level: float) -> None:
    features = FEATURES.copy()
    features[0] = level
    faded = fade(features, num_predicted)
    assert -15 <= faded[0] <= level
    assert fade(features, num_predicted + 1)[0] <= faded[0]
    assert features[0] == np.float32(level)
