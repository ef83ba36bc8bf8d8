"""Matrices of small whole numbers as pictures: rows of palette indices enter, a PNG file's bytes leave.

Source: PNG specification, third edition, sections 5 (structure), 9 (filters), 11 (IHDR, PLTE, IDAT, IEND).
"""

import struct
import zlib

import numpy as np
from jaxtyping import UInt8

from dred.errors import UsageError

__all__ = ["write_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BIT_DEPTH = 8
_PALETTE_COLOUR = 3


def write_png(pixels: UInt8[np.ndarray, "rows columns"], palette: UInt8[np.ndarray, "colours 3"]) -> bytes:
    """Write a picture, top row first.

    Args:
        pixels: Index of each pixel's colour; at least one pixel.
        palette: 1 to 256 colours as red, green, blue.

    Raises:
        UsageError: There is no pixel, or the palette lacks a colour.
    """
    if not pixels.size or len(palette) > 256 or pixels.max() >= len(palette):
        raise UsageError(f"a picture has pixels of at most 256 colours, got {pixels.shape} of {len(palette)}")
    rows, columns = pixels.shape
    header = struct.pack(">IIBBBBB", columns, rows, _BIT_DEPTH, _PALETTE_COLOUR, 0, 0, 0)
    # Filter 0 (none) in front of each row: the best for palette indices.
    lines = np.pad(pixels, ((0, 0), (1, 0))).tobytes()
    chunks = [(b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
