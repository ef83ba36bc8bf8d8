"""How CPU time is taken: pieces of work take turns, so that whatever else the machine does meets all of them.

    prepare -> run, timed -> prepare -> run, timed ...   one of each per round

Shares are formed within a round and their median is told: clocks that speed up and slow down drop out.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Timings", "Work", "time_rounds"]

Report = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something that is done once per round.

    Attributes:
        prepare: Sets up, untimed, and returns what is timed.
        amount: How much is done: seconds of speech, or calls.
    """

    prepare: Callable[[], Callable[[], object]]
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """CPU seconds per unit of work: by name, one per round."""

    seconds: Mapping[str, Sequence[float]]

    def __contains__(self, name: str) -> bool:
        return name in self.seconds

    def cost(self, name: str) -> float:
        """Return the median over the rounds, in seconds."""
        return median(self.seconds[name])

    def ratio(self, name: str, to: str) -> float:
        """Return the median share of one work's cost in another's."""
        return median(part / whole for part, whole in zip(self.seconds[name], self.seconds[to]))

    def with_difference(self, name: str, more: str, less: str) -> "Timings":
        """Add what one work costs more than another, round by round."""
        rounds = [high - low for high, low in zip(self.seconds[more], self.seconds[less])]
        return Timings(seconds={**self.seconds, name: rounds})


def time_rounds(works: Mapping[str, Work], *, num_rounds: int, report: Report = lambda share: None) -> Timings:
    """Do all works once to warm up, then in turn, round by round.

    Args:
        works: What to time, by name.
        num_rounds: How often, at least 1.
        report: Is told the share that is done, 0 to 1.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for number in range(num_rounds + 1):
        for place, (name, work) in enumerate(works.items()):
            run = work.prepare()
            start = time.process_time()
            run()
            spent = time.process_time() - start
            if number > 0:
                seconds[name].append(spent / work.amount)
            report((number + (place + 1) / len(works)) / (num_rounds + 1))
    return Timings(seconds=seconds)
