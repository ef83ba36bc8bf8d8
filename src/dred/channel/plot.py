"""A comparison of loss models with data as a picture: four panels, each line named beside its end."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

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
# A smaller share of the bursts of a few minutes is a matter of chance.
_LEAST_SHARE = 1e-3
_LABEL_STEP = 0.085
# Right of the panel, as shares of its width.
_SAMPLE = (1.02, 1.11)
# Few enough that their numbers do not touch where lengths go from one packet to minutes.
_MARKS_MS = (20, 50, 100, 200, 500, 1000, 10_000, 100_000)


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
        # Names stand right of their panel, before the next one.
        figure.subplots_adjust(left=0.07, right=0.84, bottom=0.08, top=0.88, wspace=0.68, hspace=0.42)
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
    longest_ms = axes.get_xlim()[1]
    axes.set_xticks([mark for mark in _MARKS_MS if mark <= longest_ms])
    axes.minorticks_off()
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
    """Write each line's name beside the panel, at the height where it ends; names that would touch are moved apart."""
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.margins(x=0.02)
    # The axes find their limits when asked for them.
    axes.get_xlim(), axes.get_ylim()
    lines = axes.get_lines()
    to_fraction = axes.transData + axes.transAxes.inverted()
    ends = [float(to_fraction.transform(np.asarray(line.get_xydata())[-1])[1]) for line in lines]
    for name, line, height in zip(_STYLES, list(lines), _spread(np.array(ends))):
        # A piece of the line itself tells which one is meant without any colour.
        axes.plot(_SAMPLE, [height, height], transform=axes.transAxes, clip_on=False, **_STYLES[name])
        axes.text(
            _SAMPLE[1] + 0.02,
            height,
            name,
            transform=axes.transAxes,
            color=line.get_color(),
            verticalalignment="center",
        )


def _spread(heights: Float64[np.ndarray, " labels"]) -> Float64[np.ndarray, " labels"]:
    """Move heights apart, in their order, around where they were."""
    order = np.argsort(heights, kind="stable")
    steps = np.arange(len(heights)) * _LABEL_STEP
    lifted = np.maximum.accumulate(heights[order] - steps) + steps
    overlap = max(float(lifted[-1]) - 1.0, 0.0)
    spread = np.empty_like(heights)
    spread[order] = np.minimum(lifted, 1.0 - steps[::-1]) if overlap else lifted
    return spread
