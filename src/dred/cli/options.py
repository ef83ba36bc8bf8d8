"""The options that several commands share, each defined once: name, help and type.

Defaults stand in the commands; a test compares them with those of the configurations that they fill. Ranges are checked
by these configurations, so that a wrong number is told by the library's own sentence. `settings` fills them.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "Q0",
    "Application",
    "Bandwidth",
    "Bitrate",
    "Complexity",
    "Device",
    "Dq",
    "DredMaxBytes",
    "DredMs",
    "DredVersion",
    "Dtx",
    "ExpectedLoss",
    "Fec",
    "FrameMs",
    "Insecure",
    "Json",
    "Key",
    "KeyFile",
    "Network",
    "NoDred",
    "NoLbrr",
    "NoRed",
    "Plc",
    "Priming",
    "Qmax",
    "Red",
    "Seconds",
    "TotalBitrate",
    "Trace",
    "Vbr",
    "Weights",
]

_OPUS = "Opus"
_DRED = "Redundancy"
_RECEIVER = "Receiver"
_SAFETY = "Safety"

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Weights = Annotated[
    str | None,
    typer.Option("--weights", help="Weights to use, see `dred weights list`. Default: the best.", metavar="NAME"),
]

Bitrate = Annotated[int, typer.Option("--bitrate", help="Opus rate in bit/s, 6000 to 510000.", rich_help_panel=_OPUS)]
TotalBitrate = Annotated[
    int | None,
    typer.Option(
        "--total-bitrate",
        help="Rate of Opus and redundancy together in bit/s: all packets get one size. Replaces --bitrate.",
        rich_help_panel=_OPUS,
    ),
]
FrameMs = Annotated[int, typer.Option("--frame-ms", help="Packet length: 10, 20, 40 or 60.", rich_help_panel=_OPUS)]
Application = Annotated[
    Literal["voip", "audio", "lowdelay"], typer.Option("--application", help="Opus tuning.", rich_help_panel=_OPUS)
]
Complexity = Annotated[int, typer.Option("--complexity", help="Opus effort, 0 to 10.", rich_help_panel=_OPUS)]
Vbr = Annotated[bool, typer.Option("--vbr/--cbr", help="Variable or constant rate.", rich_help_panel=_OPUS)]
Bandwidth = Annotated[
    Literal["narrow", "medium", "wide", "superwide", "full"] | None,
    typer.Option("--bandwidth", help="Audio bandwidth. Default: Opus decides.", rich_help_panel=_OPUS),
]
Dtx = Annotated[bool, typer.Option("--dtx", help="Send next to nothing in silence.", rich_help_panel=_OPUS)]

DredMs = Annotated[
    int,
    typer.Option("--dred-ms", help="Past speech in each packet, 20 to 1040; 0 = none.", rich_help_panel=_DRED),
]
DredVersion = Annotated[
    Literal["12", "10", "final", "201"] | None,
    typer.Option(
        "--dred-version",
        help="12 = libopus 1.6, 10 = libopus 1.5, 201 = dred's own. Default: what the weights speak.",
        rich_help_panel=_DRED,
    ),
]
Q0 = Annotated[int, typer.Option("--q0", help="Level of the newest speech, 0 (finest) to 15.", rich_help_panel=_DRED)]
Dq = Annotated[int, typer.Option("--dq", help="How fast older speech gets coarser, 0 to 7.", rich_help_panel=_DRED)]
Qmax = Annotated[int, typer.Option("--qmax", help="Coarsest level, up to 15.", rich_help_panel=_DRED)]
DredMaxBytes = Annotated[
    int, typer.Option("--dred-max-bytes", help="Most bytes per packet, 8 to 1000.", rich_help_panel=_DRED)
]
Fec = Annotated[
    bool, typer.Option("--fec", help="Repeat the previous packet at a low rate (LBRR).", rich_help_panel=_DRED)
]
ExpectedLoss = Annotated[
    int | None,
    typer.Option(
        "--expected-loss",
        help="Loss in percent that LBRR is tuned for. Default: 0, or 20 with --fec.",
        rich_help_panel=_DRED,
    ),
]
Red = Annotated[
    int, typer.Option("--red", help="Copies of previous packets in each packet, 0 to 9.", rich_help_panel=_DRED)
]

Trace = Annotated[
    Path | None,
    typer.Option("--trace", help="Text file, a 1 for each lost packet and a 0 for others.", metavar="FILE"),
]
Network = Annotated[
    str | None,
    typer.Option(
        "--network", help="Lose what this network loses; `dred network list` tells which there are.", metavar="NAME"
    ),
]
Plc = Annotated[
    Literal["neural", "classic", "zero"],
    typer.Option("--plc", help="What fills a gap that no redundancy covers.", rich_help_panel=_RECEIVER),
]
NoDred = Annotated[bool, typer.Option("--no-dred", help="Leave deep redundancy unused.", rich_help_panel=_RECEIVER)]
NoLbrr = Annotated[bool, typer.Option("--no-lbrr", help="Leave LBRR unused.", rich_help_panel=_RECEIVER)]
NoRed = Annotated[bool, typer.Option("--no-red", help="Leave RED copies unused.", rich_help_panel=_RECEIVER)]
Priming = Annotated[
    bool,
    typer.Option(
        "--priming/--no-priming",
        help="Pass recovered speech through the decoder, for a seamless end of a gap.",
        rich_help_panel=_RECEIVER,
    ),
]


def _print_new_key(key: str | None) -> str | None:
    if key == "new":
        from dred.live.keys import new_key

        print(new_key())
        raise typer.Exit
    return key


Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        callback=_print_new_key,
        is_eager=True,
        metavar="BASE64",
        help="Key of SRTP, the same at both ends; `new` prints one. Everyone on this machine can see it in the list of "
        "processes: --key-file or $DRED_KEY keep it to yourself.",
        rich_help_panel=_SAFETY,
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="File that holds the key.", rich_help_panel=_SAFETY),
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Do without a key beyond this machine, too.", rich_help_panel=_SAFETY)
]
Seconds = Annotated[float | None, typer.Option("--seconds", help="End after so long.")]
Device = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="NAME", help="Sound device by number or a part of its name. Default: the usual one."
    ),
]
