"""Guesses at one stream's features, and what they rest on: the past, taken in only when somebody needs a guess.

    played audio -> features, Burg features -> predictor     (heard)
    redundancy -------------------------------> predictor     (spoken from what was known)
    nothing ----------------------------------> predictor -> features   (guessed)

Most gaps are covered and need no guess. So what is played is only kept, and taken in when a guess is asked for.

Source: facts from libopus 1.6.1 dnn/lpcnet_plc.c.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.features import NUM_FEATURES, burg_feature_frames
from dred.receiver.parts import Extractor, FeaturePredictor
from dred.timebase import FEATURE_FRAME_SAMPLES

HISTORY_SAMPLES = 15 * FEATURE_FRAME_SAMPLES
LOOKAHEAD_FRAMES = 2
PAST_FRAMES = 3
MAX_BEHIND_FRAMES = 100
"""How much is kept to be taken in, 10 ms each: a guess is as good as if nothing was ever left out."""

_INT16_SCALE = np.float32(32768)
_MAX_TAKEN_BACK = LOOKAHEAD_FRAMES + 2

Features = Float32[np.ndarray, " 20"]


@dataclass(slots=True, kw_only=True, eq=False)
class _Stretch:
    """What was played from the start of one gap to the start of the next, and not taken in.

    Attributes:
        spoken: The features that the gap was filled with.
        samples: What was played last, 16 kHz, -1 to 1, in whole frames.
        num_heard_frames: How much of it was received.
        has_hole: Whether something is missing before the samples: their first frame only fills the filters' memories.
    """

    spoken: list[Features]
    samples: Float32[np.ndarray, " samples"]
    num_heard_frames: int
    has_hole: bool

    @property
    def num_frames(self) -> int:
        """How much it holds; the samples hold what was spoken as well, as far back as they reach."""
        return max(1, len(self.spoken) + self.num_heard_frames, self.samples.size // FEATURE_FRAME_SAMPLES)


class Guesser:
    """The predictor of one stream, with all that it has taken in and all that it has not yet."""

    def __init__(self, extractor: Extractor, predictor: FeaturePredictor) -> None:
        """Start with a stream of which nothing is known."""
        self._extractor = extractor
        self._predictor = predictor
        self._extractor_state = extractor.initial_state()
        self._state = predictor.initial_state()
        self._recent = deque([np.zeros(NUM_FEATURES, np.float32)] * PAST_FRAMES, maxlen=PAST_FRAMES)
        self._stretches: deque[_Stretch] = deque()
        self._num_behind_frames = 0
        # Of this gap: the frames that were not taken in, and the states before each of the last that were.
        self._spoken: list[Features] = []
        self._checkpoints: deque[Any] = deque(maxlen=_MAX_TAKEN_BACK)

    def begin_gap(
        self, history: Float32[np.ndarray, " samples"], *, num_concealed_samples: int, num_heard_samples: int
    ) -> None:
        """Keep what was played since the last gap began.

        Args:
            history: The last 150 ms that were played, 16 kHz, -1 to 1.
            num_concealed_samples: How much of it the last gap filled, by now far enough back to be ahead of what was
                heard; more than the history holds is fine.
            num_heard_samples: How much was received since that gap.
        """
        num_new = num_concealed_samples + num_heard_samples
        num_frames = min(num_new, history.size) // FEATURE_FRAME_SAMPLES
        stretch = _Stretch(
            spoken=self._spoken,
            samples=history[history.size - num_frames * FEATURE_FRAME_SAMPLES :].copy(),
            num_heard_frames=min(num_heard_samples // FEATURE_FRAME_SAMPLES, num_frames),
            has_hole=num_new > history.size or bool(num_new % FEATURE_FRAME_SAMPLES),
        )
        self._spoken = []
        self._stretches.append(stretch)
        self._num_behind_frames += stretch.num_frames
        while self._num_behind_frames > MAX_BEHIND_FRAMES and len(self._stretches) > 1:
            self._num_behind_frames -= self._stretches.popleft().num_frames
            self._stretches[0].has_hole = True

    def recall(self) -> Float32[np.ndarray, "3 20"]:
        """Return the features of the last 30 ms that were heard, oldest first."""
        self._catch_up()
        return np.array(self._recent)

    def follow(self, frames: Float32[np.ndarray, "frames 20"]) -> None:
        """Go on by frames that are known."""
        if self._stretches:
            self._spoken.extend(frames)
            if len(self._spoken) > MAX_BEHIND_FRAMES:
                del self._spoken[:-MAX_BEHIND_FRAMES]
            return
        for features in frames:
            self._checkpoints.append(self._state.copy())
            self._predictor.follow(self._state, features[np.newaxis])

    def guess(self) -> Features:
        """Go on by a frame that is not known, and return its features."""
        self._catch_up()
        self._checkpoints.append(self._state.copy())
        return self._predictor.predict(self._state)

    def end_gap(self, num_unplayed_frames: int) -> None:
        """Take back the last frames of the gap, 2 to 4, which were not played."""
        if self._stretches:
            del self._spoken[-num_unplayed_frames:]
        elif num_unplayed_frames <= len(self._checkpoints):
            self._state = self._checkpoints[-num_unplayed_frames]
        self._checkpoints.clear()

    def _catch_up(self) -> None:
        """Take in what was noted, and what this gap has brought so far."""
        if not self._stretches:
            return
        for stretch in self._stretches:
            self._take_in(stretch)
        self._stretches.clear()
        self._num_behind_frames = 0
        spoken, self._spoken = self._spoken, []
        self._follow_all(spoken[:-_MAX_TAKEN_BACK])
        if spoken:
            self.follow(np.array(spoken[-_MAX_TAKEN_BACK:]))

    def _take_in(self, stretch: _Stretch) -> None:
        self._follow_all(stretch.spoken)
        samples = stretch.samples * _INT16_SCALE
        heard = self._extractor.extract(self._extractor_state, samples)
        first = max(len(heard) - stretch.num_heard_frames, stretch.has_hole)
        if first < len(heard):
            burg = burg_feature_frames(samples[first * FEATURE_FRAME_SAMPLES :])
            self._predictor.hear(self._state, burg, heard[first:])
            self._recent.extend(heard[first:][-PAST_FRAMES:])

    def _follow_all(self, frames: list[Features]) -> None:
        if frames:
            self._predictor.follow(self._state, np.array(frames))
