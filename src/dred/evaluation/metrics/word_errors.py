"""Count the words that were misheard."""

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["count_word_errors", "spoken_words"]

_APOSTROPHES = re.compile("['\u2019\u02bc]")
_NO_LETTERS = re.compile(r"[^\w]+|_+")
# Written short, spoken in full.
_ABBREVIATIONS = {"mr": "mister", "mrs": "missus", "dr": "doctor"}


def spoken_words(text: str) -> list[str]:
    """Return the words without case, accents and punctuation; "don't" becomes "dont", "well-known" two words."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    words = _NO_LETTERS.split(_APOSTROPHES.sub("", plain).casefold())
    return [_ABBREVIATIONS.get(word, word) for word in words if word]


def count_word_errors(said: Sequence[str], understood: Sequence[str]) -> int:
    """Return the fewest words that must be replaced, left out or put in: Levenshtein's distance."""
    errors = list(range(len(understood) + 1))
    for row, word in enumerate(said, start=1):
        diagonal, errors[0] = errors[0], row
        for column, other in enumerate(understood, start=1):
            replaced = diagonal + (word != other)
            diagonal = errors[column]
            errors[column] = min(replaced, errors[column] + 1, errors[column - 1] + 1)
    return errors[-1]
