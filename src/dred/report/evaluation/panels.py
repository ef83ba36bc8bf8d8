"""Figures as data: what a drawing shows, before it is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from dred.evaluation.statistics import Interval
from dred.report.evaluation.colours import Look

__all__ = ["Bar", "BarPanel", "Line", "LinePanel", "Panel", "Point"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """An estimate at a place.

    Attributes:
        x: The place.
        y: The estimate.
        name: What is measured there, for a table.
    """

    x: float
    y: Interval
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing as it changes; one point is drawn as such."""

    name: str
    look: Look
    points: Sequence[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePanel:
    """Lines over an axis.

    Attributes:
        name: Short name: that of a file.
        title: What the vertical axis shows.
        x_title: What the horizontal axis shows.
        x_marks: Labels of places 0, 1, 2, ...; None for an axis of numbers.
        digits: Behind the point, of the estimates.
        lines: In the order of the legend.
    """

    name: str
    title: str
    x_title: str
    x_marks: Sequence[str] | None
    digits: int
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One estimate as a bar from 0."""

    name: str
    look: Look
    length: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class BarPanel:
    """Bars below each other.

    Attributes:
        name: Short name: that of a file.
        title: What the bars show.
        x_title: What the axis shows.
        guides: Places of the axis that mean something.
        digits: Behind the point, of the estimates.
        bars: From the top.
    """

    name: str
    title: str
    x_title: str
    guides: Sequence[float]
    digits: int
    bars: Sequence[Bar]


Panel = LinePanel | BarPanel
