"""The questions that listeners are asked, and what their answers mean.

Source: ITU-T P.800, Annex B.4.5 (listening quality) and Annex E.4 (comparison).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dred.listening.config import Method

__all__ = ["HEADPHONE_QUESTION", "RATING_QUESTIONS", "VOLUME_QUESTION", "Question", "opinion"]

_CCR_SAME = 4


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answers.

    Attributes:
        text: The question.
        answers: Texts of the answers 1, 2, ... in this order.
        best_first: Whether the last answer is shown first.
    """

    text: str
    answers: tuple[str, ...]
    best_first: bool = False


RATING_QUESTIONS: Mapping[Method, Question] = {
    Method.ACR: Question(
        "How is the quality of the speech?", ("Bad", "Poor", "Fair", "Good", "Excellent"), best_first=True
    ),
    Method.CCR: Question(
        "How is the quality of the second, compared with the first?",
        ("Much worse", "Worse", "Slightly worse", "About the same", "Slightly better", "Better", "Much better"),
        best_first=True,
    ),
}
HEADPHONE_QUESTION = Question("Which tone is the softest?", ("The first", "The second", "The third"))
VOLUME_QUESTION = Question("Can you hear the voice well?", ("Yes, the volume is comfortable",))


def opinion(method: Method, answer: int, *, swapped: bool) -> int:
    """Turn an answer, counted from 1, into a vote.

    Args:
        method: How it was judged.
        answer: The answer.
        swapped: Whether the original came second in a pair.

    Returns:
        1 to 5 with ACR. With CCR -3 to 3: how much better than the original, whichever came first.
    """
    if method is Method.ACR:
        return answer
    return (answer - _CCR_SAME) * (-1 if swapped else 1)
