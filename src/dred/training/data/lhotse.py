"""Manifests of lhotse as lists of clips. They are read as data: lhotse itself is not needed, nothing is run or fetched.

    cuts.jsonl[.gz]                                       a clip per cut; per supervision where several people speak
    recordings.jsonl[.gz] with supervisions.jsonl[.gz]    a clip per supervision
    recordings.jsonl[.gz]                                 a clip per recording, each a speaker of its own

Source: the serialised classes Recording, AudioSource, SupervisionSegment, MonoCut and MultiCut of lhotse 1.x. What
changes the sound on loading (transforms, mixed and padding cuts) is refused.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dred.errors import FileFormatError, UsageError
from dred.training.data.clip import Clip, split_of_speaker
from dred.training.data.json_lines import number_of, read_json_lines, text_of

__all__ = ["read_lhotse"]

_PAIR = ("recordings", "supervisions")
_WORDS = {"train": "train", "dev": "valid", "val": "valid", "valid": "valid", "validation": "valid", "test": "test"}
# Cuts may reach beyond what a recording says it has by as much as rounding makes of a duration.
_SLACK_S = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recording:
    id: str
    line: int
    path: Path
    channels: tuple[int, ...]
    duration_s: float
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """A part of a recording. Channels are lhotse's numbers, none for all; the speaker is empty if not known."""

    name: str
    speaker: str
    start_s: float
    duration_s: float
    channels: tuple[int, ...]


def read_lhotse(manifest: Path) -> list[Clip]:
    """List the clips of a manifest.

    lhotse names no splits. A word of the file's name does (train; dev, val, valid, validation; test); without one every
    tenth speaker is kept for validation. Who has no name is a speaker per recording. Relative paths are looked for
    beside the manifest, then from the working directory.

    Args:
        manifest: A file of cuts, recordings or supervisions; of the last two, the other one is looked for beside it.

    Raises:
        UsageError: A file is missing or cannot be read.
        FileFormatError: A line breaks the format, or asks for what is not done here.
    """
    recordings_path, supervisions_path = _pair(manifest)
    clips: list[Clip] = []
    recordings: dict[str, _Recording] = {}
    for number, row in read_json_lines(recordings_path):
        if "sources" in row:
            recording = _recording(row, number, manifest.parent)
            recordings[recording.id] = recording
        else:
            clips += _of_cut(row, number, manifest)
    if not recordings:
        return clips
    if supervisions_path is None:
        return clips + [_clip(named, _whole(named), manifest, named.line) for named in recordings.values()]
    for number, row in read_json_lines(supervisions_path):
        named = recordings.get(text_of(row, "recording_id", number))
        if named is None:
            raise FileFormatError(f"line {number}: the recording_id of a recording", value=row["recording_id"])
        clips.append(_clip(named, _stretch(row, number), manifest, number))
    return clips


def _pair(manifest: Path) -> tuple[Path, Path | None]:
    """Find the recordings (or cuts) and the supervisions that belong together by their names."""
    recordings, supervisions = _PAIR
    name = manifest.name
    if supervisions in name:
        path = manifest.with_name(name.replace(supervisions, recordings))
        if not path.is_file():
            raise UsageError(f"{name} needs its recordings beside it, {path.name}")
        return path, manifest
    other = manifest.with_name(name.replace(recordings, supervisions))
    return manifest, other if recordings in name and other.is_file() else None


def _of_cut(row: Mapping[str, Any], number: int, manifest: Path) -> Iterator[Clip]:
    kind = row.get("type")
    if kind not in ("MonoCut", "MultiCut"):
        raise FileFormatError(f"line {number}: a recording, a MonoCut or a MultiCut", value=str(kind)[:80])
    if not isinstance(row.get("recording"), dict):
        raise FileFormatError(f"line {number}: a cut with its recording", value=text_of(row, "id", number, ""))
    recording = _recording(row["recording"], number, manifest.parent)
    cut = _stretch(row, number)
    supervisions = row.get("supervisions") or []
    if not isinstance(supervisions, list) or not all(isinstance(item, dict) for item in supervisions):
        raise FileFormatError(f"line {number}: a list of supervisions", value=str(supervisions)[:80])
    spoken = [_stretch(item, number, before_s=cut.start_s) for item in supervisions]
    speakers = sorted({stretch.speaker for stretch in spoken})
    if len(speakers) > 1:
        within = (_cropped(stretch, cut) for stretch in spoken)
        for place, stretch in enumerate(within):
            if stretch.duration_s > 0:
                yield _clip(recording, stretch, manifest, number, name=f"{cut.name}/{place}")
    else:
        yield _clip(recording, cut, manifest, number, speaker=speakers[0] if speakers else "")


