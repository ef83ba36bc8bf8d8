"""The folder of an evaluation: `evaluation.json` with all that was found, `rows.csv`, `rows.parquet`, `cache/`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.errors import FileFormatError, UsageError
from dred.evaluation.cache import Cache
from dred.evaluation.finding import describe_finding, parse_finding
from dred.evaluation.records import ClipRecord, Evaluation, Named, Row
from dred.evaluation.score import Score
from dred.evaluation.table import write_tables
from dred.whole_file import read_whole_file, write_whole_file

__all__ = ["cache_of", "make_folder", "read_evaluation", "read_speech", "write_evaluation"]

_FILE = "evaluation.json"
_FORMAT = 1
_MAX_BYTES = 1 << 30


def cache_of(directory: Path) -> Cache:
    """Return the cache of an evaluation's folder."""
    return Cache(directory / "cache")


def make_folder(directory: Path) -> None:
    """Make the folder of an evaluation, if it is missing.

    Raises:
        UsageError: It cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {directory}: {error.strerror}") from error


def read_speech(directory: Path, key: str) -> Float32[np.ndarray, " samples"]:
    """Read speech of an evaluation, 16 kHz mono, -1 to 1.

    Raises:
        UsageError: It is not there.
        FileFormatError: The file is broken.
    """
    return cache_of(directory).read_speech(key)


def write_evaluation(evaluation: Evaluation, directory: Path) -> None:
    """Write `evaluation.json` and the tables into a folder that exists.

    Raises:
        UsageError: The folder cannot be written.
    """
    entry = {
        "format": _FORMAT,
        "name": evaluation.name,
        "title": evaluation.title,
        "seed": evaluation.seed,
        "metrics": list(evaluation.metrics),
        "clips": [asdict(clip) for clip in evaluation.clips],
        "schemes": [asdict(scheme) for scheme in evaluation.schemes],
        "networks": [asdict(network) for network in evaluation.networks],
        "rows": [_describe_row(row) for row in evaluation.rows],
        "facts": dict(evaluation.facts),
    }
    write_tables(evaluation, directory)
    write_whole_file(directory / _FILE, json.dumps(entry).encode())


def read_evaluation(directory: Path) -> Evaluation:
    """Read what `write_evaluation` wrote.

    Raises:
        UsageError: The folder holds no evaluation.
        FileFormatError: Its file is broken, or of another version.
    """
    path = directory / _FILE
    if not path.is_file():
        raise UsageError(f"{directory} holds no evaluation: there is no {_FILE}; `dred evaluate` makes one")
    try:
        entry = json.loads(read_whole_file(path, max_bytes=_MAX_BYTES))
        if entry["format"] != _FORMAT:
            raise FileFormatError(f"an evaluation of format {_FORMAT}", value=entry["format"])
        return Evaluation(
            name=entry["name"],
            title=entry["title"],
            seed=entry["seed"],
            metrics=tuple(entry["metrics"]),
            clips=tuple(ClipRecord(**clip) for clip in entry["clips"]),
            schemes=tuple(Named(**scheme) for scheme in entry["schemes"]),
            networks=tuple(Named(**network) for network in entry["networks"]),
            rows=tuple(map(_parse_row, entry["rows"])),
            facts=entry["facts"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileFormatError("an evaluation's JSON", value=str(error)) from error


def _describe_row(row: Row) -> dict[str, Any]:
    return {
        "clip": row.clip,
        "scheme": row.scheme,
        "network": row.network,
        "audio": row.audio,
        "scores": {name: [score.total, score.weight] for name, score in row.scores.items()},
        **describe_finding(row.finding),
    }


def _parse_row(entry: Mapping[str, Any]) -> Row:
    return Row(
        clip=entry["clip"],
        scheme=entry["scheme"],
        network=entry["network"],
        audio=entry["audio"],
        scores={name: Score(total, weight) for name, (total, weight) in entry["scores"].items()},
        finding=parse_finding(entry),
    )
