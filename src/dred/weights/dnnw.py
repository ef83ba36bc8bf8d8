"""libopus's weight blob: a row of named arrays, and nothing else.

bytes -> parse_dnnw -> {name: array}, in the order of the records -> write_dnnw -> the same bytes

A record is a header of 64 bytes (b"DNNw", four int32: version 0, type, size, block size; a name of 44 bytes that ends
in NUL) and the array, padded with zeros to a multiple of 64 bytes. All is little endian.

Every blob that `parse_dnnw` accepts is reproduced by `write_dnnw` byte for byte. This is why the parser is stricter
than libopus: it refuses padding that is not zero and block sizes other than the smallest.

Source: libopus 1.6.1, dnn/nnet.h and dnn/parse_lpcnet_weights.c (format of the records).
"""

import re
import struct
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Int8, Int32

from dred.errors import ModelError

__all__ = ["DNNW_MAGIC", "TENSOR_NAME", "Tensor", "parse_dnnw", "write_dnnw"]

Tensor = Float32[np.ndarray, " _"] | Int8[np.ndarray, " _"] | Int32[np.ndarray, " _"]

DNNW_MAGIC = b"DNNw"
TENSOR_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

_BLOCK_BYTES = 64
_NAME_BYTES = 44
_HEADER = struct.Struct(f"<4s4i{_NAME_BYTES}s")
# Type 2 (qweight) is a type of older builds whose width depended on the machine; no published blob has it.
_DTYPE_OF_TYPE: dict[int, np.dtype[np.generic]] = {0: np.dtype(np.float32), 1: np.dtype(np.int32), 3: np.dtype(np.int8)}
_TYPE_OF_DTYPE = {dtype: number for number, dtype in _DTYPE_OF_TYPE.items()}


def parse_dnnw(data: bytes) -> dict[str, Tensor]:
    """Read the arrays of a weight blob, in the order of its records.

    Raises:
        ModelError: A record breaks the format; the text gives the rule, the byte offset and the value.
    """
    tensors: dict[str, Tensor] = {}
    offset = 0
    while offset < len(data):
        name, dtype, size_bytes = _parse_header(data, offset)
        if name in tensors:
            raise _blob_error("names differ", offset + 20, name)
        start = offset + _HEADER.size
        end = start + size_bytes
        offset = start + _padded(size_bytes)
        if any(data[end:offset]):
            raise _blob_error("padding is zero", end, data[end:offset])
        tensors[name] = np.frombuffer(data, dtype, size_bytes // dtype.itemsize, start).copy()
    if not tensors:
        raise _blob_error("there is at least one record", 0, b"")
    return tensors


def write_dnnw(tensors: Mapping[str, Tensor]) -> bytes:
    """Write arrays as a weight blob, in their order.

    Raises:
        ModelError: A name is longer than the 43 characters that a record holds.
    """
    parts: list[bytes] = []
    for name, tensor in tensors.items():
        encoded = name.encode("ascii")
        if len(encoded) >= _NAME_BYTES:
            raise ModelError(f"a weight blob holds names of at most {_NAME_BYTES - 1} characters, not {name!r}")
        data = tensor.tobytes()
        block_bytes = _padded(len(data))
        parts.append(_HEADER.pack(DNNW_MAGIC, 0, _TYPE_OF_DTYPE[tensor.dtype], len(data), block_bytes, encoded))
        parts.append(data.ljust(block_bytes, b"\0"))
    return b"".join(parts)


def _parse_header(data: bytes, offset: int) -> tuple[str, np.dtype[np.generic], int]:
    """Return name, dtype and size in bytes of the record at `offset`, whose block lies within the data."""
    if len(data) - offset < _HEADER.size:
        raise _blob_error("a record starts with 64 bytes of header", offset, len(data) - offset)
    magic, version, type_number, size_bytes, block_bytes, name_field = _HEADER.unpack_from(data, offset)
    if magic != DNNW_MAGIC:
        raise _blob_error("a record starts with DNNw", offset, magic)
    if version != 0:
        raise _blob_error("the version is 0", offset + 4, version)
    if type_number not in _DTYPE_OF_TYPE:
        raise _blob_error("the type is 0 (float32), 1 (int32) or 3 (int8)", offset + 8, type_number)
    dtype = _DTYPE_OF_TYPE[type_number]
    if size_bytes <= 0 or size_bytes % dtype.itemsize:
        raise _blob_error(f"the size is a positive multiple of {dtype.itemsize}", offset + 12, size_bytes)
    if block_bytes != _padded(size_bytes):
        raise _blob_error("the block size is the size padded to 64", offset + 16, block_bytes)
    if block_bytes > len(data) - offset - _HEADER.size:
        raise _blob_error("the block ends within the data", offset + 16, block_bytes)
    name, terminator, rest = name_field.partition(b"\0")
    if not terminator or any(rest):
        raise _blob_error("the name ends in NUL and zeros follow", offset + 20, name_field)
    text = name.decode("latin-1")
    if not TENSOR_NAME.fullmatch(text):
        raise _blob_error("the name is an identifier", offset + 20, text)
    return text, dtype, size_bytes


def _padded(size_bytes: int) -> int:
    return -(-size_bytes // _BLOCK_BYTES) * _BLOCK_BYTES


def _blob_error(rule: str, offset: int, value: object) -> ModelError:
    return ModelError(f"not a weight blob: {rule} (at byte {offset}, got {value!r})")
