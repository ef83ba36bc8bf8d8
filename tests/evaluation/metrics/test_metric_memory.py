"""What was found about speech is found once."""

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
