"""Which recordings an evaluation finds, and what it knows of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from dred.audio import write_wav
from dred.errors import FileFormatError, UsageError
from dred.evaluation.clips import ClipSelection, read_clips

SPEAKERS = {"a1": "anna", "a2": "anna", "a3": "anna", "b1": "ben", "c1": "carl"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five recordings of three speakers, of 1 to 5 s, with a manifest two levels above."""
    inner = tmp_path / "test" / "speech"
    inner.mkdir(parents=True)
    lines = []
    for seconds, (name, speaker) in enumerate(SPEAKERS.items(), start=1):
        write_wav(inner / f"{name}.wav", np.full(seconds * 8_000, 0.001 * seconds, np.float32), 8_000)
        lines.append({"path": f"test/speech/{name}.wav", "speaker": speaker, "text": f"this is {name}"})
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return inner


def names(source: Path, **selection: object) -> list[str]:
    return [clip.name for clip in read_clips(source, ClipSelection(**selection))]


def test_a_folder_gives_all_its_recordings_at_16_khz(folder: Path) -> None:
    clips = read_clips(folder)
    assert [clip.name for clip in clips] == list(SPEAKERS)
    assert [len(clip.pcm) for clip in clips] == [16_000 * seconds for seconds in range(1, 6)]
    assert [clip.seconds for clip in clips] == [1, 2, 3, 4, 5]


def test_a_manifest_above_tells_speakers_and_texts(folder: Path) -> None:
    clips = read_clips(folder)
    assert {clip.name: clip.speaker for clip in clips} == SPEAKERS
    assert clips[0].text == "this is a1"


def test_without_a_manifest_every_clip_has_a_speaker_of_its_own(folder: Path) -> None:
    (folder.parents[1] / "manifest.jsonl").unlink()
    assert [(clip.speaker, clip.text) for clip in read_clips(folder)] == [(name, None) for name in SPEAKERS]


def test_a_few_clips_come_from_as_many_speakers_as_possible(folder: Path) -> None:
    assert names(folder, count=3) == ["a1", "b1", "c1"]
    assert names(folder, count=4) == ["a1", "a2", "b1", "c1"]


def test_clips_may_be_held_to_a_length(folder: Path) -> None:
    assert names(folder, min_seconds=2, max_seconds=4) == ["a2", "a3", "b1"]
    assert names(folder, count=1, min_seconds=2) == ["b1"]


def test_a_list_names_recordings_beside_it_or_above(folder: Path) -> None:
    listing = folder / "chosen.txt"
    listing.write_text("test/speech/b1.wav\n\na2.wav\n")
    assert names(listing) == ["a2", "b1"]


def test_of_a_challenge_only_the_clean_recordings_are_used(tmp_path: Path) -> None:
    for kind in ("clean", "lossy_signals"):
        (tmp_path / "train" / kind).mkdir(parents=True)
        write_wav(tmp_path / "train" / kind / "7.wav", np.zeros(16_000, np.float32), 16_000)
    assert names(tmp_path) == ["7"]


def test_the_key_is_that_of_the_samples(folder: Path) -> None:
    first, again = read_clips(folder), read_clips(folder)
    assert [clip.key for clip in first] == [clip.key for clip in again]
    assert len({clip.key for clip in first}) == 5


@pytest.mark.parametrize("setting", [{"count": 0}, {"min_seconds": -1}, {"min_seconds": 2, "max_seconds": 1}], ids=str)
def test_impossible_selections_are_refused(setting: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        ClipSelection(**setting)


def test_finding_nothing_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no recording"):
        read_clips(tmp_path / "empty")
    with pytest.raises(UsageError, match="has the length"):
        names(folder, min_seconds=60)


def test_two_recordings_of_one_name_are_refused(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "a1.wav").write_bytes((folder / "a1.wav").read_bytes())
    with pytest.raises(UsageError, match="a1 twice"):
        read_clips(folder)


def test_a_list_that_names_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "chosen.txt").write_text("a9.wav\n")
    with pytest.raises(UsageError, match=r"a9\.wav"):
        read_clips(folder / "chosen.txt")


@pytest.mark.parametrize("line", ["{", "[]", '{"speaker": "x"}', '{"path": 3}', "[" * 100_000], ids=range(5))
def test_a_broken_manifest_is_told_with_its_line(folder: Path, line: str) -> None:
    (folder.parents[1] / "manifest.jsonl").write_text("\n" + line)
    with pytest.raises(FileFormatError, match="line 2"):
        read_clips(folder)
