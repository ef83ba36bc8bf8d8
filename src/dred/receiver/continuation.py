"""Speech goes on where the packets stop: features, known or guessed, become what the vocoder is asked to speak.

The vocoder looks 20 ms ahead, so two frames of features go in before the first sample comes out, and the guesser has
seen two frames more than were played when a gap ends: it takes them back.

Source: facts from libopus 1.6.1 dnn/lpcnet_plc.c.
"""

from collections.abc import Collection

import numpy as np
from jaxtyping import Float32

from dred.concealment import fade
from dred.receiver.coverage import KnownFeatures
from dred.receiver.guessing import LOOKAHEAD_FRAMES, PAST_FRAMES, Guesser
from dred.receiver.parts import NeuralParts
from dred.vocoder import START_SAMPLES, SpeechRequest

RUN_UP_FRAMES = PAST_FRAMES + LOOKAHEAD_FRAMES


class SpeechContinuation:
    """What one stream's gaps are filled with, as requests to the vocoder. One answer at a time."""

    def __init__(self, parts: NeuralParts) -> None:
        """Start with a stream of which nothing is known."""
        self._guesser = Guesser(parts.extractor, parts.predictor)
        self._opening: tuple[np.ndarray, np.ndarray] | None = None
        self._last: SpeechRequest | None = None
        self._num_guessed = 0

    def begin_gap(
        self,
        history: Float32[np.ndarray, " samples"],
        run_up: KnownFeatures,
        *,
        num_concealed_samples: int,
        num_heard_samples: int,
    ) -> None:
        """Begin a gap behind the history.

        Args:
            history: The last 150 ms that were played, 16 kHz, -1 to 1.
            run_up: Three frames of features of the past and two ahead.
            num_concealed_samples: As `Guesser.begin_gap` takes it.
            num_heard_samples: Likewise.
        """
        self._guesser.begin_gap(
            history, num_concealed_samples=num_concealed_samples, num_heard_samples=num_heard_samples
        )
        features = run_up.features.copy()
        if run_up.unknown and min(run_up.unknown) < PAST_FRAMES:
            features[:PAST_FRAMES] = self._guesser.recall()
        self._go_on(features, run_up.unknown, range(PAST_FRAMES, RUN_UP_FRAMES))
        self._opening = features, history[-START_SAMPLES:]
        self._last = None
        self._num_guessed = 0

    def ask(self, known: KnownFeatures) -> SpeechRequest:
        """Ask for the next frames of 10 ms, from these features or, where there are none, from guesses that fade."""
        features = known.features.copy()
        self._go_on(features, known.unknown, range(len(features)))
        if known.unknown:
            for number in range(len(features)):
                self._num_guessed = self._num_guessed + 1 if number in known.unknown else 0
                features[number] = fade(features[number], self._num_guessed)
        else:
            self._num_guessed = 0
        state = self._last.state if self._last is not None else None
        self._last = SpeechRequest(features=features, state=state, opening=self._opening)
        self._opening = None
        return self._last

    def end_gap(self, num_unplayed_frames: int) -> None:
        """End a gap, of which so many frames (0 to 2) were spoken but not played."""
        self._guesser.end_gap(LOOKAHEAD_FRAMES + num_unplayed_frames)
        self._last = None

    def _go_on(self, features: np.ndarray, unknown: Collection[int], numbers: range) -> None:
        """Tell the guesser the rows of these numbers, and let it guess those that are unknown."""
        if not unknown:
            self._guesser.follow(features[numbers.start : numbers.stop])
            return
        for number in numbers:
            if number in unknown:
                features[number] = self._guesser.guess()
            else:
                self._guesser.follow(features[number : number + 1])
