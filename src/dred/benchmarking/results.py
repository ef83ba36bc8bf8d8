"""What a benchmark found, and its form as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dred.benchmarking.latency import TickLatency
from dred.benchmarking.machine import Setting
from dred.benchmarking.memory import TickMemory
from dred.benchmarking.start_up import StartUp, StreamMemory

__all__ = ["Cost", "Latency", "ManyStreams", "Memory", "RedundancyCost", "Results", "StageCost", "StreamCost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU seconds per second of speech, or per call; and the share in the yardstick's cost of a second of speech."""

    seconds: float
    ratio: float

    @property
    def streams_per_core(self) -> int:
        """How many streams of this cost one core holds."""
        return int(1 / self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost:
    """A stage's cost, and that of the other libopus, where it has such a stage and was asked."""

    name: str
    unit: Literal["ms_per_s", "us"]
    what: str
    ours: Cost
    theirs: Cost | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCost:
    """A whole stream's cost at a loss; the other libopus has no priming."""

    loss_percent: int
    primed: Cost
    unprimed: Cost
    theirs: Cost | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedundancyCost:
    """What sending so much redundancy adds, and how much of that is entropy coding."""

    duration_ms: int
    all: Cost
    coding: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyStreams:
    """What each of so many streams costs that are stepped together: to speak, and to receive at 30 % loss."""

    num_streams: int
    speaking: Cost
    primed: Cost
    unprimed: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long one stream keeps its caller waiting: its ticks, and the first samples behind gaps, in ms by gap."""

    tick: TickLatency
    tick_unprimed: TickLatency
    first_recovered_ms: dict[int, float]
    first_recovered_unprimed_ms: dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a stream takes while it ticks, and as long as it lives."""

    tick: TickMemory
    tick_unprimed: TickMemory
    stream: StreamMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything."""

    setting: Setting
    speech: str
    seconds: float
    num_rounds: int
    weights: str
    activation_bytes: int
    against: str | None
    yardstick_s: float
    stages: Sequence[StageCost]
    sending: Cost
    streams: Sequence[StreamCost]
    describing: Cost
    redundancy: Sequence[RedundancyCost]
    many_streams: Sequence[ManyStreams]
    latency: Latency
    memory: Memory
    start_up: StartUp

    def as_json(self) -> dict[str, Any]:
        """Return plain values, named with their units."""
        return {
            "dred": self.setting.dred,
            "commit": self.setting.commit,
            "machine": asdict(self.setting),
            "speech": {"name": self.speech, "seconds": self.seconds},
            "rounds": self.num_rounds,
            "weights": self.weights,
            "activation_bytes": self.activation_bytes,
            "against": self.against,
            "yardstick_ms_per_s": 1e3 * self.yardstick_s,
            "stages": {stage.name: _stage(stage) for stage in self.stages},
            "sending": _per_second(self.sending),
            "streams_per_core": _streams_per_core(self.streams, self.many_streams),
            "streams": {str(stream.loss_percent): _stream(stream) for stream in self.streams},
            "describing": _per_second(self.describing),
            "redundancy": [
                {"duration_ms": each.duration_ms, "all": _per_second(each.all), "coding": _per_second(each.coding)}
                for each in self.redundancy
            ],
            "many_streams": [_crowd(each) for each in self.many_streams],
            "latency": asdict(self.latency),
            "memory": asdict(self.memory),
            "start_up": asdict(self.start_up),
        }


def _stage(stage: StageCost) -> dict[str, Any]:
    form = _per_second if stage.unit == "ms_per_s" else _per_call
    return form(stage.ours) | ({"libopus": form(stage.theirs)} if stage.theirs else {})


def _stream(stream: StreamCost) -> dict[str, Any]:
    costs = {"primed": stream.primed, "unprimed": stream.unprimed, "libopus": stream.theirs}
    return {name: _per_second(cost) for name, cost in costs.items() if cost}


def _crowd(crowd: ManyStreams) -> dict[str, Any]:
    costs = {"speaking": crowd.speaking, "primed": crowd.primed, "unprimed": crowd.unprimed}
    return {"streams": crowd.num_streams} | {name: _per_second(cost) for name, cost in costs.items()}


def _streams_per_core(streams: Sequence[StreamCost], crowds: Sequence[ManyStreams]) -> dict[str, int]:
    """Count the streams that fit into a core: each on its own, and at the highest loss as a bank, too."""
    counts: dict[str, int] = {}
    for stream in streams:
        costs = {"": stream.primed, "_unprimed": stream.unprimed, "_libopus": stream.theirs}
        counts |= {f"{stream.loss_percent}{kind}": cost.streams_per_core for kind, cost in costs.items() if cost}
    bank = min(crowds, key=lambda crowd: crowd.unprimed.seconds)
    loss_percent = max(stream.loss_percent for stream in streams)
    return counts | {
        f"{loss_percent}_bank": bank.primed.streams_per_core,
        f"{loss_percent}_unprimed_bank": bank.unprimed.streams_per_core,
    }


def _per_second(cost: Cost) -> dict[str, float]:
    return {"ms_per_s": 1e3 * cost.seconds, "ratio": cost.ratio}


def _per_call(cost: Cost) -> dict[str, float]:
    return {"us": 1e6 * cost.seconds, "ratio": cost.ratio}
