"""Which recordings there are: from a folder's manifest, from the folder itself, or from a manifest of lhotse.

`manifest.jsonl` has one object per line: path, split, speaker and, if known, licence and whether a synthesiser spoke
(`synthetic`); others are passed over. A folder without one is taken whole: a file's speaker is the folder it lies in,
and every tenth speaker is kept for validation.
"""

from collections.abc import Sequence
from pathlib import Path

from dred.errors import FileFormatError, UsageError
from dred.training.data.clip import AUDIO_SUFFIXES, SPLITS, Clip, split_of_speaker
from dred.training.data.json_lines import read_json_lines, text_of
from dred.training.data.lhotse import read_lhotse

__all__ = ["MANIFEST_NAME", "find_clips"]

MANIFEST_NAME = "manifest.jsonl"


def find_clips(sources: Sequence[Path], splits: Sequence[str] = ("train", "valid")) -> list[Clip]:
    """List the recordings of folders and manifests of lhotse that belong to some splits, in a fixed order.

    Raises:
        UsageError: A folder or file is missing or holds no recording, or a speaker is in two splits.
        FileFormatError: A manifest breaks its format.
    """
    clips = [clip for source in sources for clip in _of_source(source)]
    split_of: dict[str, str] = {}
    for clip in clips:
        if split_of.setdefault(clip.speaker, clip.split) != clip.split:
            raise UsageError(f"speaker {clip.speaker} is in the splits {split_of[clip.speaker]} and {clip.split}")
    return [clip for clip in clips if clip.split in splits]


def _of_source(source: Path) -> list[Clip]:
    if source.is_file():
        clips = read_lhotse(source)
    elif source.is_dir():
        manifest = source / MANIFEST_NAME
        clips = _from_manifest(manifest) if manifest.is_file() else _from_files(source)
    else:
        raise UsageError(f"there is no folder {source}")
    if not clips:
        raise UsageError(f"{source} holds no recordings")
    return clips


def _from_manifest(manifest: Path) -> list[Clip]:
    clips = []
    for number, row in read_json_lines(manifest):
        name, split, speaker = (text_of(row, key, number) for key in ("path", "split", "speaker"))
        if split not in SPLITS:
            raise FileFormatError(f"line {number}: the split is one of {', '.join(SPLITS)}", value=split)
        clips.append(
            Clip(
                path=manifest.parent / name,
                name=name,
                split=split,
                speaker=speaker,
                licence=text_of(row, "licence", number, ""),
                is_synthetic=row.get("synthetic") is True,
            )
        )
    return clips


def _from_files(folder: Path) -> list[Clip]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    clips = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        speaker = path.parent.relative_to(folder.parent).as_posix()
        clips.append(Clip(path=path, name=name, split=split_of_speaker(speaker), speaker=speaker))
    return clips
