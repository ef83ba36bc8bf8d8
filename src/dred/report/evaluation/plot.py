"""Panels as drawings: data enters, SVG leaves, the same every time.

Lines are named beside them, not in a legend apart; text stays text. On a page the colours are the page's variables; a
file of its own brings them along, for light and dark.
"""

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite, radians, sin
from typing import Any

import numpy as np
from jaxtyping import Float64

from dred.errors import UsageError
from dred.evaluation.statistics import Interval
from dred.report.evaluation.colours import DIM, GRID, INK, Look, stand_ins, variables_css
from dred.report.evaluation.labels import Box, place_beside, spread
from dred.report.evaluation.panels import BarPanel, Line, LinePanel, Panel
from dred.report.evaluation.wording import number

__all__ = ["draw_for_file", "draw_for_page"]

_POINTS_PER_INCH = 72
_WIDTH, _INNER_HEIGHT = 360, 196
_LEFT, _TOP, _BOTTOM = 42, 28, 46
_LINE_HEIGHT = 12.5
_LETTER_WIDTH = 6.1
_SMALL, _NORMAL = 10.5, 11.5
_BAR_HEIGHT = 22
_MAX_BEYOND = 0.4
_MAX_LETTERS = 20
_SLANT_DEGREES = 60.0
_SETTINGS: Any = {
    "svg.fonttype": "none",
    # Names of parts follow from the drawing alone.
    "svg.hashsalt": "dred",
    "font.family": ["DejaVu Sans"],
    "font.size": _SMALL,
    "text.parse_math": False,
}


def draw_for_page(panel: Panel, families: Mapping[str, Look]) -> str:
    """Draw a panel as an SVG element for a page that has the variables of the families."""
    return _recolour(_draw(panel), panel.name, families)


def draw_for_file(panel: Panel, families: Mapping[str, Look]) -> str:
    """Draw a panel as a file of its own."""
    svg = _recolour(_draw(panel), panel.name, families)
    style = f"<style>\n{variables_css(families, selector='svg')}\n</style>"
    namespaced = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return re.sub(r"(<svg [^>]*>)", lambda match: f"{match[1]}\n{style}", namespaced, count=1) + "\n"


def _draw(panel: Panel) -> str:
    try:
        import matplotlib  # Here, not above: it is slow to import.
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("figures need matplotlib: pip install 'dred[eval]'") from error
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # Of letters that its own font lacks; the page's has them.
        warnings.simplefilter("ignore")
        figure = Figure(dpi=_POINTS_PER_INCH)
        if isinstance(panel, BarPanel):
            _draw_bars(figure, panel)
        else:
            _draw_lines(figure, panel)
        file = io.StringIO()
        nothing_else = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(file, format="svg", transparent=True, metadata=nothing_else)
    return file.getvalue()


def _axes(figure: Any, panel: Panel, inner_height: float, left: float, right: float, bottom: float = _BOTTOM) -> Any:
    """Lay out axes with room around them, in points; the figure is as high as it takes."""
    width, height = _WIDTH, _TOP + inner_height + bottom
    figure.set_size_inches(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH)
    axes = figure.add_axes((left / width, bottom / height, (width - left - right) / width, inner_height / height))
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(DIM.stand_in)
    axes.tick_params(length=0, pad=4, labelsize=_SMALL, labelcolor=DIM.stand_in)
    axes.set_axisbelow(True)
    axes.set_xlabel(panel.x_title, fontsize=_SMALL, color=DIM.stand_in, labelpad=2)
    figure.text(
        4 / width, 1 - 5 / height, panel.title, fontsize=_NORMAL, fontweight="bold", color=INK.stand_in, va="top"
    )
    return axes


