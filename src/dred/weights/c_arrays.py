"""Arrays of numbers in generated C text, and the list that gives their order. Nothing is compiled.

C text -> parse_c_arrays -> CArrays -> opus_source

What a compiler would see decides: comments are dropped, and of `#ifdef`, `#ifndef` and `#else` the branch that is
taken when no macro is defined but those that the text itself defines.

Source: libopus 1.6.1 and 1.5.2, dnn/*_data.c (the only texts this reader is for).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dred.errors import ModelError

__all__ = ["CArrays", "parse_c_arrays"]

_DTYPE_OF_TYPE: Mapping[str, np.dtype[np.generic]] = {
    "float": np.dtype(np.float32),
    "int": np.dtype(np.int32),
    "opus_int8": np.dtype(np.int8),
    "opus_uint8": np.dtype(np.uint8),
}
_RANGE_OF_DTYPE: Mapping[np.dtype[np.generic], tuple[int, int]] = {
    np.dtype(np.int32): (-(1 << 31), (1 << 31) - 1),
    np.dtype(np.int8): (-128, 127),
    np.dtype(np.uint8): (0, 255),
}
# Each pattern also matches what is left open at the end of the text, which keeps the search linear in its length.
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*([a-z]+)[ \t]*(\w*)[^\n]*$", re.MULTILINE)
_ARRAY = re.compile(
    rf"\bconst\s+({'|'.join(_DTYPE_OF_TYPE)})\s+(\w+)\s*\[\s*(\d{{1,9}})\s*\]\s*=\s*\{{([^{{}};]*)\}}\s*;"
)
_LIST = re.compile(r"\bconst\s+WeightArray\s+\w+\s*\[\s*\]\s*=\s*\{([^;]*)(?:;|\Z)")
_LIST_ENTRY = re.compile(r'\{\s*"(\w+)"')
# Python's int() and float() also read underscores, "nan" and "infinity".
_NUMBERS = re.compile(r"[-+.,eE0-9\s]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class CArrays:
    """The arrays of one text.

    Attributes:
        arrays: Flat float32, int32, int8 and uint8 arrays by name, in the order of the text.
        record_names: Names in the text's `WeightArray` list, which is the order of a weight blob; empty without one.
    """

    arrays: Mapping[str, np.ndarray]
    record_names: tuple[str, ...]


def parse_c_arrays(text: str) -> CArrays:
    """Read every array of float, int, opus_int8 or opus_uint8 and the `WeightArray` list.

    Raises:
        ModelError: A number is malformed or out of its type's range, a count differs from the declared one, a name
            is defined twice, the list names an array that is not there, or an `#if` needs more than macro names.
    """
    active = _select_active(_COMMENT.sub(" ", text))
    arrays: dict[str, np.ndarray] = {}
    for type_name, name, declared, body in _ARRAY.findall(active):
        if name in arrays:
            raise ModelError(f"C array {name!r} is defined twice")
        arrays[name] = _parse_values(name, body, _DTYPE_OF_TYPE[type_name])
        if len(arrays[name]) != int(declared):
            raise ModelError(f"C array {name!r} is declared with {declared} values and holds {len(arrays[name])}")
    record_names = tuple(name for entries in _LIST.findall(active) for name in _LIST_ENTRY.findall(entries))
    for name in record_names:
        if name not in arrays:
            raise ModelError(f"the C text lists array {name!r} but does not define it")
    return CArrays(arrays=arrays, record_names=record_names)


def _select_active(text: str) -> str:
    """Keep the text that a compiler would see, without the directives."""
    first, *rest = _DIRECTIVE.split(text)
    kept = [first]
    macros: set[str] = set()
    taken: list[bool] = []
    for directive, argument, following in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        if directive in ("ifdef", "ifndef"):
            taken.append((argument in macros) == (directive == "ifdef"))
        elif directive in ("else", "endif"):
            if not taken:
                raise ModelError(f"#{directive} without #ifdef in the C text")
            was_taken = taken.pop()
            if directive == "else":
                taken.append(not was_taken)
        elif directive == "define":
            if all(taken):
                macros.add(argument)
        elif directive != "include":
            raise ModelError(f"#{directive} in the C text is not understood")
        if all(taken):
            kept.append(following)
    return "".join(kept)


def _parse_values(name: str, body: str, dtype: np.dtype[np.generic]) -> np.ndarray:
    words = body.strip().removesuffix(",").split(",")
    try:
        if not _NUMBERS.fullmatch(body):
            raise ValueError("a character that no decimal number has")
        if dtype == np.float32:
            return _parse_floats(words)
        return _parse_integers(words, dtype)
    except ValueError as error:
        raise ModelError(f"C array {name!r} holds something that is no {dtype}: {error}") from error


def _parse_integers(words: list[str], dtype: np.dtype[np.generic]) -> np.ndarray:
    values = [int(word) for word in words]
    lowest, highest = _RANGE_OF_DTYPE[dtype]
    if min(values) < lowest or max(values) > highest:
        raise ValueError(f"a value outside {lowest}..{highest}")
    return np.array(values, dtype)


def _parse_floats(words: list[str]) -> np.ndarray:
    """Round twice, to double and then to float, as C does with a constant that has no suffix."""
    doubles = np.array([float(word) for word in words], np.float64)
    if not (np.abs(doubles) <= np.finfo(np.float32).max).all():
        raise ValueError("a value beyond the range of float")
    return doubles.astype(np.float32)
