"""Answers joined with what was heard: what the analysis works on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dred.errors import FileFormatError
from dred.listening.plan import Item, Plan, Role
from dred.listening.scales import opinion
from dred.listening.votes import CastVote

__all__ = ["Ballot", "join"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """An answer to an item.

    Attributes:
        rater: Number of the listener, from 0.
        step: Number of the step, from 0.
        item: What was judged.
        swapped: Whether the original came second.
        answer: Counted from 1.
        plays: How often it was played.
        seconds: Since the answer before.
        value: The vote: 1 to 5, or with CCR -3 to 3; None if nothing was rated.
    """

    rater: int
    step: int
    item: Item
    swapped: bool = False
    answer: int
    plays: int = 1
    seconds: float
    value: int | None

    @property
    def is_right(self) -> bool | None:
        """Whether the answer is among the accepted ones; None if there is no right one."""
        return self.answer in self.item.accepted if self.item.accepted else None

    @property
    def is_too_fast(self) -> bool:
        """Whether the answer came before the sound could be over."""
        return self.seconds < self.item.seconds

    @property
    def is_opinion(self) -> bool:
        """Whether it is a vote that counts."""
        return self.item.role is Role.RATED


def join(plan: Plan, votes: Iterable[CastVote]) -> list[Ballot]:
    """Join votes with the items of their plan.

    Raises:
        FileFormatError: A vote is about something else.
    """
    items: Mapping[str, Item] = {item.name: item for item in plan.items}
    ballots = []
    for vote in votes:
        item = items.get(vote.step.item)
        if item is None:
            raise FileFormatError("votes on the plan's items", value=vote.step.item)
        # Swapping a pair whose reference is the second puts it first.
        reference_second = vote.step.swapped == item.reference_first
        ballots.append(
            Ballot(
                rater=vote.rater,
                step=vote.number,
                item=item,
                swapped=vote.step.swapped,
                answer=vote.answer,
                plays=vote.plays,
                seconds=vote.seconds,
                value=opinion(plan.config.method, vote.answer, swapped=reference_second) if item.condition else None,
            )
        )
    return ballots
