"""The whole benchmark, part by part.

stages, streams, redundancy, another libopus: rounds with the yardstick
many streams: rounds of their own, with the yardstick
latency, memory, fresh processes
"""

from collections.abc import Callable
from dataclasses import dataclass

from dred.benchmarking.against import AGAINST, against_works, receiving_name, with_differences
from dred.benchmarking.crowds import receiving_together
from dred.benchmarking.latency import GAPS_MS, first_recovered_ms, tick_latency
from dred.benchmarking.machine import describe_setting
from dred.benchmarking.material import Material
from dred.benchmarking.memory import tick_memory
from dred.benchmarking.redundancy import DURATIONS_MS, describing, protecting
from dred.benchmarking.results import (
    Cost,
    Latency,
    ManyStreams,
    Memory,
    RedundancyCost,
    Results,
    StageCost,
    StreamCost,
)
from dred.benchmarking.rounds import Timings, time_rounds
from dred.benchmarking.stages import STAGES, many_voices
from dred.benchmarking.start_up import measure_fresh_processes
from dred.benchmarking.streams import LOSSES_PERCENT, receiving, sending
from dred.benchmarking.yardstick import YARDSTICK, yardstick
from dred.opus import Libopus

__all__ = ["FULL", "QUICK", "Effort", "run_benchmark"]

