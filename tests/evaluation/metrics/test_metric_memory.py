"""What was found about speech is found once."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dred.evaluation.metrics.memory import remember


def test_equal_samples_are_analysed_once_and_others_again() -> None:
    asked = []

    @remember
    def total(samples: np.ndarray) -> float:
        asked.append(len(samples))
        return float(samples.sum())

    one, two = np.ones(3, np.float32), np.ones(4, np.float32)
    assert [total(one), total(two), total(one.copy()), total(two[::1])] == [3, 4, 3, 4]
    assert asked == [3, 4]


def test_what_was_not_asked_for_long_is_forgotten() -> None:
    asked = []

    @remember
    def first(samples: np.ndarray) -> float:
        asked.append(float(samples[0]))
        return asked[-1]

    speech = np.arange(300, dtype=np.float32)[:, None]
    for samples in speech:
        first(samples)
        first(speech[0])
    assert asked == list(range(300))
    first(speech[299])
    first(speech[1])
    assert asked[300:] == [1]


def test_samples_that_do_not_lie_side_by_side_are_read_in_order() -> None:
    @remember
    def start(samples: np.ndarray) -> float:
        return float(samples[0])

    both = np.array([[1, 2], [3, 4]], np.float32)
    assert [start(both[:, 0]), start(both[:, 1]), start(both[0])] == [1, 2, 1]


def test_threads_may_ask_at_once() -> None:
    @remember
    def first(samples: np.ndarray) -> float:
        return float(samples[0])

    speech = [np.full(3, number, np.float32) for number in range(400)]

    def ask(seed: int) -> bool:
        numbers = np.random.default_rng(seed).permutation(400).tolist() * 10
        return all(first(speech[number]) == number for number in numbers)

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as executor:
            assert all(executor.map(ask, range(8)))
    finally:
        sys.setswitchinterval(interval_s)
