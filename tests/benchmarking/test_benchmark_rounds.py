"""Works take turns, only running is timed, and shares are formed within a round."""

from collections.abc import Callable
from typing import Any

import pytest

from dred.benchmarking import rounds
from dred.benchmarking.rounds import Timings, Work, time_rounds


class Clock:
    """A clock that goes on only when something says that it takes time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.log: list[str] = []

    def process_time(self) -> float:
        return self.seconds

    def work(self, name: str, *takes: float, amount: float = 1.0) -> Work:
        """Return a work whose runs take these times, one after the other; preparing it takes an hour."""
        left = list(takes)

        def run() -> None:
            self.log.append(name)
            self.seconds += left.pop(0)

        def prepare() -> Callable[[], object]:
            self.seconds += 3600
            return run

        return Work(prepare=prepare, amount=amount)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rounds, "time", clock)
    return clock


def test_works_take_turns(clock: Clock) -> None:
    time_rounds({"a": clock.work("a", 1, 1, 1), "b": clock.work("b", 1, 1, 1)}, num_rounds=2)
    assert clock.log == ["a", "b"] * 3


def test_the_first_turn_and_preparing_do_not_count(clock: Clock) -> None:
    timings = time_rounds({"a": clock.work("a", 100, 2, 4, 3)}, num_rounds=3)
    assert timings.seconds == {"a": [2, 4, 3]}
    assert timings.cost("a") == 3


def test_a_cost_is_that_of_one_unit_of_work(clock: Clock) -> None:
    timings = time_rounds({"a": clock.work("a", 1, 10, amount=5)}, num_rounds=1)
    assert timings.cost("a") == 2


def test_a_machine_that_slows_down_does_not_change_shares() -> None:
    # The median share of each round; the share of medians would be 4/5.
    timings = Timings(seconds={"part": [1, 2, 20], "whole": [2, 4, 40], "other": [5, 5, 5]})
    assert timings.ratio("part", "whole") == 0.5
    assert Timings(seconds={"part": [1, 4, 8], "whole": [2, 5, 16]}).ratio("part", "whole") == 0.5


def test_a_difference_is_formed_round_by_round() -> None:
    timings = Timings(seconds={"with": [5, 9, 7], "without": [1, 2, 6]}).with_difference("extra", "with", "without")
    assert timings.seconds["extra"] == [4, 7, 1]
    assert timings.cost("extra") == 4
    assert "extra" in timings


def test_progress_rises_to_one(clock: Clock) -> None:
    shares: list[Any] = []
    works = {"a": clock.work("a", 1, 1, 1), "b": clock.work("b", 1, 1, 1)}
    time_rounds(works, num_rounds=2, report=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
