"""A plan on disk, so that a test goes on after a restart as it began: `plan.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from dred.errors import FileFormatError, UsageError
from dred.listening.config import ListeningConfig, Method
from dred.listening.plan import Item, Plan, Role, Sound, SoundKind
from dred.whole_file import read_whole_file, write_whole_file

__all__ = ["check_choices", "plan_digest", "read_plan", "write_plan"]

_FORMAT = "dred-listening/1"
_MAX_BYTES = 1 << 26


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan.

    Raises:
        UsageError: It cannot be written.
    """
    write_whole_file(path, json.dumps({"format": _FORMAT} | asdict(plan), indent=1).encode())


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        UsageError: It cannot be read.
        FileFormatError: It is not a plan.
    """
    try:
        content = json.loads(read_whole_file(path, max_bytes=_MAX_BYTES))
        if content.pop("format") != _FORMAT:
            raise FileFormatError(f"a listening test of the format {_FORMAT}", value=path.name)
        config = content.pop("config")
        choices: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in config.items()
        }
        return Plan(
            config=ListeningConfig(**choices | {"method": Method(config["method"])}),
            conditions=tuple(content.pop("conditions")),
            clips=tuple(content.pop("clips")),
            items=tuple(_item(item) for item in content.pop("items")),
            **content,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, UsageError):
            raise
        raise FileFormatError("the plan of a listening test, as dred writes it", value=path.name) from error


def plan_digest(plan: Plan) -> str:
    """Return what tells this plan from others."""
    return sha256(json.dumps(asdict(plan), sort_keys=True).encode()).hexdigest()[:16]


def check_choices(plan: Plan, choices: Mapping[str, Any]) -> None:
    """Refuse choices that differ from those behind a plan.

    Args:
        plan: The plan that goes on.
        choices: Fields of a `ListeningConfig`; None where nothing was chosen.

    Raises:
        UsageError: One differs.
    """
    for field in fields(ListeningConfig):
        there, wanted = getattr(plan.config, field.name), choices.get(field.name)
        if wanted is not None and wanted != there:
            raise UsageError(
                f"this test has begun with {field.name} = {_told(there)}, got {_told(wanted)}; "
                "leave the option out to go on with it, or move the folder `listening` away to begin another"
            )


def _told(value: object) -> str:
    if value is None:
        return "all"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _item(content: dict[str, Any]) -> Item:
    sounds = tuple(Sound(**sound | {"kind": SoundKind(sound["kind"])}) for sound in content["sounds"])
    return Item(**content | {"role": Role(content["role"]), "sounds": sounds, "accepted": tuple(content["accepted"])})
