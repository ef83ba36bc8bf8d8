"""What the pitch feature means."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.features import pitch_to_period_samples


@pytest.mark.parametrize(
    ("pitch", "period_samples"),
    [
        (-1.5, 256),
        (-0.5, 128),
        (0.5, 64),
        (1.5, 32),
        (0.0, 91),  # 256 / 2^1.5 = 90.51
        (-2.5, 512),
        (2.5, 16),
        (-1000.0, 512),
        (1000.0, 16),
        (math.nan, 256),
        (math.inf, 256),
        (-math.inf, 256),
    ],
)
def test_pitch_counts_octaves_above_the_longest_period(pitch: float, period_samples: int) -> None:
    assert pitch_to_period_samples(pitch) == period_samples


@given(pitch=st.floats())
def test_any_number_gives_a_usable_period(pitch: float) -> None:
    assert 16 <= pitch_to_period_samples(pitch) <= 512


@given(low=st.floats(-3, 3), high=st.floats(-3, 3))
def test_higher_pitch_never_has_a_longer_period(low: float, high: float) -> None:
    low, high = sorted((low, high))
    assert pitch_to_period_samples(high) <= pitch_to_period_samples(low)
