"""The plan of a listening test: what can be heard, and what is right where that is known."""

from dataclasses import dataclass
from enum import StrEnum
from math import gcd

from dred.listening.config import ListeningConfig

__all__ = ["DESTROYED", "ORIGINAL", "Item", "Plan", "Role", "Sound", "SoundKind", "softer_tone"]

ORIGINAL = "(original)"
"""The condition of a recording that nothing was done to."""
DESTROYED = "(destroyed)"
"""The condition of a recording that is worse than any scheme."""


class Role(StrEnum):
    """What an item is for."""

    VOLUME = "volume"
    HEADPHONES = "headphones"
    TRAINING = "training"
    RATED = "rated"
    TRAP = "trap"


class SoundKind(StrEnum):
    """How a sound is made."""

    SPEECH = "speech"
    BEEPS = "beeps"
    DESTROYED = "destroyed"
    TONES = "tones"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Something to hear.

    Attributes:
        kind: How it is made.
        speech: Key of the speech that it is made of; empty for tones.
        original: Key of the recording that sets the level; empty for tones.
        number: How many beeps, or which order of tones; 0 otherwise.
    """

    kind: SoundKind = SoundKind.SPEECH
    speech: str = ""
    original: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something to judge.

    Attributes:
        name: Unique within the plan.
        role: What it is for.
        condition: What is judged; empty if nothing is.
        scheme: The scheme; empty without one.
        network: The network; empty without one.
        clip: Name of the recording; empty for tones.
        sounds: One, or the reference and what is compared with it.
        reference_first: Whether the reference is the first of two.
        accepted: The right answers, if there are any.
        seconds: It lasts at least so long.
    """

    name: str
    role: Role
    condition: str = ""
    scheme: str = ""
    network: str = ""
    clip: str = ""
    sounds: tuple[Sound, ...]
    reference_first: bool = True
    accepted: tuple[int, ...] = ()
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A listening test.

    Attributes:
        title: Of the evaluation.
        config: The choices behind it.
        conditions: Names of what is compared, in the evaluation's order.
        clips: Names of the rated recordings, in an order drawn by the seed.
        items: In order of their roles; rated ones by condition, then by recording.
    """

    title: str
    config: ListeningConfig
    conditions: tuple[str, ...]
    clips: tuple[str, ...]
    items: tuple[Item, ...]

    @property
    def per_rater(self) -> int:
        """How many recordings of each condition a listener rates."""
        return min(self.config.per_rater, len(self.clips))

    @property
    def num_rows(self) -> int:
        """After so many listeners, one on each row, every rated item has equally many votes."""
        return len(self.clips) // gcd(self.per_rater, len(self.clips))

    def by_role(self, role: Role) -> tuple[Item, ...]:
        """Return the items of a role, in order."""
        return tuple(item for item in self.items if item.role is role)


def softer_tone(number: int) -> int:
    """Return which tone is the softer one in an order of tones, 1 to 3; each is in two of the six orders."""
    return number // 2 + 1
