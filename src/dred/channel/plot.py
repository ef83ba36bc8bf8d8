"""A comparison of loss models with data as a picture: four panels, each line named where it ends."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

from dred.channel.comparison import Comparison, Look
from dred.channel.distributions import Distribution
from dred.errors import UsageError
from dred.timebase import DOUBLE_FRAME_MS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["render_comparison"]

_DATA = "data"
# Colours that the common kinds of colour blindness keep apart, and dashes for print.
# Source: M. Okabe, K. Ito, "Color Universal Design", 2008.
_STYLES: Mapping[str, Mapping[str, Any]] = {
    _DATA: {"color": "#000000", "linewidth": 2.6, "zorder": 3},
    "hidden Markov": {"color": "#0072b2", "linewidth": 1.8, "zorder": 4},
    "Gilbert-Elliott": {"color": "#d55e00", "linewidth": 1.6, "linestyle": (0, (5, 2))},
    "uniform": {"color": "#6b6b6b", "linewidth": 1.6, "linestyle": (0, (1, 1.5))},
}
_SETTINGS: Any = {"svg.hashsalt": "dred", "svg.fonttype": "path", "font.size": 10, "axes.spines.right": False}
_SIZE_INCHES = (11.0, 7.6)
# Below, a share of draws is a matter of chance; of lengths in ms, the axes begin below one packet.
_LEAST_SHARE = 1e-3
_LABEL_STEP = 0.075


def render_comparison(comparison: Comparison, *, title: str, kind: str) -> bytes:
    """Draw a comparison.

    Args:
        comparison: From `compare`.
        title: A line above the panels.
        kind: "svg" or "png".

    Raises:
        UsageError: matplotlib is missing.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("a plot needs matplotlib: pip install 'dred[eval]'") from error
    with mpl.rc_context({**_SETTINGS, "axes.spines.top": False}):
        figure = Figure(figsize=_SIZE_INCHES, facecolor="white")
        FigureCanvasAgg(figure)
        figure.suptitle(title, x=0.02, horizontalalignment="left", fontweight="bold")
        (bursts, gaps), (correlation, windows) = figure.subplots(2, 2)
        looks = {_DATA: comparison.data, **comparison.models}
        _draw_lengths(bursts, {name: look.bursts for name, look in looks.items()}, "bursts")
        _draw_lengths(gaps, {name: look.gaps for name, look in looks.items()}, "gaps")
        _draw_correlation(correlation, looks)
        _draw_windows(windows, looks)
        figure.subplots_adjust(left=0.07, right=0.87, bottom=0.08, top=0.88, wspace=0.5, hspace=0.42)
        data = io.BytesIO()
        # Without a date, the same numbers give the same file.
        figure.savefig(data, format=kind, dpi=110, metadata={"Date": None} if kind == "svg" else None)
    return data.getvalue()


def _draw_lengths(axes: "Axes", distributions: Mapping[str, Distribution], kind: str) -> None:
    for name, distribution in distributions.items():
        lengths, shares = distribution.at_least()
        shown = shares >= _LEAST_SHARE
        axes.plot(lengths[shown] * DOUBLE_FRAME_MS, shares[shown], **_STYLES[name])
    axes.set(xscale="log", yscale="log", ylim=(_LEAST_SHARE, 1.3))
    axes.set_title(f"How long {kind} last", loc="left")
    axes.set_xlabel("milliseconds, at least")
    axes.set_ylabel(f"share of {kind}")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.tick_params(which="minor", labelbottom=False, labelleft=False)
    _name_lines(axes)


def _draw_correlation(axes: "Axes", looks: Mapping[str, Look]) -> None:
    for name, look in looks.items():
        lags = np.arange(1, len(look.correlation) + 1)
        axes.plot(lags * DOUBLE_FRAME_MS, look.correlation, **_STYLES[name])
    axes.set_title("How long a loss is remembered", loc="left")
    axes.set_xlabel("milliseconds later")
    axes.set_ylabel("correlation of losses")
    _name_lines(axes)


def _draw_windows(axes: "Axes", looks: Mapping[str, Look]) -> None:
    shares = np.linspace(0, 1, 201)
    for name, look in looks.items():
        axes.plot(shares * 100, look.windows.up_to(shares) * 100, **_STYLES[name])
    axes.set_title("How windows of one second differ", loc="left")
    axes.set_xlabel("% lost, at most")
    axes.set_ylabel("% of windows")
    _name_lines(axes)


def _name_lines(axes: "Axes") -> None:
    """Write each line's name right of where it ends; names that would touch are moved apart."""
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.margins(x=0.02)
    # Else the axes get their ends only when they are drawn.
    axes.autoscale_view()
    inside = axes.transAxes.inverted()
    ends = [inside.transform(axes.transData.transform(_last_point(line.get_xydata()))) for line in axes.get_lines()]
    heights = _spread(np.array([end[1] for end in ends]))
    for name, line, end, height in zip(_STYLES, axes.get_lines(), ends, heights):
        axes.annotate(
            name,
            xy=(float(end[0]), float(end[1])),
            xytext=(1.05, float(height)),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=line.get_color(),
            verticalalignment="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.6, "shrinkA": 1, "shrinkB": 2},
        )


def _last_point(points: Any) -> tuple[float, float]:
    x, y = points[-1]
    return float(x), float(y)


def _spread(heights: Shaped[np.ndarray, " labels"]) -> Shaped[np.ndarray, " labels"]:
    """Move heights apart, in their order, around where they were."""
    order = np.argsort(heights, kind="stable")
    steps = np.arange(len(heights)) * _LABEL_STEP
    lifted = np.maximum.accumulate(heights[order] - steps) + steps
    overlap = max(float(lifted[-1]) - 1.0, 0.0)
    spread = np.empty_like(heights)
    spread[order] = np.minimum(lifted, 1.0 - steps[::-1]) if overlap else lifted
    return spread
