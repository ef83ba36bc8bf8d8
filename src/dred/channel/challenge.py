"""Folders of loss traces: the layout of the Audio Deep PLC Challenge, or plain text files.

| found                                   | what                                                             |
|-----------------------------------------|------------------------------------------------------------------|
| `**/<id>_is_lost.txt`                   | a clip's trace; it lies in `lossy_signals` or beside that folder |
| `lossy_signals/<id>.wav`                | what was received, lost packets silent; or it lies beside the trace |
| `clean/<id>.wav`                        | what was sent                                                    |
| `*.csv` in a folder above the trace     | a row per clip; columns differ between editions                  |
| `*.txt`, where nothing ends in `_is_lost.txt` | traces of one flat folder                                  |

Nested sets, such as `test_train/train` and `test_train/val`, are found together.

Source: facts about the Interspeech 2022 Audio Deep PLC Challenge's data set.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dred.errors import FileFormatError, UsageError
from dred.whole_file import read_whole_file

__all__ = ["ChallengeClip", "find_traces"]

_MARK = "_is_lost"
_LOSSY_FOLDERS = ("lossy_signals", "lossy")
_CLEAN_FOLDERS = ("clean", "clean_signals")
# Columns that may name a clip, best first; without any, the one whose values do.
_NAME_COLUMNS = ("id", "clip_id", "filename", "file_name", "file", "clip", "name", "wav")
_DELIMITERS = ",;\t"
MAX_TABLE_BYTES = 1 << 26
_SHOWN_BYTES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeClip:
    """One clip's trace, and what belongs to it.

    Attributes:
        name: The clip's id; with its folders before it where two clips share one.
        trace: Its loss trace.
        clean: The recording as sent; None if there is none.
        lossy: The recording as received; None if there is none.
        metadata: What tables tell of it, by column, as text; empty if there is no table or no such row.
    """

    name: str
    trace: Path
    clean: Path | None
    lossy: Path | None
    metadata: Mapping[str, str]


def find_traces(source: Path) -> tuple[ChallengeClip, ...]:
    """Find the traces of a folder with what belongs to them, in order of their paths; or take one file.

    Traces are not read. A recording or a row that is missing is no error.

    Raises:
        UsageError: There is no trace, or a table cannot be read.
        FileFormatError: A table is not text.
    """
    if source.is_file():
        return (_clip(source, source.parent, {}),)
    if not source.is_dir():
        raise UsageError(f"cannot read {source}: there is no such file or folder")
    traces = sorted(source.rglob(f"*{_MARK}.txt")) or sorted(source.glob("*.txt"))
    if not traces:
        raise UsageError(f"there is no trace in {source}: neither <id>{_MARK}.txt in it or below, nor .txt in it")
    ids = {_id(trace.name) for trace in traces}
    tables: dict[Path, dict[str, dict[str, str]]] = {}
    for path in sorted(source.rglob("*.csv")):
        tables.setdefault(path.parent, {}).update(_read_table(path, ids))
    clips = [_clip(trace, source, tables) for trace in traces]
    shared = {name for name, count in Counter(clip.name for clip in clips).items() if count > 1}
    return tuple(clip if clip.name not in shared else _with_folders(clip, source) for clip in clips)


def _clip(trace: Path, top: Path, tables: Mapping[Path, Mapping[str, Mapping[str, str]]]) -> ChallengeClip:
    name = _id(trace.name)
    above = [folder for folder in trace.parents if folder == top or folder.is_relative_to(top)]
    metadata: dict[str, str] = {}
    # The nearest table has the last word.
    for folder in reversed(above):
        metadata.update(tables.get(folder, {}).get(name, {}))
    near = above[:2]
    return ChallengeClip(
        name=name,
        trace=trace,
        clean=_first([folder / below / f"{name}.wav" for folder in near for below in _CLEAN_FOLDERS]),
        lossy=_first(
            [folder / below / f"{name}.wav" for folder in near for below in _LOSSY_FOLDERS]
            + [trace.with_name(f"{name}.wav")]
        ),
        metadata=metadata,
    )


def _with_folders(clip: ChallengeClip, top: Path) -> ChallengeClip:
    folders = [folder for folder in clip.trace.relative_to(top).parent.parts if folder not in _LOSSY_FOLDERS]
    return ChallengeClip(
        name="/".join([*folders, clip.name]),
        trace=clip.trace,
        clean=clip.clean,
        lossy=clip.lossy,
        metadata=clip.metadata,
    )


def _first(paths: Sequence[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _id(text: str) -> str:
    """Take folders, suffix and mark away: `lossy_signals/12_is_lost.txt`, `12.wav` and `12` are all clip 12."""
    name = text.strip().replace("\\", "/").rpartition("/")[2]
    for suffix in (".txt", ".wav"):
        name = name.removesuffix(suffix)
    return name.removesuffix(_MARK)


def _read_table(path: Path, ids: set[str]) -> dict[str, dict[str, str]]:
    """Read the rows about known clips, by clip, without the column that names it."""
    data = read_whole_file(path, max_bytes=MAX_TABLE_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"text in UTF-8 in {path.name}", offset=error.start, value=data[error.start :][:_SHOWN_BYTES]
        ) from error
    first_line = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise FileFormatError(f"a table in {path.name}, {error}", value=first_line[:_SHOWN_BYTES]) from error
    columns = [column.strip() for column in rows[0]] if rows else []
    named_by = _naming_column(columns, rows[1:], ids)
    if named_by is None:
        return {}
    return {
        _id(row[named_by]): {
            column: value.strip() for place, (column, value) in enumerate(zip(columns, row)) if place != named_by
        }
        for row in rows[1:]
        if len(row) > named_by and _id(row[named_by]) in ids
    }


def _naming_column(columns: Sequence[str], rows: Sequence[Sequence[str]], ids: set[str]) -> int | None:
    """Choose the column that names clips: by its title, else the one that names most; None if none names any."""
    known = [len({_id(row[place]) for row in rows if len(row) > place} & ids) for place in range(len(columns))]
    by_title = [place for title in _NAME_COLUMNS for place, column in enumerate(columns) if column.lower() == title]
    for place in by_title:
        if known[place]:
            return place
    return known.index(max(known)) if any(known) else None
