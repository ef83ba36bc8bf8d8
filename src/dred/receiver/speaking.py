"""Who needs speech waits for it: what one stream or many ask of the vocoder at a time becomes one call.

A stream that plays is a generator: it yields a request, is sent the samples, and returns in the end what it was for.
"""

from collections.abc import Generator, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from dred.errors import UsageError
from dred.receiver.parts import Vocoder
from dred.vocoder import SpeechRequest

Result = TypeVar("Result")
Speaking = Generator[SpeechRequest, np.ndarray | None, Result]


def let_speak(streams: Sequence[Speaking[Result]], vocoder: Vocoder | None) -> list[Result]:
    """Run streams to their ends, and let the vocoder answer all that wait at once; return what each returns."""
    results: list[Any] = [None] * len(streams)
    answers: Iterable[tuple[int, np.ndarray | None]] = ((number, None) for number in range(len(streams)))
    while True:
        waiting: list[int] = []
        requests: list[SpeechRequest] = []
        for number, samples in answers:
            try:
                requests.append(streams[number].send(samples))
                waiting.append(number)
            except StopIteration as done:
                results[number] = done.value
        if not requests:
            return results
        if vocoder is None:
            raise UsageError("a stream that asks for speech needs a vocoder")
        answers = zip(waiting, vocoder.speak(requests))
