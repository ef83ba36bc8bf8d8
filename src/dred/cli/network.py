"""`dred network`: the named networks, their numbers, and what they do to packets."""

from pathlib import Path
from typing import Annotated

import typer

from dred.cli import options

__all__ = ["build_app"]

_SHOWN_S = 60


def build_app() -> typer.Typer:
    """Build the group of commands."""
    app = typer.Typer(help="Networks with names, to try a call on: list them, look at one.")
    app.command("list")(list_presets)
    app.command("show")(show)
    return app


def list_presets(as_json: options.Json = False) -> None:
    """List the networks and their numbers.

    \b
    Examples:
    dred network list
    dred network list --json
    """
    import json

    from dred.channel import PRESETS, PRESETS_SOURCE
    from dred.cli.network_view import config_as_json, describe

    if as_json:
        print(json.dumps([{**config_as_json(preset), "source": PRESETS_SOURCE} for preset in PRESETS.values()]))
        return
    for preset in PRESETS.values():
        print(f"{preset.name}: {preset.title}")
        for effect, told in describe(preset.config).items():
            print(f"  {effect:<11}{told}")
    print(f"numbers: {PRESETS_SOURCE}")


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `dred network list` calls it.")],
    output: Annotated[
        Path | None, typer.Option("--out", help="Draw its first minute: .svg or .png.", metavar="PICTURE.svg")
    ] = None,
    seconds: Annotated[int, typer.Option("--seconds", help="How long it is watched, 1 to 36000.")] = 300,
    packet_bytes: Annotated[
        int, typer.Option("--packet-bytes", help="Size of each packet with its headers, 1 to 1500.")
    ] = 150,
    seed: Annotated[int, typer.Option("--seed", help="Other seed, other moments.")] = 1,
    as_json: options.Json = False,
) -> None:
    """Show one network: its numbers, and what became of a packet every 20 ms.

    \b
    Examples:
    dred network show train
    dred network show congested-uplink --out uplink.svg
    dred network show lossy-wifi --seconds 3600 --seed 7 --json
    """
    import json

    import numpy as np

    from dred.channel import find_preset, observe
    from dred.channel.network_plot import render_observation
    from dred.cli.files import check_output
    from dred.cli.network_view import config_as_json, describe, strip_lines, summary_as_json, summary_lines
    from dred.cli.progress import progress
    from dred.errors import UsageError
    from dred.timebase import DOUBLE_FRAME_MS
    from dred.whole_file import write_whole_file

    preset = find_preset(name)
    for option, value, low, high in (("seconds", seconds, 1, 36_000), ("packet-bytes", packet_bytes, 1, 1_500)):
        if not low <= value <= high:
            raise UsageError(f"{option} must be {low} to {high}, got {value}")
    if seed < 0:
        raise UsageError(f"seed must be at least 0, got {seed}")
    if output is not None:
        check_output(output, (".svg", ".png"))
    per_s = 1000 // DOUBLE_FRAME_MS
    with progress("watching"):
        rng = np.random.default_rng(seed)
        observation = observe(preset.config, seconds * per_s, rng, packet_bytes=packet_bytes)
    summary, shown = observation.summarize(), observation.first(_SHOWN_S * per_s)
    if output is not None:
        picture = render_observation(shown, title=f"{preset.name}: {preset.title}", kind=output.suffix[1:].lower())
        write_whole_file(output, picture)
    if as_json:
        measured = {"seconds": seconds, "packet_bytes": packet_bytes, "seed": seed, **summary_as_json(summary)}
        print(json.dumps({**config_as_json(preset), "measured": measured}))
        return
    print(f"{preset.name}: {preset.title}")
    for effect, told in describe(preset.config).items():
        print(f"  {effect:<11}{told}")
    print(f"measured over {seconds} s, a packet of {packet_bytes} bytes every {DOUBLE_FRAME_MS} ms, seed {seed}")
    for line in summary_lines(summary):
        print(f"  {line}")
    print(f"the first {min(seconds, _SHOWN_S)} s")
    for line in strip_lines(shown):
        print(f"  {line}")
    if output is not None:
        print(f"wrote {output}")
