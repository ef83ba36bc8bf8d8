"""Filling a gap with spoken speech, step by step, through the stream's decoder.

features at a time -> continuation -> vocoder -> 16 kHz -> primer -> decoder -> played
                                                     '-> (unprimed) resampled, laid over the gap, cross-faded at its end
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Float32

from dred.audio import resample
from dred.opus import Toc
from dred.receiver.continuation import RUN_UP_FRAMES, SpeechContinuation
from dred.receiver.coverage import KnownFeatures
from dred.receiver.history import PlayedHistory
from dred.receiver.parts import Codec, NeuralParts
from dred.receiver.priming import DecoderPrimer, PrimingConfig
from dred.receiver.speaking import Speaking
from dred.timebase import FEATURE_FRAME_SAMPLES, SAMPLE_RATE_HZ, rtp_to_samples, samples_to_rtp

_FRAME_RTP = samples_to_rtp(FEATURE_FRAME_SAMPLES)
_RUN_UP_RTP = RUN_UP_FRAMES * _FRAME_RTP
# Without priming, speech is heard on under the first packet for this long, fading.
_CROSS_FADE_SAMPLES = 80
# What was played last stays in front of what is to be played, for filters that look back.
_BEFORE_SAMPLES = FEATURE_FRAME_SAMPLES

FeaturesFrom = Callable[[int, int], KnownFeatures]


class GapFiller:
    """Speaks through one stream's gaps. A gap begins with the first `fill` and ends with `finish`."""

    def __init__(
        self, parts: NeuralParts, codec: Codec, *, rate_hz: int, channels: int, priming: PrimingConfig | None
    ) -> None:
        """Prepare for a stream's gaps; without a priming configuration, speech is laid over them."""
        self._continuation = SpeechContinuation(parts)
        self._codec = codec
        self._rate_hz = rate_hz
        self._channels = channels
        self._priming = priming
        self._primer: DecoderPrimer | None = None
        self.is_open = False
        # Spoken and not yet played, 16 kHz, behind what was played last.
        self._speech = np.zeros(_BEFORE_SAMPLES, np.float32)
        self._next_timestamp = 0

    def fill(
        self, timestamp: int, step_rtp: int, toc: Toc, history: PlayedHistory, features_from: FeaturesFrom
    ) -> Speaking[Float32[np.ndarray, "samples channels"]]:
        """Fill the next step of a gap.

        Args:
            timestamp: Where the step starts, in RTP ticks.
            step_rtp: Its length.
            toc: How the stream's packets are coded.
            history: What was played before.
            features_from: Gives, for a timestamp and a number of frames, the features to speak each 10 ms from there
                on, as far as they are known.
        """
        step_samples = rtp_to_samples(step_rtp)
        if self._priming is None:
            yield from self._speak(step_samples + FEATURE_FRAME_SAMPLES, timestamp, history, features_from)
            played = self._lay_over(step_samples)
            self._codec.conceal(len(played))
        else:
            primer, is_new = self._primer_for(toc, step_rtp)
            yield from self._speak(primer.reach_samples, timestamp, history, features_from)
            spoken = self._speech[_BEFORE_SAMPLES:]
            if is_new:
                primer.settle(history.at_16k(), spoken)
            played = self._codec.decode(primer.encode(spoken))
        self._speech = self._speech[step_samples:]
        return played

    def finish(self) -> Float32[np.ndarray, "samples channels"]:
        """End the gap; return what to cross-fade from into the audio that follows, empty if it joins by itself."""
        if not self.is_open:
            return np.zeros((0, self._channels), np.float32)
        tail = self._lay_over(_CROSS_FADE_SAMPLES if self._priming is None else 0)
        self._continuation.end_gap(self._num_ahead // FEATURE_FRAME_SAMPLES)
        self._speech = self._speech[:_BEFORE_SAMPLES]
        self.is_open = False
        return tail

    def _primer_for(self, toc: Toc, step_rtp: int) -> tuple[DecoderPrimer, bool]:
        """Return the primer, and whether it is to be settled: at the start of a gap, and when the step changes."""
        assert self._priming is not None
        primer = self._primer
        is_new = not self.is_open
        if primer is None or primer.step_rtp != step_rtp or (is_new and primer.toc != toc):
            primer = self._primer = DecoderPrimer(self._priming, toc, step_rtp=step_rtp)
            is_new = True
        return primer, is_new

    @property
    def _num_ahead(self) -> int:
        return self._speech.size - _BEFORE_SAMPLES

    def _speak(
        self, num_samples: int, timestamp: int, history: PlayedHistory, features_from: FeaturesFrom
    ) -> Speaking[None]:
        """Make sure that so many spoken samples are ahead."""
        num_frames = -(-(num_samples - self._num_ahead) // FEATURE_FRAME_SAMPLES)
        if num_frames <= 0:
            return
        if self.is_open:
            known = features_from(self._next_timestamp, num_frames)
        else:
            run_up, known = features_from(timestamp - _RUN_UP_RTP, RUN_UP_FRAMES + num_frames).split(RUN_UP_FRAMES)
            self._open(timestamp, history, run_up)
        spoken = yield self._continuation.ask(known)
        assert spoken is not None
        self._speech = np.concatenate([self._speech, spoken])
        ahead = self._speech[_BEFORE_SAMPLES:]
        np.minimum(np.maximum(ahead, -1, out=ahead), 1, out=ahead)
        self._next_timestamp += num_frames * _FRAME_RTP

    def _open(self, timestamp: int, history: PlayedHistory, run_up: KnownFeatures) -> None:
        """Begin a gap: take up what was played before it."""
        past = history.at_16k()
        self._continuation.begin_gap(
            past,
            run_up,
            num_concealed_samples=history.num_concealed_samples,
            num_heard_samples=history.num_heard_samples,
        )
        history.forget_counts()
        self._speech = past[-_BEFORE_SAMPLES:]
        self._next_timestamp = timestamp
        self.is_open = True

    def _lay_over(self, num_samples: int) -> Float32[np.ndarray, "samples channels"]:
        """Return the next spoken samples, 16 kHz, at the played rate; filters see what lies on both sides."""
        start, end = _BEFORE_SAMPLES, _BEFORE_SAMPLES + num_samples
        speech = self._speech
        if self._rate_hz != SAMPLE_RATE_HZ and num_samples:
            speech = resample(speech, from_hz=SAMPLE_RATE_HZ, to_hz=self._rate_hz)
            start, end = (edge * self._rate_hz // SAMPLE_RATE_HZ for edge in (start, end))
        return speech[start:end].repeat(self._channels).reshape(-1, self._channels)


def cross_fade(tail: Float32[np.ndarray, "_ channels"], head: Float32[np.ndarray, "samples channels"]) -> None:
    """Fade from a tail into the start of what follows it, in its place."""
    num_samples = min(len(tail), len(head))
    head = head[:num_samples]
    head += _fall(num_samples) * (tail[:num_samples] - head)


@lru_cache(maxsize=8)
def _fall(num_samples: int) -> np.ndarray:
    return 1 - (np.arange(num_samples, dtype=np.float32)[:, None] + 0.5) / num_samples
