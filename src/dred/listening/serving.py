"""A test in a folder: begun or gone on with, and served until it is interrupted."""

import secrets
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
from dred.listening.server import ListeningTest, build_app
from dred.listening.speech_level import active_level_db
from dred.listening.votes import Votes
from dred.local_server import own_names, require_packages, serve_app

__all__ = ["folder_plan", "folder_votes", "open_plan", "serve_plan"]

_SUBFOLDER = "listening"
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
    require_packages("a listening test", ("starlette", "uvicorn"), "listen")
    votes = folder_votes(directory, plan)
    try:
        app = build_app(
            ListeningTest(
                plan=plan,
                votes=votes,
                read_speech=lambda key: read_speech(directory, key),
                now_s=time.time,
                new_token=lambda: secrets.token_urlsafe(_TOKEN_BYTES),
                names=own_names(host),
            )
        )
        serve_app(app, host=host, port=port, on_start=on_start)
    finally:
        votes.close()
