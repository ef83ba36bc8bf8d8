"""What guesses rest on is taken in late, and only if a guess is asked for; then all of it, in order."""

from typing import Any

import numpy as np
import pytest

from dred.receiver.guessing import HISTORY_SAMPLES, MAX_BEHIND_FRAMES, Guesser

FRAME = 160


class LevelExtractor:
    """Tells the level of each frame, and counts frames."""

    def __init__(self) -> None:
        self.num_frames = 0

    def initial_state(self) -> None:
        return None

    def extract(self, state: Any, samples: np.ndarray) -> np.ndarray:
        self.num_frames += samples.size // FRAME
        return np.repeat(samples[::FRAME, None] / 32768, 20, axis=1).astype(np.float32)


class RecordingPredictor:
    """Remembers all that it is told, as its state, and guesses how much that was."""

    class State(list[str]):
        def copy(self) -> "RecordingPredictor.State":
            return RecordingPredictor.State(self)

    def initial_state(self) -> State:
        return self.State()

    def hear(self, state: State, burg: np.ndarray, features: np.ndarray) -> None:
        assert len(burg) == len(features)
        state += [f"heard {row[0]:g}" for row in features]

    def follow(self, state: State, features: np.ndarray) -> None:
        state += [f"known {row[0]:g}" for row in features]

    def predict(self, state: State) -> np.ndarray:
        self.last = list(state)
        state.append("guess")
        return np.full(20, -1, np.float32)


def played(*levels: float) -> np.ndarray:
    """A history that ends with frames of these levels."""
    frames = np.repeat(np.array(levels, np.float32), FRAME)
    return np.concatenate([np.zeros(HISTORY_SAMPLES, np.float32), frames])[-HISTORY_SAMPLES:]


def known(*values: float) -> np.ndarray:
    return np.repeat(np.array(values, np.float32)[:, None], 20, axis=1)


@pytest.fixture
def extractor() -> LevelExtractor:
    return LevelExtractor()


@pytest.fixture
def predictor() -> RecordingPredictor:
    return RecordingPredictor()


@pytest.fixture
def guesser(extractor: LevelExtractor, predictor: RecordingPredictor) -> Guesser:
    return Guesser(extractor, predictor)


def pass_known_gap(guesser: Guesser, history: np.ndarray, spoken: np.ndarray, *, heard: int, concealed: int) -> None:
    guesser.begin_gap(history, num_concealed_samples=concealed * FRAME, num_heard_samples=heard * FRAME)
    guesser.follow(spoken)
    guesser.end_gap(2)


def test_gaps_that_are_known_take_no_analysis(guesser: Guesser, extractor: LevelExtractor) -> None:
    for _ in range(5):
        pass_known_gap(guesser, played(0.5), known(1, 2, 3, 4), heard=4, concealed=2)
    assert extractor.num_frames == 0


def test_a_guess_rests_on_all_that_was_heard_and_spoken_in_order(
    guesser: Guesser, predictor: RecordingPredictor
) -> None:
    pass_known_gap(guesser, played(0.125, 0.25), known(1, 2, 3, 4), heard=2, concealed=0)
    # Of the four frames spoken, the last two were look-ahead: they are taken back.
    guesser.begin_gap(played(0.9, 0.9, 0.5, 0.75), num_concealed_samples=2 * FRAME, num_heard_samples=2 * FRAME)
    guesser.follow(known(5, 6))
    assert guesser.guess()[0] == -1
    assert predictor.last == [
        "heard 0.125",
        "heard 0.25",
        "known 1",
        "known 2",
        "heard 0.5",
        "heard 0.75",
        "known 5",
        "known 6",
    ]


def test_what_was_taken_in_is_not_taken_in_again(guesser: Guesser, predictor: RecordingPredictor) -> None:
    guesser.begin_gap(played(0.5), num_concealed_samples=0, num_heard_samples=FRAME)
    guesser.guess()
    guesser.follow(known(1))
    guesser.guess()
    assert predictor.last == ["heard 0.5", "guess", "known 1"]


@pytest.mark.parametrize("num_guessed", [0, 1, 2, 3, 6])
@pytest.mark.parametrize("num_unplayed", [2, 3, 4])
def test_frames_that_were_not_played_are_taken_back(
    guesser: Guesser, predictor: RecordingPredictor, num_guessed: int, num_unplayed: int
) -> None:
    guesser.begin_gap(played(0.5), num_concealed_samples=0, num_heard_samples=FRAME)
    for _ in range(num_guessed):
        guesser.guess()
    guesser.follow(known(*range(num_guessed, 6)))
    guesser.end_gap(num_unplayed)
    guesser.begin_gap(played(0), num_concealed_samples=(6 - num_unplayed) * FRAME, num_heard_samples=0)
    guesser.guess()
    gap = ["guess"] * num_guessed + [f"known {number}" for number in range(num_guessed, 6)]
    assert predictor.last == ["heard 0.5", *gap[: 6 - num_unplayed]]


def test_after_a_hole_the_first_frame_is_only_listened_to(
    guesser: Guesser, predictor: RecordingPredictor, extractor: LevelExtractor
) -> None:
    guesser.begin_gap(played(*range(1, 16)), num_concealed_samples=0, num_heard_samples=100 * FRAME)
    guesser.guess()
    assert extractor.num_frames == 15
    assert predictor.last == [f"heard {level}" for level in range(2, 16)]


def test_the_past_is_recalled_as_it_was_heard(guesser: Guesser) -> None:
    guesser.begin_gap(played(0.1, 0.2, 0.3, 0.4), num_concealed_samples=0, num_heard_samples=4 * FRAME)
    np.testing.assert_allclose(guesser.recall(), known(0.2, 0.3, 0.4))


def test_no_more_than_a_second_is_put_off(guesser: Guesser, predictor: RecordingPredictor) -> None:
    for number in range(100):
        pass_known_gap(guesser, played(0.5, 0.5), known(number, number, 0, 0), heard=2, concealed=2)
    guesser.begin_gap(played(0.5, 0.5), num_concealed_samples=2 * FRAME, num_heard_samples=2 * FRAME)
    guesser.guess()
    taken_in = len(predictor.last)
    assert MAX_BEHIND_FRAMES - 4 < taken_in <= MAX_BEHIND_FRAMES
    assert predictor.last[-4:] == ["known 99", "known 99", "heard 0.5", "heard 0.5"]
