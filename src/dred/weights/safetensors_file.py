"""dred's own file: one .safetensors file with arrays, tables, card and hashes.

WeightSet -> write_safetensors -> file -> read_safetensors -> an equal WeightSet

The tables stand beside the arrays as `tables.<name>`, a prior's arrays as `prior.<name>`. The metadata are six strings:
format, name, order (JSON: name and dtype of each array, in order), card (JSON), hashes (JSON: SHA-256 of each array's
and table's bytes) and sha256 (of the other five). So every bit of the file is checked when it is read. Equal sets make
equal files.
"""

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from dred.errors import ModelError
from dred.weights.atomic_file import write_atomically
from dred.weights.model_card import parse_model_card, write_model_card
from dred.weights.weight_set import Card, WeightSet

__all__ = ["FORMAT", "read_card", "read_safetensors", "write_safetensors"]

FORMAT = "dred-weights/1"

_TABLE_PREFIX = "tables."
_PRIOR_PREFIX = "prior."
_KEYS = ("format", "name", "order", "card", "hashes")
_SUM_KEY = "sha256"
_MODEL_FIELD = "model"
_DTYPES = ("F32", "I8", "I16", "I32", "U8")
_LENGTH = struct.Struct("<Q")


def write_safetensors(weights: WeightSet, path: Path) -> None:
    """Write a set to a file, whole or not at all.

    Raises:
        ModelError: The file system refuses.
    """
    arrays = {
        **weights.tensors,
        **{_TABLE_PREFIX + name: table for name, table in weights.tables.items()},
        **{_PRIOR_PREFIX + name: array for name, array in weights.prior.items()},
    }
    metadata = {
        "format": FORMAT,
        "name": weights.name,
        "order": json.dumps([[name, str(tensor.dtype)] for name, tensor in weights.tensors.items()]),
        "card": json.dumps(_write_card(weights.card)),
        "hashes": json.dumps({name: _sha256(arrays[name].tobytes()) for name in sorted(arrays)}),
    }
    metadata[_SUM_KEY] = _sum_of(metadata)
    write_atomically(path, _sort_header(save(arrays, metadata)))


def read_safetensors(path: Path) -> WeightSet:
    """Read a set and verify it.

    Raises:
        ModelError: The file is unreadable, of another format, or differs from its own hashes, names or dtypes; the
            text names the first difference.
    """
    with _opened(path) as file:
        metadata = _read_metadata(path, file)
        card = _parse_card(path, metadata)
        order = _parse_order(path, metadata)
        hashes = _parse_object(path, metadata, "hashes")
        arrays = _read_arrays(path, file)
    _check_same_names(path, arrays, hashes)
    for name in sorted(arrays):
        if _sha256(arrays[name].tobytes()) != hashes[name]:
            raise ModelError(f"{path.name}: {name!r} differs from its SHA-256; import the weights again")
    tables, prior = (_take(arrays, prefix) for prefix in (_TABLE_PREFIX, _PRIOR_PREFIX))
    _check_same_names(path, arrays, order)
    for name, dtype in order.items():
        if str(arrays[name].dtype) != dtype:
            raise ModelError(f"{path.name}: {name!r} is {arrays[name].dtype}, not {dtype}")
    tensors = {name: arrays[name] for name in order}
    return WeightSet(name=metadata["name"], card=card, tensors=tensors, tables=tables, prior=prior)


def read_card(path: Path) -> tuple[Card, tuple[str, ...]]:
    """Read a file's card and the names of its arrays without these.

    Raises:
        ModelError: The file is unreadable, of another format, or its metadata differ from their hash.
    """
    with _opened(path) as file:
        metadata = _read_metadata(path, file)
        return _parse_card(path, metadata), tuple(_parse_order(path, metadata))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path.name}: no readable safetensors file: {error}") from error


def _read_metadata(path: Path, file: Any) -> dict[str, str]:
    metadata: dict[str, str] = file.metadata() or {}
    if metadata.get("format") != FORMAT:
        raise ModelError(f"{path.name}: the format is {metadata.get('format', 'unnamed')}, not {FORMAT}")
    _check_same_names(path, metadata, dict.fromkeys((*_KEYS, _SUM_KEY)))
    if metadata[_SUM_KEY] != _sum_of(metadata):
        raise ModelError(f"{path.name}: the metadata differ from their SHA-256; import the weights again")
    return metadata


def _read_arrays(path: Path, file: Any) -> dict[str, np.ndarray]:
    names: list[str] = file.keys()
    for name in names:
        dtype = file.get_slice(name).get_dtype()
        if dtype not in _DTYPES:
            raise ModelError(f"{path.name}: {name!r} is {dtype}, not one of {', '.join(_DTYPES)}")
    return {name: file.get_tensor(name) for name in names}


def _take(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Take the arrays of one kind out of all, without their prefix."""
    return {name.removeprefix(prefix): arrays.pop(name) for name in sorted(arrays) if name.startswith(prefix)}


def _write_card(card: Card) -> dict[str, Any]:
    # Without a model card there is no such field, as in the files of earlier versions.
    values = asdict(replace(card, model=None))
    del values[_MODEL_FIELD]
    return values if card.model is None else values | {_MODEL_FIELD: write_model_card(card.model)}


def _parse_card(path: Path, metadata: Mapping[str, str]) -> Card:
    values = _parse_object(path, metadata, "card")
    model = values.pop(_MODEL_FIELD, None)
    plain = {field.name: field.type for field in fields(Card) if field.name != _MODEL_FIELD}
    _check_same_names(path, values, plain)
    for name, kind in plain.items():
        if type(values[name]) is not kind:
            raise ModelError(f"{path.name}: the card's {name} is {values[name]!r}, not a {kind}")
    try:
        return Card(**values, model=None if model is None else parse_model_card(model))
    except ModelError as error:
        raise ModelError(f"{path.name}: {error}") from error


def _parse_order(path: Path, metadata: Mapping[str, str]) -> dict[str, str]:
    pairs = _parse_json(path, metadata, "order")
    is_sound = isinstance(pairs, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(word, str) for word in pair) for pair in pairs
    )
    if not is_sound:
        raise ModelError(f"{path.name}: the metadata's order is no list of names and dtypes")
    return dict(pairs)


def _parse_object(path: Path, metadata: Mapping[str, str], key: str) -> dict[str, Any]:
    value = _parse_json(path, metadata, key)
    if not isinstance(value, dict):
        raise ModelError(f"{path.name}: the metadata's {key} is no JSON object")
    return value


def _parse_json(path: Path, metadata: Mapping[str, str], key: str) -> Any:
    try:
        return json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path.name}: the metadata's {key} is not JSON") from error


def _check_same_names(path: Path, found: Mapping[str, object], expected: Mapping[str, object]) -> None:
    differing = sorted(set(found) ^ set(expected))
    if differing:
        what = "unknown" if differing[0] in found else "missing"
        raise ModelError(f"{path.name}: {differing[0]!r} is {what}")


def _sum_of(metadata: Mapping[str, str]) -> str:
    return _sha256(b"\0".join(metadata[key].encode() for key in _KEYS))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sort_header(data: bytes) -> bytes:
    """Put the header's metadata in order, which the library leaves to the chance of its hash table."""
    (length,) = _LENGTH.unpack_from(data)
    start = _LENGTH.size
    header = json.loads(data[start : start + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    assert len(text) <= length, "sorting keeps the length"
    return data[:start] + text.ljust(length) + data[start + length :]
