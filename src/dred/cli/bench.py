"""`dred bench`: how fast everything is here, and against what."""

from pathlib import Path
from typing import Annotated

import typer

from dred.cli import options

_WIDE = 140


def bench(
    *,
    speech: Annotated[
        Path | None,
        typer.Option("--speech", metavar="FILE", help="Recording to measure on. Default: the clip dred brings along."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Half a minute, for a first look.")] = False,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="LIBRARY", help="A libopus with DRED compiled in, timed side by side."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Write a picture of the results, .svg.")
    ] = None,
    activation_bytes: Annotated[
        int,
        typer.Option("--activation-bytes", help="What a receiver's networks round activations to.", min=1, max=2),
    ] = 2,
    weights: options.Weights = None,
    as_json: options.Json = False,
) -> None:
    """Measure what everything costs on one core of this machine.

    Costs are told as shares of a yardstick, too: what libopus takes to encode the same speech, measured in turns with
    everything else. Shares can be compared between machines.

    \b
    Examples:
    dred bench --quick
    dred bench --json --plot bench.svg
    dred bench --speech call.wav --against /opt/opus/lib/libopus.so
    """
    import json

    from rich.console import Console

    from dred.benchmarking.against import open_library
    from dred.benchmarking.material import Material, read_speech
    from dred.benchmarking.plot import render_plot
    from dred.benchmarking.run import FULL, QUICK, run_benchmark
    from dred.benchmarking.tables import as_tables
    from dred.cli.files import check_output, reading
    from dred.cli.progress import progress
    from dred.data import bundled_clip
    from dred.weights import load
    from dred.whole_file import write_whole_file

    if plot is not None:
        check_output(plot, (".svg",))
    library = open_library(against) if against is not None else None
    effort = QUICK if quick else FULL
    source = speech or bundled_clip()
    with reading(source):
        samples = read_speech(source, seconds=effort.speech_s)
    material = Material(speech=samples, weights=load(weights), activation_bytes=activation_bytes)
    with progress("measuring") as report:
        results = run_benchmark(material, effort, speech_name=source.name, library=library, report=report)
    if plot is not None:
        write_whole_file(plot, render_plot(results).encode())
    if as_json:
        print(json.dumps(results.as_json()))
    else:
        terminal = Console()
        # In a file or a pipe, lines are as long as they need to be.
        (terminal if terminal.is_terminal else Console(width=_WIDE)).print(as_tables(results))
