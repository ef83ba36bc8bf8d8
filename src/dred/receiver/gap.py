"""Filling a gap with spoken speech, step by step, through the stream's decoder.

features at a time -> continuation -> 16 kHz -> primer -> decoder -> played
                                          '-> (unprimed) resampled, laid over the gap, cross-faded at its end
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from dred.audio import resample
from dred.opus import Toc
from dred.receiver.continuation import LOOKAHEAD_FRAMES, SpeechContinuation
from dred.receiver.history import PlayedHistory
from dred.receiver.parts import Codec, NeuralParts
from dred.receiver.priming import DecoderPrimer, PrimingConfig
from dred.timebase import FEATURE_FRAME_SAMPLES, SAMPLE_RATE_HZ, rtp_to_samples, samples_to_rtp

_FRAME_RTP = samples_to_rtp(FEATURE_FRAME_SAMPLES)
# Without priming, speech is heard on under the first packet for this long, fading.
_CROSS_FADE_SAMPLES = 80

FeaturesAt = Callable[[int], Float32[np.ndarray, " 20"] | None]


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
        self._primer_step_rtp = 0
        self._is_open = False
        # Spoken and not yet played, 16 kHz; in front of it what was played last, for filters that look back.
        self._spoken = np.zeros(0, np.float32)
        self._before = np.zeros(FEATURE_FRAME_SAMPLES, np.float32)
        self._next_timestamp = 0

    def fill(
        self, timestamp: int, step_rtp: int, toc: Toc, history: PlayedHistory, features_at: FeaturesAt
    ) -> Float32[np.ndarray, "samples channels"]:
        """Fill the next step of a gap.

        Args:
            timestamp: Where the step starts, in RTP ticks.
            step_rtp: Its length.
            toc: How the stream's packets are coded.
            history: What was played before.
            features_at: The features to speak the 10 ms from a timestamp on, None where nothing is known.
        """
        if not self._is_open:
            self._open(timestamp, history, features_at)
        step_samples = rtp_to_samples(step_rtp)
        if self._priming is None:
            self._speak(step_samples + FEATURE_FRAME_SAMPLES, features_at)
            played = self._lay_over(step_samples)
            self._codec.conceal(len(played))
        else:
            primer = self._primer
            if primer is None or step_rtp != self._primer_step_rtp:
                primer = DecoderPrimer(self._priming, toc, step_rtp=step_rtp)
                self._speak(primer.reach_samples, features_at)
                primer.settle(history.at_16k(), self._spoken)
                self._primer, self._primer_step_rtp = primer, step_rtp
            self._speak(primer.reach_samples, features_at)
            played = self._codec.decode(primer.encode(self._spoken))
        self._before = np.concatenate([self._before, self._spoken[:step_samples]])[-FEATURE_FRAME_SAMPLES:]
        self._spoken = self._spoken[step_samples:]
        return played

    def finish(self) -> Float32[np.ndarray, "samples channels"]:
        """End the gap; return what to cross-fade from into the audio that follows, empty if it joins by itself."""
        if not self._is_open:
            return np.zeros((0, self._channels), np.float32)
        tail = np.zeros((0, self._channels), np.float32)
        if self._priming is None:
            tail = self._lay_over(_CROSS_FADE_SAMPLES)
        self._continuation.stop(self._spoken.size // FEATURE_FRAME_SAMPLES)
        self._is_open = False
        self._primer = None
        return tail

    def _open(self, timestamp: int, history: PlayedHistory, features_at: FeaturesAt) -> None:
        past = history.at_16k()
        self._continuation.listen(
            past,
            num_concealed_samples=history.num_concealed_samples,
            num_heard_samples=history.num_heard_samples,
        )
        history.forget_counts()
        starts = [timestamp - (LOOKAHEAD_FRAMES - number) * _FRAME_RTP for number in range(LOOKAHEAD_FRAMES)]
        self._continuation.start(past, [features_at(start) for start in starts])
        self._spoken = np.zeros(0, np.float32)
        self._before = past[-FEATURE_FRAME_SAMPLES:]
        self._next_timestamp = timestamp
        self._is_open = True

    def _speak(self, num_samples: int, features_at: FeaturesAt) -> None:
        """Make sure that so many spoken samples are ahead."""
        while self._spoken.size < num_samples:
            frame = self._continuation.speak(features_at(self._next_timestamp))
            self._spoken = np.concatenate([self._spoken, frame])
            self._next_timestamp += _FRAME_RTP

    def _lay_over(self, num_samples: int) -> Float32[np.ndarray, "samples channels"]:
        """Return the next spoken samples, 16 kHz, at the played rate; filters see what lies on both sides."""
        if self._rate_hz == SAMPLE_RATE_HZ:
            mono = self._spoken[:num_samples]
        else:
            joined = resample(np.concatenate([self._before, self._spoken]), from_hz=SAMPLE_RATE_HZ, to_hz=self._rate_hz)
            start = self._before.size * self._rate_hz // SAMPLE_RATE_HZ
            mono = joined[start : start + num_samples * self._rate_hz // SAMPLE_RATE_HZ]
        return np.repeat(mono[:, None], self._channels, axis=1)


def cross_fade(tail: Float32[np.ndarray, "_ channels"], head: Float32[np.ndarray, "samples channels"]) -> np.ndarray:
    """Fade from a tail into the start of what follows it."""
    num_samples = min(len(tail), len(head))
    rise = (np.arange(num_samples, dtype=np.float32)[:, None] + 0.5) / num_samples
    joined = head.copy()
    joined[:num_samples] = rise * head[:num_samples] + (1 - rise) * tail[:num_samples]
    return joined
