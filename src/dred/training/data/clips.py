"""Which recordings there are: from a folder's manifest, or from the folder itself.

`manifest.jsonl` has one object per line: path, split, speaker and, if known, licence; others are passed over. A folder
without one is taken whole: a file's speaker is the folder it lies in, and every tenth speaker is kept for validation.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dred.errors import FileFormatError, UsageError
from dred.whole_file import read_whole_file

__all__ = ["SPLITS", "Clip", "find_clips"]

SPLITS = ("train", "valid", "test")

_MANIFEST = "manifest.jsonl"
_MAX_MANIFEST_BYTES = 1 << 28
_SUFFIXES = (".flac", ".wav", ".ogg", ".mp3")
_VALID_IN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One recording.

    Attributes:
        path: The file.
        name: Its path within its folder, which tells it from others.
        split: One of `SPLITS`.
        speaker: Who speaks; no speaker is in two splits.
        licence: Of the recording; empty if not stated.
    """

    path: Path
    name: str
    split: str
    speaker: str
    licence: str = ""


def find_clips(folders: Sequence[Path], splits: Sequence[str] = ("train", "valid")) -> list[Clip]:
    """List the recordings of folders that belong to some splits, in a fixed order.

    Raises:
        UsageError: A folder is missing or holds no recording, or a speaker is in two splits.
        FileFormatError: A manifest breaks its format.
    """
    clips = [clip for folder in folders for clip in _in_folder(folder)]
    split_of: dict[str, str] = {}
    for clip in clips:
        if split_of.setdefault(clip.speaker, clip.split) != clip.split:
            raise UsageError(f"speaker {clip.speaker} is in the splits {split_of[clip.speaker]} and {clip.split}")
    return [clip for clip in clips if clip.split in splits]


def _in_folder(folder: Path) -> list[Clip]:
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    manifest = folder / _MANIFEST
    clips = _from_manifest(manifest) if manifest.is_file() else _from_files(folder)
    if not clips:
        raise UsageError(f"{folder} holds no recordings")
    return clips


def _from_manifest(manifest: Path) -> list[Clip]:
    clips = []
    lines = read_whole_file(manifest, max_bytes=_MAX_MANIFEST_BYTES).decode("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, split, speaker = (str(row[key]) for key in ("path", "split", "speaker"))
        except (ValueError, KeyError, TypeError) as error:
            raise FileFormatError(f"line {number}: a JSON object with path, split, speaker", value=line) from error
        if split not in SPLITS:
            raise FileFormatError(f"line {number}: the split is one of {', '.join(SPLITS)}", value=split)
        licence = str(row.get("licence", ""))
        clips.append(Clip(path=manifest.parent / name, name=name, split=split, speaker=speaker, licence=licence))
    return clips


def _from_files(folder: Path) -> list[Clip]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    clips = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        speaker = path.parent.relative_to(folder.parent).as_posix()
        is_valid = hashlib.sha256(speaker.encode()).digest()[0] % _VALID_IN == 0
        clips.append(Clip(path=path, name=name, split="valid" if is_valid else "train", speaker=speaker))
    return clips
