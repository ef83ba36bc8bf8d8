"""A digest of all sources that a compiled function can be made of: its file, and what that imports of its package.

Constants are compiled in like functions, so that every module counts, compiled or not. Imports are found in the text,
absolute ones only, as all of this package are. Each file is read once per process, when the first function that needs
it is decorated: what a later update puts there is not what runs here.
"""

import hashlib
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = ["source_stamp"]

_IMPORT = re.compile(
    rb"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|^[ \t]*import[ \t]+([^\n]*)", re.MULTILINE
)
_NAME = re.compile(rb"[\w.]+")


def source_stamp(module: str, path: Path) -> bytes:
    """Return a digest of a module's source and of all that it imports of its top package, directly or not.

    Args:
        module: Its full name; its top package has been imported.
        path: Its file.

    Raises:
        OSError: The file cannot be read.
    """
    root, _, _ = module.partition(".")
    folders = [Path(folder) for folder in getattr(sys.modules.get(root), "__path__", ())]
    digests = {path: _read(path)[0]}
    pending = [path]
    while pending:
        for name in _read(pending.pop())[1]:
            found = _find(name, root, folders[0]) if folders else None
            if found is not None and found not in digests:
                digests[found] = _read(found)[0]
                pending.append(found)
    return hashlib.sha256(b"".join(digests[file] for file in sorted(digests))).digest()


@cache
def _read(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """Return a file's digest and the names that it imports."""
    source = path.read_bytes()
    return hashlib.sha256(source).digest(), tuple(dict.fromkeys(_imported_names(source)))


def _imported_names(source: bytes) -> Iterator[str]:
    for origin, names, modules in _IMPORT.findall(source):
        if origin:
            yield origin.decode()
        for name in _NAME.findall(names or modules):
            yield f"{origin.decode()}.{name.decode()}" if origin else name.decode()


@cache
def _find(name: str, root: str, folder: Path) -> Path | None:
    """Return the file of a module of the package; None for other packages and for what is no module."""
    first, *rest = name.split(".")
    if first != root:
        return None
    for candidate in (
        folder.joinpath(*rest).with_suffix(".py") if rest else None,
        folder.joinpath(*rest, "__init__.py"),
    ):
        if candidate is not None and candidate.is_file():
            return candidate
    return None
