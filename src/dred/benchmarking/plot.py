"""Results as a picture: one SVG, bars for the stages and three panels of lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from jinja2 import Environment, PackageLoader, StrictUndefined

from dred.benchmarking.results import Cost, Results

__all__ = ["render_plot"]

_WIDTH, _HEIGHT = 330.0, 190.0
_BAR_WIDTH = 230.0
_NUM_STEPS = 4
_OURS, _THEIRS = "dred", "libopus"
_PRIMED, _UNPRIMED, _ALL, _CODING, _SPEAKING = "primed", "unprimed", "all", "entropy coding", "FARGAN alone"
_BLUE, _GREEN, _ORANGE, _GREY = "#1b6ca8", "#4a8f3c", "#c2571a", "#666666"
_COLOURS = {
    _OURS: _BLUE,
    _PRIMED: _BLUE,
    _ALL: _BLUE,
    _UNPRIMED: _GREEN,
    _CODING: _GREEN,
    _THEIRS: _ORANGE,
    _SPEAKING: _GREY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """A number on an axis, and where it stands."""

    label: str
    position: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One thing as it changes: its name, and where it passes."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """Lines over an axis whose values stand equally far apart."""

    title: str
    x_title: str
    x_marks: Sequence[_Mark]
    y_marks: Sequence[_Mark]
    lines: Sequence[_Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    """A share of the yardstick."""

    name: str
    width: float
    label: str


def render_plot(results: Results) -> str:
    """Draw the costs of the stages, streams per core, and cost by redundancy and by number of streams."""
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("plot.svg.j2").render(
        results=results,
        stages=_bars(results),
        panels=[_streams(results), _redundancy(results), _many_streams(results)],
        width=_WIDTH,
        height=_HEIGHT,
        colours=_COLOURS,
    )


def _bars(results: Results) -> dict[str, list[_Bar]]:
    """Return the bars of each stage whose cost goes by the second."""
    stages = [stage for stage in results.stages if stage.unit == "ms_per_s"]
    widest = max(cost.ratio for stage in stages for cost in (stage.ours, stage.theirs) if cost)

    def bar(name: str, cost: Cost) -> _Bar:
        return _Bar(name=name, width=_BAR_WIDTH * cost.ratio / widest, label=f"{cost.ratio:.3f}")

    return {
        stage.name: [bar(_OURS, stage.ours), *([bar(_THEIRS, stage.theirs)] if stage.theirs else [])]
        for stage in stages
    }


def _streams(results: Results) -> _Panel:
    lines = {
        _PRIMED: [1 / stream.primed.seconds for stream in results.streams],
        _UNPRIMED: [1 / stream.unprimed.seconds for stream in results.streams],
    }
    theirs = [1 / stream.theirs.seconds for stream in results.streams if stream.theirs]
    return _panel(
        "receive streams on one core",
        "packets lost, %",
        [str(stream.loss_percent) for stream in results.streams],
        lines | ({_THEIRS: theirs} if theirs else {}),
    )


def _redundancy(results: Results) -> _Panel:
    return _panel(
        "sending redundancy, ms of CPU per second",
        "redundancy, ms",
        [str(each.duration_ms) for each in results.redundancy],
        {
            _ALL: [1e3 * each.all.seconds for each in results.redundancy],
            _CODING: [1e3 * each.coding.seconds for each in results.redundancy],
        },
    )


def _many_streams(results: Results) -> _Panel:
    return _panel(
        "streams together at 30 % loss, ms of CPU per second, each",
        "streams",
        [str(each.num_streams) for each in results.many_streams],
        {
            _PRIMED: [1e3 * each.primed.seconds for each in results.many_streams],
            _UNPRIMED: [1e3 * each.unprimed.seconds for each in results.many_streams],
            _SPEAKING: [1e3 * each.speaking.seconds for each in results.many_streams],
        },
    )


def _panel(title: str, x_title: str, labels: Sequence[str], lines: Mapping[str, Sequence[float]]) -> _Panel:
    top, step = _nice_axis(max(value for values in lines.values() for value in values))
    step_width = _WIDTH / max(1, len(labels) - 1)
    return _Panel(
        title=title,
        x_title=x_title,
        x_marks=[_Mark(label=label, position=step_width * n) for n, label in enumerate(labels)],
        y_marks=[
            _Mark(label=f"{step * n:g}", position=_HEIGHT * (1 - step * n / top)) for n in range(ceil(top / step))
        ],
        lines=[
            _Line(name=name, points=[(step_width * n, _HEIGHT * (1 - value / top)) for n, value in enumerate(values)])
            for name, values in lines.items()
        ],
    )


def _nice_axis(highest: float) -> tuple[float, float]:
    """Return the end of an axis that starts at 0, and the step between its marks: 1, 2 or 5 times a power of ten."""
    rough = highest / _NUM_STEPS
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return step * ceil(highest / step) * 1.05, step
