"""What browsers send, checked: any bytes give a value or a `RemoteDataError` with the rule that they break."""

import json
import re
from dataclasses import dataclass

from dred.errors import RemoteDataError

__all__ = ["MAX_BODY_BYTES", "TOKEN_FORM", "VoteRequest", "parse_vote"]

MAX_BODY_BYTES = 1024
TOKEN_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_STEPS = 1_000_000
_MAX_PLAYS = 10_000
# One per key; a question may have fewer.
_MAX_ANSWER = 9
_VOTE_FIELDS = ("step", "answer", "plays")


@dataclass(frozen=True, slots=True)
class VoteRequest:
    """An answer.

    Attributes:
        step: Number of the step, from 0.
        answer: Counted from 1.
        plays: How often it was played, at least once.
    """

    step: int
    answer: int
    plays: int


def parse_vote(body: bytes) -> VoteRequest:
    """Read the body of a vote.

    Raises:
        RemoteDataError: It is not a vote.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RemoteDataError("a body of JSON") from error
    if not isinstance(content, dict) or set(content) != set(_VOTE_FIELDS):
        raise RemoteDataError(f"an object of {', '.join(_VOTE_FIELDS)}")
    limits = {"step": (0, _MAX_STEPS), "answer": (1, _MAX_ANSWER), "plays": (1, _MAX_PLAYS)}
    for name, (least, most) in limits.items():
        # True is an int for Python, 3.0 is none.
        if type(content[name]) is not int or not least <= content[name] <= most:
            raise RemoteDataError(f"{name}: a whole number from {least} to {most}")
    return VoteRequest(*(content[name] for name in _VOTE_FIELDS))
