"""What browsers send, checked: any bytes give a value or a `RemoteDataError` with the rule that they break."""

import ipaddress
import json
import re
from collections.abc import Collection
from dataclasses import dataclass

from dred.errors import RemoteDataError

__all__ = ["MAX_BODY_BYTES", "TOKEN_FORM", "VoteRequest", "is_own_host", "parse_vote"]

MAX_BODY_BYTES = 1024
TOKEN_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_STEPS = 1_000_000
_MAX_PLAYS = 10_000
# One per key; a question may have fewer.
_MAX_ANSWER = 9
_VOTE_FIELDS = ("step", "answer", "plays")
_HOST_FORM = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:\d{1,5})?")


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


def is_own_host(header: str, names: Collection[str]) -> bool:
    """Tell whether a Host header names this machine: an address, or one of the names.

    A page elsewhere can have its own name point to this machine (DNS rebinding), but it cannot have the browser say
    another name. Addresses need no name and are fine.
    """
    form = _HOST_FORM.fullmatch(header)
    if form is None:
        return False
    host = form[1].strip("[]").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host in {"localhost", *(name.lower() for name in names)}
    return True
