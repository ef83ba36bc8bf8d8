"""What a metric is: a name, what it means, what it needs, and a function from heard speech to a score."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from dred.evaluation.score import Score

__all__ = ["HeardSpeech", "Metric"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeardSpeech:
    """One clip as a listener hears it, beside what was said.

    Attributes:
        reference: The original, 16 kHz mono, -1 to 1.
        heard: As long as the reference and aligned with it, 16 kHz mono, -1 to 1.
        gaps: Start and end sample of each run of lost packets in order, within the clip, however they were repaired.
        text: What is said; None if unknown.
    """

    reference: Float32[np.ndarray, " samples"]
    heard: Float32[np.ndarray, " samples"]
    gaps: Int64[np.ndarray, "gaps 2"]
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A way to tell how good speech is.

    Attributes:
        name: Short name: that of its column.
        title: What it measures, in a phrase.
        unit: What its figures are, such as "MOS", "dB" or "%"; empty for plain numbers.
        is_higher_better: Whether more is better.
        is_fast: Whether it takes less than half a second of one core for ten seconds of speech.
        packages: Names of the packages that must be importable.
        extra: The extra of dred that brings them; empty if none is needed.
        score: Rate a clip; equal speech gives equal scores. `NO_SCORE` where there is too little of it.
    """

    name: str
    title: str
    unit: str
    is_higher_better: bool
    is_fast: bool
    packages: tuple[str, ...] = ()
    extra: str = ""
    score: Callable[[HeardSpeech], Score]
