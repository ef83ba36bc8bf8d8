"""The sets at hand: those installed on this machine, one file each in one directory, and those that dred brings along.

The directory is the one that $DRED_WEIGHTS names, else `weights` in the user's data directory for dred. Published sets
come before those of dred's own, and built-in ones last: who has installed weights can talk to libopus. Sets that lack
networks come behind all whole ones.
"""

import functools
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from dred.data import bundled_weights
from dred.errors import ModelError, UsageError
from dred.weights.layers import missing_components
from dred.weights.safetensors_file import read_card, read_safetensors, write_safetensors
from dred.weights.weight_set import OWN_BITSTREAM_VERSION, SET_NAME, Card, WeightSet

__all__ = [
    "WAYS_OUT",
    "InstalledWeights",
    "available",
    "data_directory",
    "installed",
    "introduce",
    "is_built_in",
    "load",
    "passed_over",
    "remove",
    "save",
]

WAYS_OUT = (
    "run `dred weights install` with a network, or `dred weights import ARCHIVE` on a release archive of Opus 1.6.1 "
    "or 1.5.2, or set $DRED_WEIGHTS to a directory that holds installed weights"
)
"""What a user without weights can do, for the end of an error message."""

_SUFFIX = ".safetensors"
# Of libopus 1.5 and 1.6.
_STANDARD_VERSIONS = (10, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledWeights:
    """One file of the data directory, or of the package.

    Attributes:
        card: None if the file cannot be read.
        problem: Why it cannot be read; empty if it can.
        missing: Networks that it lacks.
        is_built_in: Whether it belongs to the package.
    """

    name: str
    path: Path
    size_bytes: int
    card: Card | None
    problem: str
    missing: tuple[str, ...] = ()
    is_built_in: bool = False


def data_directory() -> Path:
    """Name the directory of the installed sets, which may not exist yet."""
    named = os.environ.get("DRED_WEIGHTS")
    if named:
        return Path(named).expanduser()
    return Path(platformdirs.user_data_dir("dred", appauthor=False)) / "weights"


def installed(directory: Path | None = None) -> list[InstalledWeights]:
    """List the installed sets, best first: published ones, others that speak a standard version, dred's own.

    Within a kind the newest version comes first, then the newest libopus. Sets that lack networks come behind, in the
    same order; what cannot be used comes last.

    Args:
        directory: Instead of `data_directory()`.
    """
    paths = sorted((directory or data_directory()).glob(f"*{_SUFFIX}"))
    return sorted((_inspect(path) for path in paths), key=_rank)


def available() -> list[InstalledWeights]:
    """List the sets at hand, best first: the installed ones, the built-in ones; then those that lack networks, those of
    unknown versions, those that cannot be read.

    An installed set takes the place of a built-in one of the same name.
    """
    sets = installed()
    names = {entry.name for entry in sets if entry.card is not None}
    built_in = [replace(_inspect(path), is_built_in=True) for path in bundled_weights()]
    sets += sorted((entry for entry in built_in if entry.name not in names), key=_rank)
    return sorted(sets, key=_use)


def load(name: str | None = None, *, version: int | None = None, directory: Path | None = None) -> WeightSet:
    """Read a set; reading the same unchanged file again is free.

    Args:
        name: Which set; by default the best one as `available` orders them.
        version: Bitstream version that the set must speak, such as 12; by default any.
        directory: Only the sets that are installed there.

    Raises:
        ModelError: There is no such set, or its file is broken. The text says what to do.
    """
    sets = available() if directory is None else installed(directory)
    matching = [
        entry.path
        for entry in sets
        if entry.card is not None and name in (None, entry.name) and version in (None, entry.card.bitstream_version)
    ]
    if not matching:
        raise _missing(sets, name, version, directory or data_directory())
    path = matching[0]
    try:
        modified_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    return _read_cached(path, modified_ns)


def is_built_in(weights: WeightSet) -> bool:
    """Tell whether a set is one that dred brings along."""
    return any(
        entry.is_built_in and entry.name == weights.name and entry.card == weights.card and _holds(entry, weights)
        for entry in available()
    )


def passed_over() -> tuple[InstalledWeights, ...]:
    """List the sets that would come before the one that is used by default, were they whole."""
    sets = [entry for entry in available() if entry.card is not None]
    if not sets or sets[0].missing:
        return ()
    best = sets[0].is_built_in, _rank_if_whole(sets[0])
    return tuple(entry for entry in sets if entry.missing and (entry.is_built_in, _rank_if_whole(entry)) < best)


def introduce(weights: WeightSet | InstalledWeights) -> str:
    """Name a set with what one must know of it: whether it is built in, and whether libopus reads its payloads."""
    built_in = weights.is_built_in if isinstance(weights, InstalledWeights) else is_built_in(weights)
    named = f"built-in {weights.name}" if built_in else weights.name
    is_interoperable = weights.card is None or weights.card.is_interoperable
    return named if is_interoperable else f"{named}, not interoperable with libopus"


def save(weights: WeightSet, *, directory: Path | None = None) -> Path:
    """Install a set, in place of one with the same name, and return its file's path.

    Raises:
        ModelError: The file system refuses.
    """
    path = (directory or data_directory()) / f"{weights.name}{_SUFFIX}"
    write_safetensors(weights, path)
    return path


def remove(name: str, *, directory: Path | None = None) -> Path:
    """Remove an installed set and return the path that its file had.

    Raises:
        UsageError: The name is impossible.
        ModelError: There is no such set, or the file system refuses.
    """
    if not SET_NAME.fullmatch(name):
        raise UsageError(f"a set's name has 1 to 64 letters, digits and ._+-, not {name!r}")
    path = (directory or data_directory()) / f"{name}{_SUFFIX}"
    try:
        path.unlink()
    except FileNotFoundError:
        raise ModelError(f"no weights named {name!r} in {path.parent}") from None
    except OSError as error:
        raise ModelError(f"cannot remove {path}: {error.strerror}") from error
    return path


# Each receiver asks for all sets at hand.
@functools.lru_cache(maxsize=16)
def _read_cached(path: Path, modified_ns: int) -> WeightSet:
    """Read a file; the time of its last change is only there to tell a changed file from the one in the cache."""
    return read_safetensors(path)


def _inspect(path: Path) -> InstalledWeights:
    name = path.name.removesuffix(_SUFFIX)
    try:
        status = path.stat()
    except OSError as error:
        return InstalledWeights(name=name, path=path, size_bytes=0, card=None, problem=str(error.strerror))
    card, missing, problem = _read_card_cached(path, status.st_mtime_ns, status.st_size)
    return InstalledWeights(
        name=name, path=path, size_bytes=status.st_size, card=card, problem=problem, missing=missing
    )


# Each sender and receiver looks at all sets.
@functools.lru_cache(maxsize=64)
def _read_card_cached(path: Path, modified_ns: int, size_bytes: int) -> tuple[Card | None, tuple[str, ...], str]:
    try:
        card, array_names = read_card(path)
    except ModelError as error:
        return None, (), str(error)
    return card, missing_components(array_names), ""


def _holds(entry: InstalledWeights, weights: WeightSet) -> bool:
    """Tell whether a file holds just these numbers."""
    try:
        found = _read_cached(entry.path, entry.path.stat().st_mtime_ns)
    except (ModelError, OSError):
        return False
    return found is weights or (
        found.tables_sha256 == weights.tables_sha256 and found.tensors_sha256 == weights.tensors_sha256
    )


_PUBLISHED, _STANDARD, _OWN, _UNKNOWN, _UNREADABLE = range(5)


def _kind(entry: InstalledWeights) -> int:
    if entry.card is None:
        return _UNREADABLE
    if entry.card.bitstream_version == OWN_BITSTREAM_VERSION:
        return _OWN
    if entry.card.bitstream_version not in _STANDARD_VERSIONS:
        return _UNKNOWN
    return _PUBLISHED if entry.card.libopus else _STANDARD


_Rank = tuple[int, int, list[int], str]
_WHOLE, _PARTIAL, _OF_NO_USE, _BROKEN = range(4)


def _use(entry: InstalledWeights) -> int:
    if entry.card is None:
        return _BROKEN
    if _kind(entry) == _UNKNOWN:
        return _OF_NO_USE
    return _PARTIAL if entry.missing else _WHOLE


def _rank(entry: InstalledWeights) -> tuple[int, _Rank]:
    """Sort key: of what use; then what kind."""
    return _use(entry), _rank_if_whole(entry)


def _rank_if_whole(entry: InstalledWeights) -> _Rank:
    """Sort key: the kind; then the highest version and release, so negative numbers."""
    if entry.card is None:
        return _UNREADABLE, 0, [], entry.name
    release = [-int(number) for number in re.findall(r"\d{1,9}", entry.card.libopus)]
    return _kind(entry), -entry.card.bitstream_version, release, entry.name


def _missing(sets: list[InstalledWeights], name: str | None, version: int | None, directory: Path) -> ModelError:
    wanted = "weights" if name is None else f"weights named {name!r}"
    if version is not None:
        wanted += f" of bitstream version {version}"
    broken = [entry for entry in sets if entry.problem and (name is None or entry.name == name)]
    if broken:
        return ModelError(f"no readable {wanted} in {directory} ({broken[0].problem}): {WAYS_OUT}")
    names = ", ".join(f"{entry.name} (version {entry.card.bitstream_version})" for entry in sets if entry.card)
    return ModelError(f"no {wanted} in {directory}{f'; at hand are {names}' if names else ''}: {WAYS_OUT}")
