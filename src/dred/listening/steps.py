"""In which order one listener hears what: randomised balanced blocks.

A listener is put on a row of the plan. With m recordings per condition and K recordings, condition c is heard with the
recordings (row + c) * m ... (row + c) * m + m - 1, modulo K: a Latin square if m is 1. So each listener hears every
condition m times and the recordings about equally often. With every row taken once, each item has the same number of
votes; meanwhile they never differ by more than one within a condition. There are m blocks; each holds every condition
once, in an order that is drawn for this listener, such that no recording comes twice in a row. Traps are spread over
the blocks.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dred.listening.config import Method
from dred.listening.plan import DESTROYED, Item, Plan, Role

__all__ = ["Step", "make_steps"]

_COUNTED_TRAPS = 2
_TRIES = 500


@dataclass(frozen=True, slots=True)
class Step:
    """What a listener does next.

    Attributes:
        item: Name of what is heard.
        swapped: Whether the reference comes second.
    """

    item: str
    swapped: bool = False


def make_steps(plan: Plan, row: int, rater: int) -> tuple[Step, ...]:
    """Draw all steps of a listener.

    Args:
        plan: The test.
        row: Row of the plan, at least 0, modulo `plan.num_rows`.
        rater: The listener's number, at least 0: another one, another order.
    """
    rng = np.random.default_rng([plan.config.seed, 1, rater])
    rated = _ordered(_chosen(plan, row), rng)
    swapped = _swaps(plan, rated, rng)
    return tuple(
        Step(item.name, item.name in swapped)
        for item in (
            *plan.by_role(Role.VOLUME),
            *_shuffled(plan.by_role(Role.HEADPHONES), rng),
            *_shuffled(plan.by_role(Role.TRAINING), rng),
            *_with_traps(rated, _draw_traps(plan, rng), rng),
        )
    )


def _chosen(plan: Plan, row: int) -> list[list[Item]]:
    """Return for each condition what this row hears of it."""
    rated, num_clips, per_rater = plan.by_role(Role.RATED), len(plan.clips), plan.per_rater
    return [
        [rated[number * num_clips + ((row + number) * per_rater + place) % num_clips] for place in range(per_rater)]
        for number in range(len(plan.conditions))
    ]


def _ordered(chosen: Sequence[Sequence[Item]], rng: np.random.Generator) -> list[Item]:
    """Draw blocks and orders until no recording comes twice in a row; with a single one there is no such order."""
    has_choice = len({item.clip for items in chosen for item in items}) > 1
    best: list[Item] = []
    fewest = np.inf
    for _ in range(_TRIES if has_choice else 1):
        order: list[Item] = []
        for block in zip(*(_shuffled(items, rng) for items in chosen)):
            order += _without_echo(block, order[-1].clip if order else "", rng)
        echoes = sum(one.clip == other.clip for one, other in pairwise(order))
        if echoes < fewest:
            best, fewest = order, echoes
        if not fewest:
            break
    return best


def _without_echo(block: Sequence[Item], previous: str, rng: np.random.Generator) -> list[Item]:
    remaining, order = _shuffled(block, rng), []
    while remaining:
        counts = Counter(item.clip for item in remaining)
        clip, count = counts.most_common(1)[0]
        # Half of what remains has to be taken now, or it ends up side by side.
        candidates = [item for item in remaining if item.clip == clip] if 2 * count > len(remaining) else remaining
        chosen = next((item for item in candidates if item.clip != previous), None)
        if chosen is None:
            chosen = next((item for item in remaining if item.clip != previous), remaining[0])
        remaining.remove(chosen)
        order.append(chosen)
        previous = chosen.clip
    return order


def _swaps(plan: Plan, rated: Sequence[Item], rng: np.random.Generator) -> set[str]:
    """Draw for which pairs the reference comes second: every other one of each condition."""
    if plan.config.method is Method.ACR:
        return set()
    seen = {condition: int(rng.integers(2)) for condition in plan.conditions}
    swapped = set()
    for item in rated:
        if seen[item.condition] % 2:
            swapped.add(item.name)
        seen[item.condition] += 1
    return swapped


def _draw_traps(plan: Plan, rng: np.random.Generator) -> list[Item]:
    traps = plan.by_role(Role.TRAP)
    counted = [trap for trap in traps if not trap.condition]
    good = [trap for trap in traps if trap.condition and trap.condition != DESTROYED]
    bad = [trap for trap in traps if trap.condition == DESTROYED]
    return _shuffled([*_shuffled(counted, rng)[:_COUNTED_TRAPS], _shuffled(good, rng)[0], _shuffled(bad, rng)[0]], rng)


def _with_traps(rated: Sequence[Item], traps: Sequence[Item], rng: np.random.Generator) -> list[Item]:
    """Put one trap into each of equally long stretches, beside other recordings if that can be."""
    order = list(rated)
    edges = np.linspace(1, len(rated), len(traps) + 1).round().astype(int)
    # From behind, so that places before stay where they are.
    for trap, (start, end) in reversed(list(zip(traps, pairwise(edges.tolist())))):
        places = [int(place) for place in rng.permutation(np.arange(start, max(end, start + 1)))]
        free = [at for at in places if all(item.clip != trap.clip for item in order[max(0, at - 1) : at + 1])]
        order.insert((free or places)[0], trap)
    return order


def _shuffled(items: Sequence[Item], rng: np.random.Generator) -> list[Item]:
    return [items[place] for place in rng.permutation(len(items))]
