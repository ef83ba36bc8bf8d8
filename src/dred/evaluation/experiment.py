"""An experiment: which schemes meet which networks, over which clips, and how the result is judged."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from dred.errors import UsageError
from dred.evaluation.clips import ClipSelection
from dred.evaluation.metrics import find_metrics
from dred.evaluation.networks import Network
from dred.evaluation.schemes import Scheme

__all__ = ["DEFAULT_METRICS", "Experiment"]

DEFAULT_METRICS = ("plcmos", "pesq", "estoi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What is compared with what.

    Attributes:
        name: Short name.
        title: For a heading; by default the name.
        seed: Of all random numbers, at least 0.
        clips: Which recordings of the collection are used.
        schemes: At least one; their names differ.
        networks: At least one; their names differ.
        metrics: Names of the metrics.
    """

    name: str
    title: str = ""
    seed: int = 1
    clips: ClipSelection = field(default_factory=ClipSelection)
    schemes: tuple[Scheme, ...]
    networks: tuple[Network, ...]
    metrics: tuple[str, ...] = DEFAULT_METRICS

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", self.name)
        if self.seed < 0:
            raise UsageError(f"seed must be at least 0, got {self.seed}")
        _require_names("scheme", (scheme.name for scheme in self.schemes))
        _require_names("network", (network.name for network in self.networks))
        find_metrics(self.metrics)
        if len(set(self.metrics)) != len(self.metrics):
            raise UsageError(f"each metric counts once, got {', '.join(self.metrics)}")


def _require_names(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if not name or name in seen:
            raise UsageError(f"every {kind} needs a name of its own, got {name!r}{' twice' if name else ''}")
        seen.add(name)
    if not seen:
        raise UsageError(f"an experiment needs at least one {kind}")
