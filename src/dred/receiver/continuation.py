"""Speech goes on where the packets stop: features, known or guessed, to 16 kHz samples.

    played audio -> features -> predictor            (before a gap, to know what came before)
    redundancy or predictor -> features -> vocoder   (10 ms at a time, within a gap)

The vocoder looks 20 ms ahead, so two frames of features go in before the first sample comes out, and the predictor has
seen two frames more than were played when a gap ends: it is set back by them.

Source: facts from libopus 1.6.1 dnn/lpcnet_plc.c.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.concealment import fade
from dred.features import NUM_FEATURES, burg_features
from dred.receiver.parts import NeuralParts
from dred.timebase import FEATURE_FRAME_SAMPLES

HISTORY_SAMPLES = 15 * FEATURE_FRAME_SAMPLES
LOOKAHEAD_FRAMES = 2

_START_FRAMES = 5
_START_SAMPLES = 320
_INT16_SCALE = np.float32(32768)
_MAX_UNPLAYED_FRAMES = 2

Features = Float32[np.ndarray, " 20"]


class SpeechContinuation:
    """The neural side of one stream's gaps."""

    def __init__(self, parts: NeuralParts) -> None:
        """Start with a stream of which nothing is known."""
        self._parts = parts
        self._extractor_state = parts.extractor.initial_state()
        self._predictor_state = parts.predictor.initial_state()
        self._recent: deque[np.ndarray] = deque(
            [np.zeros(NUM_FEATURES, np.float32)] * _START_FRAMES, maxlen=_START_FRAMES
        )
        self._checkpoints: deque[Any] = deque(maxlen=LOOKAHEAD_FRAMES + _MAX_UNPLAYED_FRAMES)
        self._vocoder_state: Any = None
        self._num_predicted = 0

    def listen(
        self,
        history: Float32[np.ndarray, " samples"],
        *,
        num_concealed_samples: int,
        num_heard_samples: int,
    ) -> None:
        """Take in what was played since the last gap began.

        Args:
            history: The last 150 ms that were played, 16 kHz, -1 to 1.
            num_concealed_samples: How much of it the last gap filled, by now far enough back to be ahead of what was
                heard; more than the history holds is fine.
            num_heard_samples: How much was received since that gap.
        """
        num_new = num_concealed_samples + num_heard_samples
        num_frames = min(num_new, history.size) // FEATURE_FRAME_SAMPLES
        # After a hole in what was analysed, the first frame only fills the filters' memories.
        has_hole = num_new > history.size or bool(num_new % FEATURE_FRAME_SAMPLES)
        num_heard_frames = num_heard_samples // FEATURE_FRAME_SAMPLES
        frames = history[history.size - num_frames * FEATURE_FRAME_SAMPLES :].reshape(-1, FEATURE_FRAME_SAMPLES)
        for number, frame in enumerate(frames * _INT16_SCALE):
            features = self._parts.extractor.extract_frame(self._extractor_state, frame)
            is_heard = num_frames - number <= num_heard_frames
            if is_heard and not (has_hole and number == 0):
                self._recent.append(features)
                self._parts.predictor.hear(self._predictor_state, burg_features(frame), features)

    def start(self, history: Float32[np.ndarray, " samples"], lookahead: Sequence[Features | None]) -> None:
        """Begin a gap behind the history; lookahead are the first two frames of features, None where unknown."""
        self._num_predicted = 0
        for features in lookahead:
            self._recent.append(self._known_or_predicted(features))
        self._vocoder_state = self._parts.vocoder.start(np.array(self._recent), history[-_START_SAMPLES:])

    def speak(self, features: Features | None) -> Float32[np.ndarray, " 160"]:
        """Speak the next 10 ms, -1 to 1, from these features or, if there are none, from a guess that fades."""
        self._num_predicted = 0 if features is not None else self._num_predicted + 1
        spoken = fade(self._known_or_predicted(features), self._num_predicted)
        self._recent.append(spoken)
        return np.clip(self._parts.vocoder.synthesise(self._vocoder_state, spoken), -1, 1)

    def stop(self, num_unplayed_frames: int) -> None:
        """End a gap, of which so many frames (0 to 2) were spoken but not played."""
        self._vocoder_state = None
        steps_back = LOOKAHEAD_FRAMES + num_unplayed_frames
        if steps_back <= len(self._checkpoints):
            self._predictor_state = self._checkpoints[-steps_back]
        self._checkpoints.clear()

    def _known_or_predicted(self, features: Features | None) -> Features:
        self._checkpoints.append(self._predictor_state.copy())
        if features is None:
            return self._parts.predictor.predict(self._predictor_state)
        self._parts.predictor.follow(self._predictor_state, features)
        return features
