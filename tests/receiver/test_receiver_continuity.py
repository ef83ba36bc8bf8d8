"""Which packets go on with a stream, what their numbers stand for, and when another stream begins."""

import numpy as np
import pytest
from hypothesis import given, strategies

from dred.receiver.continuity import Continuity, Numbers
from dred.receiver.pace import LeastDelay, choose_change
from dred.receiver.time_scaling import Care


def test_numbers_are_unwrapped_near_where_playing_stands() -> None:
    continuity = Continuity()
    assert continuity.place(65_535, 2**32 - 960, None, 0) == Numbers(65_535, 2**32 - 960)
    assert continuity.place(0, 0, None, 20) == Numbers(65_536, 2**32)
    assert continuity.place(65_534, 2**32 - 1_920, 2**32, 20) == Numbers(65_534, 2**32 - 1_920)


@given(
    position=strategies.integers(-(2**40), 2**40),
    ahead=strategies.integers(-480_000, 96_000),
    sequence=strategies.integers(0, 2**16 - 1),
)
def test_every_time_near_is_found_whatever_came_before(position: int, ahead: int, sequence: int) -> None:
    continuity = Continuity()
    continuity.place(5, 7, None, 0)
    numbers = continuity.place(sequence, (position + ahead) % 2**32, position, 1)
    assert numbers is not None
    assert numbers.timestamp == position + ahead
    assert numbers.sequence % 2**16 == sequence
    assert not numbers.is_anew


@pytest.mark.parametrize("ahead", [96_001, -480_001, 2**31 - 1, -(2**31)])
def test_a_time_far_off_is_of_another_stream(ahead: int) -> None:
    continuity = Continuity()
    continuity.place(5, 1_000, None, 0)
    assert continuity.place(6, (1_000 + ahead) % 2**32, 1_000, 20) is None


def test_another_stream_begins_when_three_packets_go_on_and_the_old_one_is_silent() -> None:
    continuity = Continuity()
    continuity.place(5, 0, None, 0)
    there = 2**31
    found = [continuity.place(100 + step, there + 960 * step, 0, 20.0 * step) for step in range(6)]
    assert found[:5] == [None] * 5
    assert found[5] == Numbers(105, there + 4_800 - 2**32, is_anew=True)


def test_no_other_stream_begins_while_the_old_one_goes_on() -> None:
    continuity = Continuity()
    for step in range(100):
        assert continuity.place(step, 960 * step, 960 * step, 20.0 * step) is not None
        for other in range(10):
            numbers = continuity.place(10 * step + other, 2**31 + 960 * (10 * step + other), 960 * step, 20.0 * step)
            assert numbers is None


def test_a_stream_is_found_among_ten_times_as_many_packets_without_order(rng: np.random.Generator) -> None:
    continuity = Continuity()
    continuity.place(5, 2**31, None, 0)
    begun = None
    for step in range(20):
        numbers = continuity.place(step, 960 * step, None, 200 + 20.0 * step)
        if numbers is not None:
            begun = step
            break
        for _ in range(10):
            continuity.place(int(rng.integers(2**16)), int(rng.integers(2**32)), None, 200 + 20.0 * step)
    assert begun is not None
    assert begun <= 5


def test_the_least_delay_of_the_last_two_seconds_counts() -> None:
    least = LeastDelay()
    assert least.value_ms is None
    for now, delay_ms, expected_ms in ((0, 50, 50), (500, 20, 20), (900, 70, 20), (1_500, 60, 20), (2_100, 65, 60)):
        least.measure(delay_ms, now)
        assert least.value_ms == expected_ms
    least.shift(-10)
    assert least.value_ms == 50
    least.measure(90, 10_000)
    assert least.value_ms == 90
    least.forget()
    assert least.value_ms is None


@pytest.mark.parametrize(
    ("least_ms", "care", "often_ms"),
    [
        (97, Care.GENTLE, 40),
        (98, None, 0),
        (110, None, 0),
        (111, Care.GENTLE, 40),
        (161, Care.FIRM, 20),
        (39, Care.FIRM, 20),
        (301, Care.FORCED, 20),
        (-200, Care.FIRM, 20),
    ],
)
def test_the_further_from_the_target_the_bolder_the_change(least_ms: float, care: Care | None, often_ms: float) -> None:
    change = choose_change(least_ms, 100.0, since_last_ms=1_000.0)
    assert (change and change.care) == care
    if change is not None:
        assert change.excess_ms == least_ms - 100
        assert choose_change(least_ms, 100.0, since_last_ms=often_ms - 1) is None
        assert choose_change(least_ms, 100.0, since_last_ms=often_ms) == change


def test_nothing_is_changed_before_anything_is_measured() -> None:
    assert choose_change(None, 100.0, since_last_ms=1_000.0) is None