def _cropped(stretch: _Stretch, cut: _Stretch) -> _Stretch:
    """Leave of a supervision what lies within its cut."""
    start_s = max(stretch.start_s, cut.start_s)
    end_s = min(stretch.start_s + stretch.duration_s, cut.start_s + cut.duration_s)
    channels = stretch.channels or cut.channels
    return _Stretch(
        name=stretch.name,
        speaker=stretch.speaker,
        start_s=start_s,
        duration_s=end_s - start_s,
        channels=channels,
    )


def _recording(row: Mapping[str, Any], number: int, folder: Path) -> _Recording:
    if row.get("transforms"):
        raise FileFormatError(f"line {number}: a recording without transforms", value=str(row["transforms"])[:80])
    sources = row.get("sources")
    if not isinstance(sources, list) or len(sources) != 1 or not isinstance(sources[0], dict):
        raise FileFormatError(f"line {number}: a recording with one source", value=str(sources)[:80])
    kind = sources[0].get("type")
    if kind != "file":
        raise FileFormatError(
            f"line {number}: a source of the type file; others are neither run nor fetched", value=kind
        )
    path = Path(text_of(sources[0], "source", number))
    beside = folder / path
    return _Recording(
        id=text_of(row, "id", number),
        line=number,
        path=beside if _is_file(beside) else path,
        channels=_channels(sources[0].get("channels"), number),
        duration_s=number_of(row, "duration", number),
        licence=_licence(row, number),
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for this file system
        return False


def _stretch(row: Mapping[str, Any], number: int, *, before_s: float = 0.0) -> _Stretch:
    # Supervisions of a cut may begin before it.
    least_s = -before_s - _SLACK_S if before_s else 0.0
    return _Stretch(
        name=text_of(row, "id", number),
        speaker="" if row.get("speaker") is None else text_of(row, "speaker", number),
        start_s=max(before_s + number_of(row, "start", number, least=least_s), 0.0),
        duration_s=number_of(row, "duration", number),
        channels=() if row.get("channel") is None else _channels(row["channel"], number),
    )


def _whole(recording: _Recording) -> _Stretch:
    return _Stretch(name=recording.id, speaker="", start_s=0.0, duration_s=recording.duration_s, channels=())


def _channels(value: object, number: int) -> tuple[int, ...]:
    numbers = value if isinstance(value, list) else [value]
    if not numbers or not all(type(channel) is int and 0 <= channel < 1 << 16 for channel in numbers):
        raise FileFormatError(f"line {number}: numbers of channels", value=str(value)[:80])
    return tuple(numbers)


def _licence(row: Mapping[str, Any], number: int) -> str:
    custom = row.get("custom")
    return text_of(custom, "licence", number, "") if isinstance(custom, dict) else ""


def _clip(
    recording: _Recording, stretch: _Stretch, manifest: Path, number: int, *, name: str = "", speaker: str = ""
) -> Clip:
    end_s = stretch.start_s + stretch.duration_s
    if not stretch.duration_s > 0 or end_s > recording.duration_s + _SLACK_S:
        place = f"{stretch.start_s:g} to {end_s:g} s"
        raise FileFormatError(f"line {number}: a part of the {recording.duration_s:g} s of its recording", value=place)
    speaker = speaker or stretch.speaker or recording.id
    return Clip(
        path=recording.path,
        name=name or stretch.name,
        split=_split(manifest.name) or split_of_speaker(speaker),
        speaker=speaker,
        licence=recording.licence,
        start_s=stretch.start_s,
        duration_s=None if math.isclose(stretch.duration_s, recording.duration_s) else stretch.duration_s,
        columns=_columns(recording.channels, stretch.channels, number),
    )


def _columns(in_file: Sequence[int], wanted: Sequence[int], number: int) -> tuple[int, ...]:
    missing = [channel for channel in wanted if channel not in in_file]
    if missing:
        raise FileFormatError(f"line {number}: a channel of {', '.join(map(str, in_file))}", value=missing[0])
    return tuple(in_file.index(channel) for channel in wanted)


def _split(name: str) -> str:
    """Return the split that a file's name names; empty if it names none, or two."""
    named = {_WORDS[word] for word in re.findall("[a-z]+", name.lower()) if word in _WORDS}
    return named.pop() if len(named) == 1 else ""
