"""Panels as drawings: data enters, SVG leaves, the same every time.

Lines are named beside them, not in a legend apart; text stays text. On a page the colours are the page's variables; a
file of its own brings them along, for light and dark.
"""

import io
import re
import warnings
from collections.abc import Mapping
from itertools import pairwise
from math import isnan
from typing import Any

import numpy as np
from jaxtyping import Float64

from dred.errors import UsageError
from dred.report.evaluation.colours import DIM, GRID, INK, Look, stand_ins, variables_css
from dred.report.evaluation.labels import Box, place_beside, spread
from dred.report.evaluation.panels import BarPanel, Line, LinePanel, Panel
from dred.report.evaluation.wording import number

__all__ = ["draw_for_file", "draw_for_page"]

_POINTS_PER_INCH = 72
_WIDTH, _HEIGHT = 360, 270
_LEFT, _TOP, _BOTTOM = 42, 28, 46
_LINE_HEIGHT = 12.5
_LETTER_WIDTH = 6.1
_SMALL, _NORMAL = 10.5, 11.5
_BAR_HEIGHT = 22
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
        height = _HEIGHT
        if isinstance(panel, BarPanel):
            height = _TOP + _BOTTOM + _BAR_HEIGHT * len(panel.bars)
        figure = Figure(figsize=(_WIDTH / _POINTS_PER_INCH, height / _POINTS_PER_INCH), dpi=_POINTS_PER_INCH)
        if isinstance(panel, BarPanel):
            _draw_bars(figure, panel, height)
        else:
            _draw_lines(figure, panel, height)
        file = io.StringIO()
        nothing_else = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(file, format="svg", transparent=True, metadata=nothing_else)
    return file.getvalue()


def _axes(figure: Any, panel: Panel, height: float, left: float, right: float) -> Any:
    width = _WIDTH
    axes = figure.add_axes(
        (left / width, _BOTTOM / height, (width - left - right) / width, (height - _TOP - _BOTTOM) / height)
    )
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


def _draw_lines(figure: Any, panel: LinePanel, height: float) -> None:
    names = [line.name for line in panel.lines]
    is_trend = panel.x_marks is not None or _spans(panel)
    right = 12 + _LETTER_WIDTH * max(map(len, names)) if is_trend else 12
    axes = _axes(figure, panel, height, _LEFT, right)
    axes.grid(axis="y", color=GRID.stand_in, linewidth=0.8)
    places = [point.x for line in panel.lines for point in line.points]
    room = (max(places) - min(places)) or 1.0
    axes.set_xlim(min(places) - 0.06 * room, max(places) + 0.06 * room)
    if panel.x_marks is not None:
        axes.set_xlim(-0.4, len(panel.x_marks) - 0.6)
        axes.set_xticks(range(len(panel.x_marks)), panel.x_marks)
        room = len(panel.x_marks)
    for number_of, line in enumerate(panel.lines):
        # Side by side, so that intervals at the same place can be told apart.
        aside = (number_of - (len(panel.lines) - 1) / 2) * room * 0.007 if is_trend else 0.0
        _draw_line(axes, line, aside)
    lows = [
        value for line in panel.lines for point in line.points for value in (point.y.low, point.y.mean, point.y.high)
    ]
    known = [value for value in lows if not isnan(value)]
    margin = 0.06 * ((max(known) - min(known)) or 1.0)
    axes.set_ylim(min(known) - margin, max(known) + margin)
    _name_lines(figure, axes, panel, height, at_ends=is_trend)


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
    ends = [(x, point.y.low, point.y.high) for x, point in zip(xs, line.points, strict=True) if not isnan(point.y.low)]
    if ends:
        axes.vlines(*zip(*ends, strict=True), color=colour, linewidth=1.2, alpha=0.55)


def _name_lines(figure: Any, axes: Any, panel: LinePanel, height: float, *, at_ends: bool) -> None:
    """Write each line's name beside its end, where there is room."""
    ends = axes.transData.transform([(line.points[-1].x, line.points[-1].y.mean) for line in panel.lines])
    spots = [(float(x), float(y)) for x, y in ends]
    if at_ends:
        edge = max(x for x, _ in spots) + 14
        heights = spread([y for _, y in spots], _LINE_HEIGHT, lowest=8.0, highest=height - _TOP)
        placed = [(line, edge, y) for line, y in zip(panel.lines, heights, strict=True)]
    else:
        marks = [
            Box.around(*place, 8, 8)
            for line in panel.lines
            for place in _along(axes.transData.transform([(point.x, point.y.mean) for point in line.points]))
        ]
        sizes = [(_LETTER_WIDTH * len(line.name), _LINE_HEIGHT) for line in panel.lines]
        page = Box(left=_LEFT, bottom=_BOTTOM, right=_WIDTH, top=height - 14)
        boxes = place_beside(spots, sizes, marks, page)
        placed = [(line, box.left, (box.bottom + box.top) / 2) for line, box in zip(panel.lines, boxes, strict=True)]
    for line, x, y in placed:
        figure.text(
            x / _WIDTH,
            y / height,
            line.name,
            fontsize=_SMALL,
            color=line.look.stand_in,
            va="center_baseline",
            ha="left",
        )


def _along(places: Float64[np.ndarray, "points 2"]) -> list[tuple[float, float]]:
    """Return places on a line so close to each other that no name fits between them."""
    steps = [np.linspace(start, end, 20, endpoint=False) for start, end in pairwise(places)]
    return [(float(x), float(y)) for x, y in np.concatenate([*steps, places[-1:]])]


def _draw_bars(figure: Any, panel: BarPanel, height: float) -> None:
    left = 10 + _LETTER_WIDTH * max(len(bar.name) for bar in panel.bars)
    axes = _axes(figure, panel, height, left, 34)
    places = list(range(len(panel.bars)))[::-1]
    for place, bar in zip(places, panel.bars, strict=True):
        mean, low, high = bar.length.mean, bar.length.low, bar.length.high
        axes.barh(place, mean, height=0.62, color=bar.look.stand_in, alpha=0.85, linewidth=0)
        if not isnan(low):
            axes.hlines(place, low, high, color=INK.stand_in, linewidth=1.2)
    ends = [value for bar in panel.bars for value in (bar.length.mean, bar.length.low, bar.length.high)]
    known = [0.0, *panel.guides, *(value for value in ends if not isnan(value))]
    axes.set_xlim(min(known), max(known) * 1.02)
    axes.set_ylim(-0.6, len(panel.bars) - 0.4)
    axes.set_yticks(places, [bar.name for bar in panel.bars])
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
