"""A test in a folder: begun or gone on with, and served until it is interrupted."""

import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from dred.errors import UsageError
from dred.evaluation.folder import read_evaluation, read_speech
from dred.listening.config import ListeningConfig
from dred.listening.plan import Plan
from dred.listening.plan_file import check_choices, plan_digest, read_plan, write_plan
from dred.listening.planning import make_plan
from dred.listening.speech_level import active_level_db
from dred.listening.votes import Votes

__all__ = ["folder_plan", "folder_votes", "open_plan", "serve_plan"]

_SUBFOLDER = "listening"
_GRACE_S = 3
_TOKEN_BYTES = 32


def open_plan(directory: Path, choices: Mapping[str, Any]) -> Plan:
    """Go on with the test of an evaluation's folder, or begin one.

    Args:
        directory: Folder of an evaluation.
        choices: Fields of a `ListeningConfig`; None where nothing was chosen.

    Raises:
        UsageError: There is no evaluation, speech that the plan needs is missing or an original silent, or a choice is
            not possible or differs from those that the test has begun with.
        FileFormatError: A file of the folder breaks its format.
    """
    path = directory / _SUBFOLDER / "plan.json"
    if path.exists():
        plan = read_plan(path)
        check_choices(plan, choices)
    else:
        known = {field.name for field in fields(ListeningConfig)}
        chosen = {name: value for name, value in choices.items() if name in known and value is not None}
        plan = make_plan(read_evaluation(directory), ListeningConfig(**chosen))
    sounds = [sound for item in plan.items for sound in item.sounds if sound.speech]
    for key in sorted({sound.speech for sound in sounds}):
        read_speech(directory, key)
    for key in sorted({sound.original for sound in sounds}):
        # A listener who came to it could neither hear it nor go on.
        if active_level_db(read_speech(directory, key)) is None:
            raise UsageError(f"a recording of {directory} is silent: cache/{key[:2]}/{key}.flac; leave it out")
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        write_plan(path, plan)
    return plan


def folder_plan(directory: Path) -> Plan:
    """Read the plan of a test that has begun.

    Raises:
        UsageError: None has begun.
        FileFormatError: The plan breaks its format.
    """
    path = directory / _SUBFOLDER / "plan.json"
    if not path.is_file():
        raise UsageError(f"there is no listening test in {directory}; `dred listen {directory}` begins one")
    return read_plan(path)


def folder_votes(directory: Path, plan: Plan) -> Votes:
    """Open the votes of a test.

    Raises:
        UsageError: The file cannot be used.
        FileFormatError: It is not a file of votes.
    """
    return Votes(directory / _SUBFOLDER / "votes.sqlite3", plan_digest(plan))


def serve_plan(directory: Path, plan: Plan, *, host: str, port: int, on_start: Callable[[str], None]) -> None:
    """Serve a test until the process is interrupted.

    Args:
        directory: Folder of the evaluation.
        plan: Its plan.
        host: Address to listen on.
        port: 0 to 65535; 0 for any that is free.
        on_start: Called with the address once browsers can connect.

    Raises:
        UsageError: The address cannot be used, or the web server is not installed.
        KeyboardInterrupt: The process was interrupted.
    """
    try:
        import uvicorn

        from dred.listening.server import ListeningTest, build_app
    except ImportError as error:
        raise UsageError("a listening test needs starlette and uvicorn: pip install 'dred[listen]'") from error
    votes = folder_votes(directory, plan)
    try:
        app = build_app(
            ListeningTest(
                plan=plan,
                votes=votes,
                read_speech=lambda key: read_speech(directory, key),
                now_s=time.time,
                new_token=lambda: secrets.token_urlsafe(_TOKEN_BYTES),
                names=(host, socket.gethostname(), f"{socket.gethostname()}.local"),
            )
        )
        with _listening_socket(host, port) as listening:
            config = uvicorn.Config(
                app, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=_GRACE_S
            )
            shown = f"[{host}]" if ":" in host else host
            on_start(f"http://{shown}:{listening.getsockname()[1]}/")
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        votes.close()


def _listening_socket(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"cannot listen on {host}, port {port}: {reason}") from error