def _draw_lines(figure: Any, panel: LinePanel) -> None:
    is_trend = panel.x_marks is not None or _spans(panel)
    right = 12 + _LETTER_WIDTH * max(len(_short(line.name)) for line in panel.lines) if is_trend else 12
    inner_width = _WIDTH - _LEFT - right
    marks, bottom, angle = _lay_marks(panel.x_marks or (), inner_width)
    axes = _axes(figure, panel, _INNER_HEIGHT, _LEFT, right, bottom)
    axes.grid(axis="y", color=GRID.stand_in, linewidth=0.8)
    places = [point.x for line in panel.lines for point in line.points]
    room = (max(places) - min(places)) or 1.0
    axes.set_xlim(min(places) - 0.06 * room, max(places) + 0.06 * room)
    if marks:
        axes.set_xlim(-0.4, len(marks) - 0.6)
        axes.set_xticks(range(len(marks)), marks)
        room = len(marks)
    if angle:
        for label in axes.get_xticklabels():
            label.set(rotation=angle, ha="right", rotation_mode="anchor")
    for number_of, line in enumerate(panel.lines):
        # Side by side, so that intervals at the same place can be told apart.
        aside = (number_of - (len(panel.lines) - 1) / 2) * room * 0.007 if is_trend else 0.0
        _draw_line(axes, line, aside)
    known = [value for line in panel.lines for point in line.points for value in _known(point.y)]
    margin = 0.06 * ((max(known) - min(known)) or 1.0)
    axes.set_ylim(min(known) - margin, max(known) + margin)
    _name_lines(figure, axes, panel, at_ends=is_trend)


def _lay_marks(marks: Sequence[str], inner_width: float) -> tuple[list[str], float, float]:
    """Return marks, the room below the axis and the angle they need: what is too wide to stand side by side slants."""
    lines = [[_short(line) for line in mark.split("\n")] for mark in marks]
    widest = max((len(line) for mark in lines for line in mark), default=0) * _LETTER_WIDTH
    if widest * len(lines) <= inner_width:
        return ["\n".join(mark) for mark in lines], _BOTTOM, 0.0
    slanting = [", ".join(mark) for mark in lines]
    length = _LETTER_WIDTH * max(map(len, slanting))
    return slanting, 34 + length * sin(radians(_SLANT_DEGREES)), _SLANT_DEGREES


def _known(interval: Interval) -> list[float]:
    return [value for value in (interval.low, interval.mean, interval.high) if isfinite(value)]


def _short(name: str) -> str:
    return name if len(name) <= _MAX_LETTERS else f"{name[: _MAX_LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"


def _spans(panel: LinePanel) -> bool:
    """Tell whether all lines reach from one end of the axis to the other."""
    ends = {(line.points[0].x, line.points[-1].x) for line in panel.lines}
    return len(ends) == 1 and all(len(line.points) > 1 for line in panel.lines)


def _draw_line(axes: Any, line: Line, aside: float) -> None:
    colour = line.look.stand_in
    xs = [point.x + aside for point in line.points]
    ys = [point.y.mean for point in line.points]
    axes.plot(
        xs,
        ys,
        color=colour,
        linewidth=1.6,
        linestyle=(0, line.look.dashes) if line.look.dashes else "solid",
        marker=line.look.marker,
        markersize=5.5,
        markeredgewidth=1.2,
        clip_on=False,
    )
    ends = [
        (x, point.y.low, point.y.high) for x, point in zip(xs, line.points, strict=True) if len(_known(point.y)) == 3
    ]
    if ends:
        axes.vlines(*zip(*ends, strict=True), color=colour, linewidth=1.2, alpha=0.55)


