"""The tables file that goes with a weight blob: the eight uint8 tables, which no blob carries, as JSON.

JSON text -> parse_tables -> Tables -> write_tables -> the same text
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from dred.errors import ModelError
from dred.weights.weight_set import NUM_LEVELS, TABLE_NAMES, Table

__all__ = ["Tables", "parse_tables", "write_tables"]

_PREFIX = "dred_"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The content of a tables file; fields as in `Card` and `WeightSet`."""

    libopus: str
    bitstream_version: int
    tables: Mapping[str, Table]


def parse_tables(text: str) -> Tables:
    """Read a tables file.

    Raises:
        ModelError: The text is not JSON, a field is missing, or a table has not one row of 0..255 per level.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"not a tables file: {error}") from error
    libopus = _field(document, "libopus", str)
    bitstream_version = _field(document, "experimental_version", int)
    dims = {vector: _field(document, f"{vector}_dim", int) for vector in ("latent", "state")}
    rows_of_table = _field(document, "tables", dict)
    tables = {
        name: _to_table(name, rows_of_table.get(_PREFIX + name), dims[name.partition("_")[0]]) for name in TABLE_NAMES
    }
    return Tables(libopus=libopus, bitstream_version=bitstream_version, tables=tables)


def write_tables(tables: Tables) -> str:
    """Write a tables file."""
    return json.dumps(
        {
            "libopus": tables.libopus,
            "experimental_version": tables.bitstream_version,
            "levels": NUM_LEVELS,
            "latent_dim": tables.tables["latent_r_q8"].shape[1],
            "state_dim": tables.tables["state_r_q8"].shape[1],
            "tables": {_PREFIX + name: tables.tables[name].tolist() for name in TABLE_NAMES},
        }
    )


def _field(document: object, key: str, kind: type[_T]) -> _T:
    value = document.get(key) if isinstance(document, dict) else None
    if type(value) is not kind:
        raise ModelError(f"not a tables file: {key!r} should be {kind.__name__}, not {type(value).__name__}")
    return value


def _to_table(name: str, rows: object, dim: int) -> Table:
    is_table = (
        isinstance(rows, list)
        and len(rows) == NUM_LEVELS
        and all(isinstance(row, list) and len(row) == dim for row in rows)
        and all(type(value) is int and 0 <= value <= 255 for row in rows for value in row)
    )
    if not is_table:
        raise ModelError(f"not a tables file: {_PREFIX + name!r} should be {NUM_LEVELS} rows of {dim} values 0..255")
    return np.array(rows, np.uint8).reshape(NUM_LEVELS, dim)