Report = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long everything is looked at.

    Attributes:
        speech_s: Seconds of speech, at least 3.
        num_rounds: Rounds of the stages and of single streams.
        num_crowd_rounds: Rounds of many streams.
        crowds: Numbers of streams.
        num_passes: Passes over the speech for the latency of ticks.
        num_gaps: Gaps whose first sample is waited for, of each length.
        num_starts: Fresh processes of each kind.
    """

    speech_s: int
    num_rounds: int
    num_crowd_rounds: int
    crowds: tuple[int, ...]
    num_passes: int
    num_gaps: int
    num_starts: int


FULL = Effort(
    speech_s=10,
    num_rounds=9,
    num_crowd_rounds=2,
    crowds=(1, 2, 4, 16, 64, 256, 1000),
    num_passes=5,
    num_gaps=20,
    num_starts=5,
)
QUICK = Effort(speech_s=4, num_rounds=3, num_crowd_rounds=2, crowds=(1, 8, 64), num_passes=1, num_gaps=5, num_starts=1)

_DESCRIBING = "redundancy, unwritten"
_SENDING = "send"


def run_benchmark(
    material: Material,
    effort: Effort,
    *,
    speech_name: str,
    library: Libopus | None = None,
    report: Report = lambda share: None,
) -> Results:
    """Measure everything; about half a minute with `QUICK`, some minutes with `FULL`.

    Args:
        material: Speech and weights.
        effort: How long.
        speech_name: What the speech is called in the results.
        library: A libopus with DRED compiled in, to be timed side by side.
        report: Is told the share that is done, 0 to 1.

    Raises:
        UsageError: $DRED_KERNELS names what this processor cannot run, or the library has no DRED.
    """
    setting = describe_setting()
    timings = _time_single(material, effort, library, _part(report, 0.0, 0.6))
    crowds = _time_crowds(material, effort, _part(report, 0.6, 0.8))
    latency = _latency(material, effort)
    report(0.9)
    memory_unprimed, memory_primed = (
        tick_memory(material.packets, material.weights, priming=priming) for priming in (False, True)
    )
    start_up, stream_memory = measure_fresh_processes(material, num_starts=effort.num_starts)
    report(1.0)
    return Results(
        setting=setting,
        speech=speech_name,
        seconds=material.seconds,
        num_rounds=effort.num_rounds,
        weights=material.weights.name,
        activation_bytes=material.activation_bytes,
        against=library.capabilities.version if library else None,
        yardstick_s=timings.cost(YARDSTICK),
        stages=_stage_costs(timings),
        sending=_cost(timings, _SENDING),
        streams=_stream_costs(timings),
        describing=_cost(timings, _DESCRIBING),
        redundancy=_redundancy_costs(timings),
        many_streams=_crowd_costs(crowds, effort),
        latency=latency,
        memory=Memory(tick=memory_primed, tick_unprimed=memory_unprimed, stream=stream_memory),
        start_up=start_up,
    )


def _time_single(material: Material, effort: Effort, library: Libopus | None, report: Report) -> Timings:
    works = {YARDSTICK: yardstick(material.speech)}
    works |= {stage.name: stage.work(material) for stage in STAGES}
    works[_SENDING] = sending(material)
    for loss in LOSSES_PERCENT:
        for priming in (True, False):
            works[_receiving(loss, priming)] = receiving(material, loss_percent=loss, priming=priming)
    works[_DESCRIBING] = describing(material)
    works |= {_protecting(duration): protecting(material, duration_ms=duration) for duration in DURATIONS_MS}
    if library is not None:
        works |= against_works(material, library)
    timings = time_rounds(works, num_rounds=effort.num_rounds, report=report)
    for duration in DURATIONS_MS:
        timings = timings.with_difference(_coding(duration), _protecting(duration), _DESCRIBING)
    return with_differences(timings) if library is not None else timings


def _time_crowds(material: Material, effort: Effort, report: Report) -> Timings:
    works = {YARDSTICK: yardstick(material.speech)}
    for number in effort.crowds:
        works[_speaking(number)] = many_voices(material, num_streams=number)
        for priming in (True, False):
            works[_together(number, priming)] = receiving_together(material, num_streams=number, priming=priming)
    return time_rounds(works, num_rounds=effort.num_crowd_rounds, report=report)


def _latency(material: Material, effort: Effort) -> Latency:
    def recovered(*, priming: bool) -> dict[int, float]:
        return {
            gap: first_recovered_ms(material, gap_ms=gap, num_times=effort.num_gaps, priming=priming) for gap in GAPS_MS
        }

    return Latency(
        tick=tick_latency(material, num_passes=effort.num_passes, priming=True),
        tick_unprimed=tick_latency(material, num_passes=effort.num_passes, priming=False),
        first_recovered_ms=recovered(priming=True),
        first_recovered_unprimed_ms=recovered(priming=False),
    )


def _stage_costs(timings: Timings) -> list[StageCost]:
    return [
        StageCost(
            name=stage.name,
            unit=stage.unit,
            what=stage.what,
            ours=_cost(timings, stage.name),
            theirs=_cost_if_timed(timings, f"{AGAINST}{stage.name}"),
        )
        for stage in STAGES
    ]


def _stream_costs(timings: Timings) -> list[StreamCost]:
    return [
        StreamCost(
            loss_percent=loss,
            primed=_cost(timings, _receiving(loss, True)),
            unprimed=_cost(timings, _receiving(loss, False)),
            theirs=_cost_if_timed(timings, receiving_name(loss)),
        )
        for loss in LOSSES_PERCENT
    ]


def _redundancy_costs(timings: Timings) -> list[RedundancyCost]:
    return [
        RedundancyCost(
            duration_ms=duration, all=_cost(timings, _protecting(duration)), coding=_cost(timings, _coding(duration))
        )
        for duration in DURATIONS_MS
    ]


def _crowd_costs(timings: Timings, effort: Effort) -> list[ManyStreams]:
    return [
        ManyStreams(
            num_streams=number,
            speaking=_cost(timings, _speaking(number)),
            primed=_cost(timings, _together(number, True)),
            unprimed=_cost(timings, _together(number, False)),
        )
        for number in effort.crowds
    ]


def _cost(timings: Timings, name: str) -> Cost:
    return Cost(seconds=timings.cost(name), ratio=timings.ratio(name, YARDSTICK))


def _cost_if_timed(timings: Timings, name: str) -> Cost | None:
    return _cost(timings, name) if name in timings else None


def _receiving(loss_percent: int, priming: bool) -> str:
    return f"receive {loss_percent} %{'' if priming else ', unprimed'}"


def _protecting(duration_ms: int) -> str:
    return f"redundancy {duration_ms} ms"


def _coding(duration_ms: int) -> str:
    return f"coding {duration_ms} ms"


def _speaking(num_streams: int) -> str:
    return f"speak {num_streams}"


def _together(num_streams: int, priming: bool) -> str:
    return f"receive {num_streams} together{'' if priming else ', unprimed'}"


def _part(report: Report, start: float, end: float) -> Report:
    return lambda share: report(start + share * (end - start))
