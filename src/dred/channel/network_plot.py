"""A network over time as a picture: how late packets come, which never do, and how long the queue is."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from dred.channel.observation import Observation
from dred.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["render_observation"]

# Colours that the common kinds of colour blindness keep apart.
# Source: M. Okabe, K. Ito, "Color Universal Design", 2008.
_ARRIVED, _LOST, _QUEUE = "#0072b2", "#d55e00", "#6b6b6b"
_SETTINGS: Any = {"svg.hashsalt": "dred", "svg.fonttype": "path", "font.size": 10, "axes.spines.right": False}
_WIDTH_INCHES, _PANEL_INCHES = 11.0, 2.1
_WINDOW_MS = 1_000.0


def render_observation(observation: Observation, *, title: str, kind: str) -> bytes:
    """Draw at least one packet.

    Args:
        observation: From `observe`.
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
        raise UsageError("a picture needs matplotlib: pip install 'dred[eval]'") from error
    panels = [_draw_delays, _draw_losses]
    if observation.queue_ms.any():
        panels.append(_draw_queue)
    with mpl.rc_context({**_SETTINGS, "axes.spines.top": False}):
        figure = Figure(figsize=(_WIDTH_INCHES, 1.0 + _PANEL_INCHES * len(panels)), facecolor="white")
        FigureCanvasAgg(figure)
        figure.suptitle(title, x=0.02, horizontalalignment="left", fontweight="bold")
        all_axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, draw in zip(all_axes, panels, strict=True):
            draw(axes, observation)
            axes.grid(color="#dddddd", linewidth=0.6)
            axes.set_axisbelow(True)
        all_axes[-1].set_xlabel("seconds")
        all_axes[-1].set_xlim(0, (observation.sent_ms[-1] + 1) / 1000)
        figure.tight_layout()
        data = io.BytesIO()
        # Without a date, the same numbers give the same file.
        figure.savefig(data, format=kind, dpi=110, metadata={"Date": None} if kind == "svg" else None)
    return data.getvalue()


def _draw_delays(axes: "Axes", observation: Observation) -> None:
    seconds = observation.sent_ms / 1000
    axes.plot(seconds, observation.delays_ms, ".", markersize=2.5, color=_ARRIVED)
    axes.set_ylim(bottom=0)
    axes.set_title("Delay of each packet in ms; lost ones are marked below", loc="left")
    lost = seconds[observation.lost]
    axes.plot(lost, np.zeros(len(lost)), "|", markersize=9, color=_LOST, clip_on=False)


def _draw_losses(axes: "Axes", observation: Observation) -> None:
    windows = (observation.sent_ms // _WINDOW_MS).astype(int)
    shares = np.bincount(windows, observation.lost) / np.bincount(windows)
    axes.bar(np.arange(len(shares)) + 0.5, 100 * shares, width=0.9, color=_LOST)
    axes.set_title("Lost in each second in %", loc="left")


def _draw_queue(axes: "Axes", observation: Observation) -> None:
    axes.fill_between(observation.sent_ms / 1000, observation.queue_ms, color=_QUEUE, linewidth=0)
    axes.set_title("Queue in front of the bottleneck in ms", loc="left")
