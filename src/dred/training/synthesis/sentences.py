"""What is said: English sentences drawn from a small grammar, or the lines of a file.

The grammar mixes statements, questions, numbers, times and names, since speech differs in all of them. It is ours, and
what it makes is nobody's text.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dred.errors import UsageError
from dred.whole_file import read_whole_file

__all__ = ["draw_sentence", "read_sentences"]

_MAX_TEXT_BYTES = 1 << 26
# What the synthesiser takes at once is about 500 phonemes.
_MAX_CHARACTERS = 350

_PEOPLE = """
    the captain|my younger sister|an old fisherman|the new doctor|our neighbour|a young violinist|George|Charlotte
    every child in the village|the woman with the yellow jacket|Professor Hughes|a group of students|the shy boy|Olivia
    both of the judges|nobody at the station|the gardener's wife|Theo|one of the pilots|Yusuf|the whole choir|Ingrid
""".replace("\n", "|")
_ACTS = """
    has found|is looking for|never liked|would rather keep|forgot about|carefully measured|could hardly recognise
    will probably choose|used to repair|sold|asked for|dreamt of|has just finished|chewed on|threw away|borrowed
    wants to show you|pushed|should have watched|enjoys|quietly hid|praised|is going to examine|avoids
""".replace("\n", "|")
_THINGS = """
    a bag of oranges|the broken chair|two pairs of thick gloves|the other side of the river|a rather strange picture
    the first five chapters|an unusual shade of blue|the garage door|a jar of honey|these wooden boats|the weather map
    the smallest fish in the pool|a cheap ring|their father's watch|the long voyage|some fresh bread|a huge white cloud
    the question about pleasure and joy|whatever the others left|the sharp edge|a thousand little shells|my usual tea
""".replace("\n", "|")
_PLACES = """
    behind the church|near the lighthouse|on the southern beach|at the edge of the wood|in the kitchen|under the bridge
    beyond those hills|between the two houses|by the window|outside the theatre|in the back yard|above the bakery
""".replace("\n", "|")
_TIMES = """
    yesterday|before the storm|every Thursday|at the end of June|last winter|in the early morning|after lunch|all day
    as soon as the sun goes down|while it was raining|for almost three years|next week|on the eighth of February
""".replace("\n", "|")
_REASONS = """
    because the road was too narrow|although everyone had warned them|so that we could hear it better|if you ask me
    but that is another story|which surprised us all|unless the judge says no|and nobody noticed|as far as I know
    even though it cost a fortune|whether you believe it or not|just to be on the safe side
""".replace("\n", "|")
_OPENINGS = "Well|By the way|To be honest|Listen|On the other hand|Strangely enough|Yes|No|Oh|Of course|Sorry|Hush"
_ASKING = "Did you know that|Are you sure that|Who told you that|Why do you think|Isn't it odd that|Would you mind if"
_DIGITS = "zero|one|two|three|four|five|six|seven|eight|nine"


def read_sentences(path: Path) -> list[str]:
    """Read what is to be said, a line each; lines that are too long to be said at once are refused.

    Raises:
        UsageError: The file cannot be read, holds nothing, or a line has more than 350 characters.
        FileFormatError: The file has more than 64 MiB.
    """
    text = read_whole_file(path, max_bytes=_MAX_TEXT_BYTES).decode("utf-8", "replace")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not lines:
        raise UsageError(f"{path} holds no line to be said")
    for number, line in lines:
        if len(line) > _MAX_CHARACTERS:
            raise UsageError(f"{path}, line {number}: at most {_MAX_CHARACTERS} characters, got {len(line)}")
    return [line for _, line in lines]


def draw_sentence(rng: np.random.Generator) -> str:
    """Draw one or two English sentences, 3 to 15 seconds of speech."""
    kinds: list[Callable[[np.random.Generator], str]] = [
        _statement,
        _statement,
        _tale,
        _tale,
        _question,
        _number,
        _hour,
    ]
    text = kinds[rng.integers(len(kinds))](rng)
    if len(text) < 60:
        text = f"{text} {_statement(rng)}"
    return text


def _one(words: str, rng: np.random.Generator) -> str:
    choices = [word.strip() for word in words.split("|") if word.strip()]
    return choices[rng.integers(len(choices))]


def _clause(rng: np.random.Generator) -> str:
    return f"{_one(_PEOPLE, rng)} {_one(_ACTS, rng)} {_one(_THINGS, rng)}"


def _sentence(words: str, end: str = ".") -> str:
    return words[0].upper() + words[1:] + end


def _statement(rng: np.random.Generator) -> str:
    return _sentence(f"{_clause(rng)} {_one(_PLACES, rng)}", "!" if rng.random() < 0.1 else ".")


def _tale(rng: np.random.Generator) -> str:
    opening = f"{_one(_OPENINGS, rng)}, " if rng.random() < 0.4 else ""
    return _sentence(f"{opening}{_clause(rng)} {_one(_TIMES, rng)}, {_one(_REASONS, rng)}")


def _question(rng: np.random.Generator) -> str:
    return _sentence(f"{_one(_ASKING, rng)} {_clause(rng)} {_one(_PLACES, rng)}", "?")


def _number(rng: np.random.Generator) -> str:
    digits = [_one(_DIGITS, rng) for _ in range(rng.integers(4, 9))]
    return _sentence(f"the number of {_one(_PEOPLE, rng)} is {', '.join(digits)}")


def _hour(rng: np.random.Generator) -> str:
    hour, minute = rng.integers(1, 13), rng.integers(10, 60)
    return _sentence(f"at {hour}:{minute}, {_clause(rng)}, {int(rng.integers(2, 900))} times")
