"""What to play next: one pure function of what is buffered, what is covered, and where playing stands.

Rules, first match wins:

1. The packet for this time is there: play it. A RED copy counts as the packet.
2. Nothing is missing, the sender paused (DTX): comfort noise.
3. The next packet's LBRR begins now, or so soon that no frame fits in between: play that.
4. Redundancy of a buffered packet covers this time: speak it.
5. Nothing is known: guess, up to a limit; then silence.

Source: our choice; libopus 1.6.1's opus_demo prefers LBRR over DRED for the last lost packet in the same way.
"""

from dataclasses import dataclass
from typing import NamedTuple

SHORTEST_FRAME_RTP = 120
"""2.5 ms: nothing shorter can be filled. Source: RFC 6716 section 2.1.4."""


class Situation(NamedTuple):
    """All that a decision depends on; times in RTP ticks.

    Attributes:
        until_next: Time to the start of the next buffered packet, 0 if it is due now, None if there is none.
        next_is_copy: Whether that packet is a RED copy.
        lbrr_reach: How long before that packet its LBRR begins; 0 if it has none.
        paused: Whether the sender is silent on purpose at this time.
        is_covered: Whether redundancy of a buffered packet describes the audio at this time.
        already_guessed: How long nothing has been known.
        may_guess: How long guessing is allowed.
    """

    until_next: int | None = None
    next_is_copy: bool = False
    lbrr_reach: int = 0
    paused: bool = False
    is_covered: bool = False
    already_guessed: int = 0
    may_guess: int = 0


@dataclass(frozen=True, slots=True)
class Regular:
    """Decode the packet that is due."""


@dataclass(frozen=True, slots=True)
class Red:
    """Decode the copy that is due."""


@dataclass(frozen=True, slots=True)
class Lbrr:
    """Decode the LBRR of the next packet."""


@dataclass(frozen=True, slots=True)
class Dred:
    """Speak from redundancy for at most this long."""

    limit: int | None


@dataclass(frozen=True, slots=True)
class Conceal:
    """Guess for at most this long."""

    limit: int | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Play comfort noise for at most this long."""

    limit: int | None


@dataclass(frozen=True, slots=True)
class Silence:
    """Play nothing for at most this long."""

    limit: int | None


_REGULAR, _RED = Regular(), Red()

Decision = Regular | Red | Lbrr | Dred | Conceal | Pause | Silence


def decide(situation: Situation) -> Decision:
    """Return what to play now. A limit, in RTP ticks, is where the next decision is due at the latest."""
    s = situation
    if s.until_next == 0:
        return _RED if s.next_is_copy else _REGULAR
    if s.paused:
        return Pause(s.until_next)
    limit = s.until_next
    if s.until_next is not None and 0 < s.lbrr_reach <= s.until_next:
        limit = s.until_next - s.lbrr_reach
        if limit < SHORTEST_FRAME_RTP:
            return Lbrr()
    if s.is_covered:
        return Dred(limit)
    if s.already_guessed < s.may_guess:
        return Conceal(limit)
    return Silence(limit)
