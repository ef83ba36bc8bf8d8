"""Keys of SRTP: 16 bytes of master key and 14 of salt, as base64.

Both ends have the same key. How it gets from one to the other is not our matter; it must not be the network.

Source: RFC 3711 section 8.2, RFC 4568 section 6.1 (the form in base64).
"""

import base64
import binascii
import secrets
from pathlib import Path

from dred.errors import UsageError
from dred.whole_file import read_whole_file

__all__ = ["KEY_BYTES", "KEY_VARIABLE", "new_key", "parse_key", "read_key_file"]

KEY_BYTES = 30
KEY_VARIABLE = "DRED_KEY"
_MAX_FILE_BYTES = 1024


def new_key() -> str:
    """Draw a key."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def parse_key(text: str) -> bytes:
    """Read a key.

    Raises:
        UsageError: It is not 30 bytes in base64. The text does not repeat what was given.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise UsageError(f"a key is {KEY_BYTES} bytes in base64, 40 characters; `--key new` makes one")
    return key


def read_key_file(path: Path) -> bytes:
    """Read a key from a file that holds nothing else.

    Raises:
        UsageError: The file cannot be read, or does not hold a key.
        FileFormatError: It is larger than a key.
    """
    data = read_whole_file(path, max_bytes=_MAX_FILE_BYTES)
    return parse_key(data.decode("ascii", errors="replace"))
