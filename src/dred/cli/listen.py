"""`dred listen`: let people rate an evaluation's recordings, and tell what they think."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from dred.cli import options

if TYPE_CHECKING:
    from dred.listening import Results

__all__ = ["build_app"]

_WIDE = 140
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an evaluation, as `dred evaluate` makes it.")]


class _ServeByDefault(TyperGroup):
    """Takes `dred listen DIR` as `dred listen serve DIR`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["serve", *args]
        return super().parse_args(ctx, args)


def build_app() -> typer.Typer:
    """Build the group of commands."""
    app = typer.Typer(
        cls=_ServeByDefault,
        help="Let people rate an evaluation's recordings in their browsers; tell what they think.\n\n"
        "`dred listen DIR` is short for `dred listen serve DIR`.\n\n"
        "\b\nExamples:\ndred listen out\ndred listen out --method ccr --port 9000\ndred listen results out",
        no_args_is_help=True,
    )
    app.command("serve")(serve)
    app.command("results")(results)
    return app


def serve(
    directory: _Folder,
    *,
    method: Annotated[
        Literal["acr", "ccr"] | None,
        typer.Option(
            "--method", help="acr: each on its own, bad to excellent. ccr: against the original. Default: acr."
        ),
    ] = None,
    schemes: Annotated[
        str | None, typer.Option("--schemes", metavar="NAMES", help="Only these, with commas. Default: all.")
    ] = None,
    networks: Annotated[
        str | None, typer.Option("--networks", metavar="NAMES", help="Only these, with commas. Default: all.")
    ] = None,
    by_network: Annotated[
        bool | None,
        typer.Option(
            "--by-network/--any-network", help="Rate each scheme over each network by itself. Default: any network."
        ),
    ] = None,
    clips: Annotated[int | None, typer.Option("--clips", help="How many recordings. Default: 12.")] = None,
    per_rater: Annotated[
        int | None,
        typer.Option("--per-rater", help="Recordings of each condition that one listener rates. Default: 3."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Other seed, other orders. Default: 1.")] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on. 0.0.0.0 lets in everyone who can reach this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 for any that is free.", min=0, max=65535)] = 8410,
) -> None:
    """Serve a listening test until Ctrl-C. Votes go to DIR/listening and stay there.

    Begun again, the same test goes on: options that differ from its beginning are refused.

    \b
    Examples:
    dred listen serve out
    dred listen serve out --method ccr --schemes plc,lbrr,dred --clips 8
    dred listen serve out --host 0.0.0.0
    """
    from dred.cli.files import reading
    from dred.listening import Method
    from dred.listening.serving import open_plan, serve_plan

    def name_address(address: str) -> None:
        print(f"{len(plan.conditions)} conditions, {len(plan.clips)} recordings, method {plan.config.method.value}")
        print(f"listening test at {address} (Ctrl-C ends it)", flush=True)
        if host not in _LOOPBACK:
            print("everyone who can reach this address can take part", flush=True)

    with reading(directory):
        plan = open_plan(
            directory,
            {
                "method": None if method is None else Method(method),
                "schemes": _names(schemes),
                "networks": _names(networks),
                "by_network": by_network,
                "clips": clips,
                "per_rater": per_rater,
                "seed": seed,
            },
        )
        try:
            serve_plan(directory, plan, host=host, port=port, on_start=name_address)
        except KeyboardInterrupt:
            # Ctrl-C is how a test ends.
            print(f"ended; dred listen results {directory} tells what was found")


def results(
    directory: _Folder,
    *,
    headphones: Annotated[bool, typer.Option("--headphones", help="Leave out listeners without headphones.")] = False,
    max_failed_traps: Annotated[
        int, typer.Option("--max-failed-traps", help="So many wrong answers to traps are forgiven.")
    ] = 1,
    min_correlation: Annotated[
        float, typer.Option("--min-correlation", help="Least agreement with the other listeners, -1 to 1.")
    ] = 0.25,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the conditions as a table, .csv.")
    ] = None,
    votes: Annotated[Path | None, typer.Option("--votes", metavar="FILE", help="Write all votes, .csv.")] = None,
    as_json: options.Json = False,
) -> None:
    """Tell what listeners think: means with 95 % intervals, differences, and who was left out.

    A test may go on meanwhile.

    \b
    Examples:
    dred listen results out
    dred listen results out --headphones --json
    dred listen results out --csv mos.csv --votes votes.csv
    """
    from dred.cli.files import check_output, reading
    from dred.listening import ScreeningConfig, analyse, join, results_csv, votes_csv
    from dred.listening.serving import folder_plan, folder_votes
    from dred.whole_file import write_whole_file

    for path in (table, votes):
        if path is not None:
            check_output(path, (".csv",))
    config = ScreeningConfig(
        max_failed_traps=max_failed_traps, min_correlation=min_correlation, needs_headphones=headphones
    )
    with reading(directory):
        plan = folder_plan(directory)
        store = folder_votes(directory, plan)
        try:
            ballots = join(plan, store.cast())
        finally:
            store.close()
    found = analyse(plan, ballots, config)
    if table is not None:
        write_whole_file(table, results_csv(found).encode())
    if votes is not None:
        write_whole_file(votes, votes_csv(ballots, found).encode())
    _print(found, as_json=as_json)


def _print(found: "Results", *, as_json: bool) -> None:
    import json

    from rich.console import Console

    from dred.listening.tables import as_tables

    if as_json:
        print(json.dumps(found.as_json()))
        return
    terminal = Console()
    # In a file or a pipe, lines are as long as they need to be.
    (terminal if terminal.is_terminal else Console(width=_WIDE)).print(as_tables(found))


def _names(text: str | None) -> Sequence[str] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())
