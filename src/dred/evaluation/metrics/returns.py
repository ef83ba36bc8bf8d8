"""Where the received stream takes over again: the first 60 ms after each gap."""

import numpy as np

from dred.evaluation.metrics.metric import HeardSpeech
from dred.timebase import ms_to_samples

__all__ = ["RETURN_MS", "find_returns"]

RETURN_MS = 60


def find_returns(speech: HeardSpeech) -> list[tuple[int, int]]:
    """Return start and end sample of the 60 ms behind each gap, fewer before the next gap and the clip's end."""
    starts = speech.gaps[:, 1]
    ends = np.append(speech.gaps[1:, 0], len(speech.reference))
    longest = ms_to_samples(RETURN_MS)
    return [(int(start), min(int(end), int(start) + longest)) for start, end in zip(starts, ends, strict=False)]
