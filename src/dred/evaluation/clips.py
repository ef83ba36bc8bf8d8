"""The recordings of an evaluation: a folder, a list or a challenge's data set enters, clips of 16 kHz mono leave.

| given                            | clips                                      |
|----------------------------------|--------------------------------------------|
| a folder                         | every recording in it                      |
| a text file of one path per line | these, relative to it or to folders above  |
| a folder of the PLC Challenge    | the `clean` recordings                     |

Speakers and texts come from a `manifest.jsonl` in the folder or up to three levels above: objects with `path`, relative
to the manifest, and `speaker` and `text` as far as known.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int16

from dred.audio import float_to_int16, read_audio, resample, to_mono
from dred.errors import FileFormatError, UsageError
from dred.timebase import SAMPLE_RATE_HZ
from dred.whole_file import read_whole_file

__all__ = ["Clip", "ClipSelection", "read_clips"]

_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")
_MANIFEST = "manifest.jsonl"
_MAX_MANIFEST_BYTES = 1 << 28
_LEVELS_ABOVE = 3
_CLEAN_FOLDER = "clean"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """A recording.

    Attributes:
        name: The file's name without its suffix; unique.
        speaker: Who speaks; the clip's name if unknown.
        text: What is said; None if unknown.
        pcm: At 16 kHz, at least one sample.
    """

    name: str
    speaker: str
    text: str | None
    pcm: Int16[np.ndarray, " samples"]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / SAMPLE_RATE_HZ

    @property
    def key(self) -> str:
        """A digest of the samples."""
        return hashlib.sha256(self.pcm.astype("<i2").tobytes()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSelection:
    """Which recordings of a collection are used.

    Attributes:
        count: At most so many, at least 1, spread over the speakers; None for all.
        min_seconds: Shorter recordings are left out.
        max_seconds: Longer ones are left out; None for no limit.
    """

    count: int | None = None
    min_seconds: float = 0.0
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise UsageError(f"count must be at least 1, got {self.count}")
        if self.min_seconds < 0:
            raise UsageError(f"min_seconds must be at least 0, got {self.min_seconds}")
        if self.max_seconds is not None and self.max_seconds < self.min_seconds:
            raise UsageError(f"max_seconds must be at least min_seconds, {self.min_seconds}, got {self.max_seconds}")

    def allows(self, seconds: float) -> bool:
        """Tell whether a recording of this length is used."""
        return self.min_seconds <= seconds and (self.max_seconds is None or seconds <= self.max_seconds)


def read_clips(source: Path, selection: ClipSelection | None = None) -> tuple[Clip, ...]:
    """Read recordings, in order of their names.

    Args:
        source: A folder, a text file of paths, or one recording.
        selection: By default all.

    Raises:
        UsageError: Nothing is found or left, two files share a name, or a file cannot be read.
        FileFormatError: A file is not audio, or the manifest or the list breaks its format.
    """
    selection = selection or ClipSelection()
    paths = _find(source)
    facts = _read_manifest(source if source.is_dir() else source.parent)
    clips = (_read_clip(path, facts.get(path.resolve(), {})) for path in _spread(paths, facts))
    chosen = list(islice((clip for clip in clips if selection.allows(clip.seconds)), selection.count))
    if not chosen:
        raise UsageError(f"no recording of {source} has the length that the experiment asks for")
    return tuple(sorted(chosen, key=lambda clip: clip.name))


def _find(source: Path) -> list[Path]:
    if source.is_dir():
        clean = [folder for folder in sorted(source.rglob(_CLEAN_FOLDER)) if folder.is_dir()]
        # Beside clean recordings a challenge keeps damaged ones of the same names.
        folders = clean or [source]
        paths = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    elif source.suffix.lower() in _SUFFIXES:
        paths = [source]
    else:
        paths = list(_read_list(source))
    if not paths:
        raise UsageError(f"there is no recording ({', '.join(_SUFFIXES)}) in {source}")
    twice = next((name for name, count in Counter(path.stem for path in paths).items() if count > 1), None)
    if twice is not None:
        raise UsageError(f"recordings need different names, got {twice} twice in {source}")
    return paths


def _read_list(source: Path) -> Iterator[Path]:
    data = read_whole_file(source, max_bytes=_MAX_MANIFEST_BYTES)
    folders = [source.parent, *source.resolve().parents[1 : 1 + _LEVELS_ABOVE]]
    for line in data.decode("utf-8", "replace").splitlines():
        if line.strip():
            found = next((folder / line.strip() for folder in folders if (folder / line.strip()).is_file()), None)
            if found is None:
                raise UsageError(f"cannot find {line.strip()}, which {source.name} lists")
            yield found


def _read_manifest(folder: Path) -> Mapping[Path, Mapping[str, Any]]:
    """Read what is known about each file, by its path."""
    resolved = folder.resolve()
    for level in [resolved, *resolved.parents[:_LEVELS_ABOVE]]:
        path = level / _MANIFEST
        if path.is_file():
            lines = read_whole_file(path, max_bytes=_MAX_MANIFEST_BYTES).splitlines()
            entries = [_parse_entry(line, number) for number, line in enumerate(lines, start=1) if line.strip()]
            return {(level / entry["path"]).resolve(): entry for entry in entries}
    return {}


def _parse_entry(line: bytes, number: int) -> Mapping[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        raise FileFormatError(f"an object with a path in line {number} of {_MANIFEST}", value=line[:40])
    return entry


def _spread(paths: Sequence[Path], facts: Mapping[Path, Mapping[str, Any]]) -> list[Path]:
    """Order recordings so that the first ones have as many speakers as possible."""
    turns: dict[str, int] = {}
    order = []
    for path in paths:
        speaker = _speaker(path, facts.get(path.resolve(), {}))
        turns[speaker] = turns.get(speaker, 0) + 1
        order.append((turns[speaker], path))
    return [path for _, path in sorted(order)]


def _speaker(path: Path, entry: Mapping[str, Any]) -> str:
    return str(entry.get("speaker") or path.stem)


def _read_clip(path: Path, entry: Mapping[str, Any]) -> Clip:
    audio = read_audio(path)
    pcm = float_to_int16(resample(to_mono(audio.samples), from_hz=audio.rate_hz, to_hz=SAMPLE_RATE_HZ))
    text = entry.get("text")
    return Clip(
        name=path.stem,
        speaker=_speaker(path, entry),
        text=text if isinstance(text, str) and text.strip() else None,
        pcm=pcm.reshape(-1),
    )
