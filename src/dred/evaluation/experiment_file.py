"""Experiments as TOML files: keys are the fields of `Experiment`, `Scheme`, `Network`, `DredConfig`, `ClipSelection`.

A list in place of a number makes one scheme or network of each entry: `total_bitrate_bps = [24000, 32000]` under the
name `dred` makes `dred@24` and `dred@32` of the family `dred`, `loss_percent = [10, 20]` makes `name@10` and `name@20`.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from dred.errors import FileFormatError, UsageError
from dred.evaluation.clips import ClipSelection
from dred.evaluation.experiment import Experiment
from dred.evaluation.networks import Network
from dred.evaluation.schemes import Scheme
from dred.sender import DredConfig
from dred.whole_file import read_whole_file

__all__ = ["parse_experiment", "read_experiment"]

_MAX_BYTES = 1 << 20
# What may be a list, and how many units of it a name shows.
_SWEPT = {"bitrate_bps": 1000, "total_bitrate_bps": 1000, "loss_percent": 1}
_MAX_SWEEP = 100
_SETTINGS = ("title", "seed", "clips", "metrics")

RecordT = TypeVar("RecordT")


def read_experiment(path: Path) -> Experiment:
    """Read an experiment's file; its name is the file's, without the suffix.

    Raises:
        UsageError: The file cannot be read, a key is unknown, or a value is out of range.
        FileFormatError: It is not TOML.
    """
    data = read_whole_file(path, max_bytes=_MAX_BYTES)
    return parse_experiment(data, name=path.stem)


def parse_experiment(data: bytes, *, name: str) -> Experiment:
    """Parse an experiment.

    Raises:
        UsageError: A key is unknown, or a value is out of range.
        FileFormatError: The bytes are not TOML.
    """
    try:
        table = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"an experiment in TOML: {' '.join(str(error).split())}", value=name) from error
    entries = dict(table)
    schemes = _tables(entries.pop("scheme", []), "scheme")
    networks = _tables(entries.pop("network", []), "network")
    return Experiment(
        name=name,
        schemes=tuple(_build(Scheme, entry, "scheme") for entry in _swept(schemes)),
        networks=tuple(_build(Network, entry, "network") for entry in _swept(networks)),
        **_settings(Experiment, entries, "experiment", _SETTINGS),
    )


def _tables(entries: Any, kind: str) -> list[Mapping[str, Any]]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"an experiment's {kind}s are tables: [[{kind}]]")
    return entries


def _swept(entries: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Make one entry of each value of a list."""
    for entry in entries:
        swept = next((key for key in _SWEPT if isinstance(entry.get(key), list)), None)
        if swept is None:
            yield entry
            continue
        values = entry[swept]
        if not 1 <= len(values) <= _MAX_SWEEP or not all(_is_number(value) for value in values):
            raise UsageError(f"{swept} is a number or a list of 1 to {_MAX_SWEEP} numbers, got {values}")
        name = entry.get("name", "")
        for value in values:
            named = {"family": name, **entry, "name": f"{name}@{value / _SWEPT[swept]:g}", swept: value}
            # Further lists in the same entry.
            yield from _swept([named])


def _build(kind: type[RecordT], entries: Mapping[str, Any], what: str) -> RecordT:
    """Make a record of a table, whose keys and types are those of its fields."""
    where = f"{what} {entries['name']}" if "name" in entries else what
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    settings = _settings(kind, entries, where, names)
    try:
        return kind(**settings)
    except TypeError as error:
        raise UsageError(f"{where}: {error}") from error


def _settings(kind: type[object], entries: Mapping[str, Any], where: str, names: Sequence[str]) -> dict[str, Any]:
    unknown = next((key for key in entries if key not in names), None)
    if unknown is not None:
        raise UsageError(f"unknown key {unknown!r} in {where}; known: {', '.join(names)}")
    hints = get_type_hints(kind)
    return {key: _convert(value, hints[key], f"{key} in {where}") for key, value in entries.items()}


def _convert(value: Any, hint: Any, key: str) -> Any:
    """Bring a value of TOML into a field's type."""
    if get_origin(hint) in (UnionType, Union):
        # TOML has no null: a missing key stands for it.
        (hint,) = (option for option in get_args(hint) if option is not NoneType)
    if hint in (DredConfig, ClipSelection):
        if not isinstance(value, dict):
            raise UsageError(f"{key} is a table, got {value!r}")
        return _build(hint, value, key)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise UsageError(f"{key} is a list, got {value!r}")
        inner = get_args(hint)
        if inner[-1] is not Ellipsis and len(value) != len(inner):
            raise UsageError(f"{key} is a list of {len(inner)}, got {value!r}")
        return tuple(_convert(item, inner[0], key) for item in value)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise UsageError(f"{key} is one of {', '.join(get_args(hint))}, got {value!r}")
        return value
    if hint is float and _is_number(value):
        return float(value)
    if type(value) is not hint:
        raise UsageError(f"{key} is of type {hint.__name__}, got {value!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