def _name_lines(figure: Any, axes: Any, panel: LinePanel, *, at_ends: bool) -> None:
    """Write each line's name beside its end, where there is room."""
    names = [_short(line.name) for line in panel.lines]
    height = float(figure.bbox.height)
    ends = axes.transData.transform([(line.points[-1].x, line.points[-1].y.mean) for line in panel.lines])
    spots = [(float(x), float(y)) for x, y in ends]
    if at_ends:
        edge = max(x for x, _ in spots) + 14
        heights = spread([y for _, y in spots], _LINE_HEIGHT, lowest=8.0, highest=height - _TOP)
        placed = [(edge, y) for y in heights]
    else:
        marks = [
            Box.around(*place, 8, 8)
            for line in panel.lines
            for place in _along(axes.transData.transform([(point.x, point.y.mean) for point in line.points]))
        ]
        sizes = [(_LETTER_WIDTH * len(name), _LINE_HEIGHT) for name in names]
        page = Box(left=_LEFT, bottom=_BOTTOM, right=_WIDTH, top=height - _TOP + 12)
        boxes = place_beside(spots, sizes, marks, page)
        placed = [(box.left, (box.bottom + box.top) / 2) for box in boxes]
    for line, name, (x, y) in zip(panel.lines, names, placed, strict=True):
        figure.text(
            x / _WIDTH,
            y / height,
            name,
            fontsize=_SMALL,
            color=line.look.stand_in,
            va="center_baseline",
            ha="left",
        )


def _along(places: Float64[np.ndarray, "points 2"]) -> list[tuple[float, float]]:
    """Return places on a line so close to each other that no name fits between them."""
    steps = [np.linspace(start, end, 20, endpoint=False) for start, end in pairwise(places)]
    return [(float(x), float(y)) for x, y in np.concatenate([*steps, places[-1:]])]


def _draw_bars(figure: Any, panel: BarPanel) -> None:
    left = 10 + _LETTER_WIDTH * max(len(_short(bar.name)) for bar in panel.bars)
    axes = _axes(figure, panel, _BAR_HEIGHT * len(panel.bars), left, 34)
    height = float(figure.bbox.height)
    places = list(range(len(panel.bars)))[::-1]
    for place, bar in zip(places, panel.bars, strict=True):
        axes.barh(place, bar.length.mean, height=0.62, color=bar.look.stand_in, alpha=0.85, linewidth=0)
        if len(_known(bar.length)) == 3:
            axes.hlines(place, bar.length.low, bar.length.high, color=INK.stand_in, linewidth=1.2)
    means = [0.0, *panel.guides, *(bar.length.mean for bar in panel.bars)]
    ends = [*means, *(value for bar in panel.bars for value in _known(bar.length))]
    # An interval that reaches far beyond all bars tells nothing more by its full length.
    room = _MAX_BEYOND * (max(means) - min(means))
    axes.set_xlim(max(min(ends), min(means) - room), min(max(ends), max(means) + room) * 1.02)
    axes.set_ylim(-0.6, len(panel.bars) - 0.4)
    axes.set_yticks(places, [_short(bar.name) for bar in panel.bars])
    for label, bar in zip(axes.get_yticklabels(), panel.bars, strict=True):
        label.set_color(bar.look.stand_in)
    for guide in panel.guides:
        axes.axvline(guide, color=DIM.stand_in, linewidth=1, linestyle=(0, (3, 3)))
    for place, bar in zip(places, panel.bars, strict=True):
        figure.text(
            (_WIDTH - 4) / _WIDTH,
            axes.transData.transform((0, place))[1] / height,
            number(bar.length.mean, panel.digits),
            fontsize=_SMALL,
            color=INK.stand_in,
            va="center_baseline",
            ha="right",
        )


def _recolour(svg: str, name: str, families: Mapping[str, Look]) -> str:
    """Keep the drawing alone; put variables for stand-ins, and names of parts that are unique on a page."""
    body = re.sub(
        r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL
    )
    body = (
        re.sub(r' (xmlns(:\w+)?|version|width|height)="[^"]*"', "", body.split(">", 1)[0]) + ">" + body.split(">", 1)[1]
    )
    body = body.replace("xlink:href", "href")
    body = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', body)
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", body)
    body = re.sub(r"(font(?:-family)?:[^;\"]*?)'DejaVu Sans'", r"\1system-ui, sans-serif", body)
    for stand_in, look in stand_ins(families).items():
        body = body.replace(stand_in, f"var(--{look.variable})")
    return re.sub(r"\n\s*\n+", "\n", body).strip()
