"""What `dred send` and `dred receive` show: figures enter, a picture for a terminal leaves."""

from collections.abc import Mapping, Sequence

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from dred.live import ReceivingFigures, SendingFigures
from dred.live.figures import STRIP_CELL_MS
from dred.receiver import Source

__all__ = ["receiving_view", "sending_view"]

# Told by brightness as well as by colour: what repairs is bright, what fails is brightest.
_LOOKS: Mapping[Source, tuple[str, str]] = {
    Source.RECEIVED: ("green", "▁"),
    Source.DTX: ("bright_black", "▁"),
    Source.RED: ("cyan", "▄"),
    Source.LBRR: ("blue", "▄"),
    Source.DRED: ("bright_magenta", "▆"),
    Source.PLC: ("yellow", "█"),
    Source.SILENCE: ("bright_red", "█"),
}
_NAMES: Mapping[Source, str] = {
    Source.RECEIVED: "received",
    Source.RED: "RED",
    Source.LBRR: "LBRR",
    Source.DRED: "DRED",
    Source.PLC: "guessed",
    Source.DTX: "pause",
    Source.SILENCE: "silent",
}
_FRAME_COLUMNS = 4
_RATES = (("Opus", "main_bps", "green"), ("DRED", "dred_bps", "bright_magenta"), ("RED", "red_bps", "cyan"))


def receiving_view(figures: ReceivingFigures, title: str, *, columns: int) -> RenderableType:
    """Show a receiver: numbers, who repaired what as a strip, and shares of it.

    Args:
        figures: What to show.
        title: Address and protection.
        columns: Width of the terminal.
    """
    if figures.ssrc is None:
        waiting = Text(f"waiting for speech, {figures.seconds:.0f} s")
        if figures.num_refused:
            waiting.append(f"; {figures.num_refused} datagrams refused (another key?)", "yellow")
        return Panel(waiting, title=title, title_align="left")
    numbers = _numbers(
        ("time", _clock(figures.seconds)),
        ("loss", f"{figures.lost_percent:.1f} %"),
        ("jitter", f"{figures.jitter_ms:.1f} ms"),
        ("delay", f"{figures.delay_ms:.0f} ms"),
        ("round trip", _ms(figures.round_trip_ms)),
        ("rate", f"{figures.bitrate_bps / 1000:.1f} kb/s"),
        ("lost", f"{figures.num_lost} of {figures.num_packets + figures.num_lost}"),
        ("refused", str(figures.num_refused)),
    )
    cells = figures.strip[-max(columns - _FRAME_COLUMNS, 1) :]
    strip = Text(no_wrap=True, overflow="crop")
    for source in cells:
        colour, block = _LOOKS[source]
        strip.append(block, colour)
    caption = Text(f"the last {len(cells) * STRIP_CELL_MS / 1000:.1f} s, by what was played", "bright_black")
    return Panel(Group(numbers, Text(), strip, caption, _legend(figures.played_ms)), title=title, title_align="left")


def sending_view(figures: SendingFigures, title: str, *, columns: int) -> RenderableType:
    """Show a sender: numbers, and the rate split by what it is spent on.

    Args:
        figures: What to show.
        title: Address and protection.
        columns: Width of the terminal.
    """
    numbers = _numbers(
        ("time", _clock(figures.seconds)),
        ("packets", str(figures.num_packets)),
        ("loss there", "-" if figures.lost_percent is None else f"{figures.lost_percent:.1f} %"),
        ("jitter there", _ms(figures.jitter_ms)),
        ("round trip", _ms(figures.round_trip_ms)),
        ("dropped here", str(figures.num_dropped)),
    )
    total_bps = sum(getattr(figures, field) for _, field, _ in _RATES)
    bar, legend = Text(no_wrap=True, overflow="crop"), []
    for name, field, colour in _RATES:
        rate_bps = getattr(figures, field)
        bar.append("█" * round((columns - _FRAME_COLUMNS) * rate_bps / max(total_bps, 1)), colour)
        if rate_bps:
            legend.append(_entry(colour, f"{name} {rate_bps / 1000:.1f} kb/s"))
    legend.append(_entry("bright_black", f"headers {figures.header_bps / 1000:.1f} kb/s"))
    plan = Text(figures.plan, "bright_black", no_wrap=True, overflow="ellipsis")
    parts: list[RenderableType] = [numbers, Text(), bar, _flowing(legend), plan]
    if not figures.has_listener:
        parts.append(Text("nobody has reported yet", "yellow"))
    return Panel(Group(*parts), title=title, title_align="left")


def _numbers(*pairs: tuple[str, str]) -> Columns:
    return _flowing([Text.assemble((f"{name} ", "bright_black"), (value, "bold")) for name, value in pairs])


def _legend(played_ms: Mapping[str, float]) -> Columns:
    total_ms = sum(played_ms.values()) or 1.0
    return _flowing(
        [
            _entry(_LOOKS[source][0], f"{_NAMES[source]} {100 * played_ms[source.value] / total_ms:.1f} %")
            for source in Source
            if played_ms[source.value]
        ]
    )


def _entry(colour: str, text: str) -> Text:
    return Text.assemble(("■ ", colour), text)


def _flowing(texts: Sequence[Text]) -> Columns:
    """Put texts beside each other, as many as there is room for."""
    return Columns(texts, (0, 3))


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
