"""The command `dred`: one file per command, each a few lines over the API.

    arguments -> main -> command -> 0, or one line on stderr and 2

Nothing heavy is imported before a command runs, so that help comes at once. `main` is the one place that turns errors
into a line and an exit code.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, cast

import typer

from dred.cli import corpus, listen, network, trace, weights
from dred.cli.bench import bench
from dred.cli.decode import decode
from dred.cli.doctor import doctor
from dred.cli.encode import encode
from dred.cli.evaluate import evaluate
from dred.cli.inspect import inspect
from dred.cli.receive import receive
from dred.cli.send import send
from dred.cli.simulate import simulate
from dred.cli.studio import studio
from dred.cli.train import train
from dred.cli.warmup import warmup

__all__ = ["build_app", "main"]

_BAD_INPUT = 2
_INTERRUPTED = 130
# What the parser raises on a wrong command line: a class of click, which newer typers bring along as their own.
_WrongCommandLine = cast(type[typer.BadParameter], typer.BadParameter.__mro__[1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0, 2 on bad input, 130 when interrupted.

    Args:
        arguments: What follows the program's name; by default that of this process.
    """
    from dred.errors import DredError

    # No word at all is a question, too.
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        code = typer.main.get_command(build_app()).main(words, prog_name="dred", standalone_mode=False)
        sys.stdout.flush()
    except _WrongCommandLine as error:
        help_command = error.ctx.command_path if error.ctx else "dred"
        return _complain(f"{error.format_message().rstrip('.')} (see {help_command} --help)")
    except DredError as error:
        return _complain(str(error))
    except BrokenPipeError:
        # The reader has seen enough. What is still buffered would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        _complain("interrupted")
    return code or 0


def build_app() -> typer.Typer:
    """Build the tree of commands."""
    app = typer.Typer(
        help="Deep redundancy for speech over lossy networks: Opus packets that carry the last second of speech.",
        epilog="Start: dred doctor, dred simulate --out demo, dred encode speech.wav call.pcap, dred inspect call.pcap",
        add_completion=False,
        rich_markup_mode="rich",
    )
    app.callback()(_start)
    live = (send, receive, studio)
    for command in (encode, decode, inspect, *live, simulate, evaluate, doctor, warmup, bench, train):
        app.command()(command)
    app.add_typer(corpus.build_app(), name="corpus")
    app.add_typer(listen.build_app(), name="listen")
    app.add_typer(network.build_app(), name="network")
    app.add_typer(trace.build_app(), name="trace")
    app.add_typer(weights.build_app(), name="weights")
    return app


def _print_version(wanted: bool) -> bool:
    if wanted:
        from dred import __version__

        print(f"dred {__version__}")
        raise typer.Exit
    return wanted


def _start(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Stand before every command, for the options that belong to none."""


def _complain(sentence: str) -> int:
    print(f"dred: {' '.join(sentence.split())}", file=sys.stderr)
    return _BAD_INPUT
