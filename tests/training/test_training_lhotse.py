"""lhotse's manifests as they lie on disk: cuts, recordings with supervisions, and what is refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.audio import write_wav
from dred.errors import DredError, FileFormatError, UsageError
from dred.training.data import Clip, CorpusConfig, build_corpus, find_clips
from dred.training.data.lhotse import read_lhotse

RATE_HZ = 16_000


def recording(**changes: Any) -> dict[str, Any]:
    about: dict[str, Any] = {
        "id": "call",
        "sources": [{"type": "file", "channels": [0, 1], "source": "call.wav"}],
        "sampling_rate": RATE_HZ,
        "num_samples": 3 * RATE_HZ,
        "duration": 3.0,
        "channel_ids": [0, 1],
    }
    return about | changes


def supervision(name: str, speaker: str, **changes: Any) -> dict[str, Any]:
    about = {"id": name, "recording_id": "call", "start": 0.0, "duration": 1.0, "channel": 0, "speaker": speaker}
    return about | changes


def cut(**changes: Any) -> dict[str, Any]:
    about: dict[str, Any] = {
        "id": "cut",
        "start": 0.5,
        "duration": 1.0,
        "channel": 1,
        "supervisions": [supervision("s", "ann", channel=1)],
        "recording": recording(),
        "type": "MonoCut",
    }
    return about | changes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three seconds of stereo; each sample of the right channel tells its time, the left one is silent."""
    ramp = np.arange(3 * RATE_HZ, dtype=np.int16)
    write_wav(tmp_path / "call.wav", np.stack([np.zeros_like(ramp), ramp], axis=1), RATE_HZ)
    return tmp_path


def write(path: Path, *rows: object) -> Path:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read_one(path: Path, *rows: object) -> Clip:
    (clip,) = read_lhotse(write(path, *rows))
    return clip


@pytest.mark.parametrize("name", ["cuts_train.jsonl", "cuts_train.jsonl.gz"])
def test_a_cut_is_a_part_of_one_channel_of_its_recording(folder: Path, name: str) -> None:
    clip = read_one(folder / name, cut())
    assert (clip.name, clip.speaker, clip.split, clip.start_s, clip.duration_s) == ("cut", "ann", "train", 0.5, 1.0)
    np.testing.assert_array_equal(np.rint(clip.read() * 32768), np.arange(8_000, 24_000))


def test_channels_are_looked_up_among_those_of_the_file(folder: Path) -> None:
    swapped = recording(sources=[{"type": "file", "channels": [7, 3], "source": "call.wav"}])
    assert read_one(folder / "cuts.jsonl", cut(recording=swapped, channel=3, supervisions=[])).columns == (1,)
    both = cut(recording=swapped, channel=[3, 7], type="MultiCut", supervisions=[])
    assert read_one(folder / "cuts.jsonl", both).columns == (1, 0)


def test_where_several_speak_in_a_cut_each_supervision_is_a_clip(folder: Path) -> None:
    said = [supervision("s", "ann", start=-0.2, duration=0.7), supervision("t", "bob", start=0.5, duration=0.9)]
    clips = read_lhotse(write(folder / "cuts.jsonl", cut(supervisions=said)))
    assert [(clip.speaker, clip.name) for clip in clips] == [("ann", "cut/0"), ("bob", "cut/1")]
    # Nothing outside of the cut is taken.
    assert [clip.start_s for clip in clips] == pytest.approx([0.5, 1.0])
    assert [clip.duration_s for clip in clips] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("given_name", ["a_recordings_dev.jsonl.gz", "a_supervisions_dev.jsonl.gz"])
def test_recordings_and_supervisions_find_each_other(folder: Path, given_name: str) -> None:
    write(folder / "a_recordings_dev.jsonl.gz", recording(custom={"licence": "CC0-1.0"}))
    said = (supervision("s", "ann", start=1.0), supervision("t", "bob", start=2.0))
    write(folder / "a_supervisions_dev.jsonl.gz", *said)
    clips = read_lhotse(folder / given_name)
    assert [(clip.speaker, clip.start_s, clip.duration_s, clip.split, clip.licence) for clip in clips] == [
        ("ann", 1.0, 1.0, "valid", "CC0-1.0"),
        ("bob", 2.0, 1.0, "valid", "CC0-1.0"),
    ]


def test_recordings_alone_are_whole_and_a_speaker_each(folder: Path) -> None:
    clip = read_one(folder / "recordings.jsonl", recording())
    assert (clip.speaker, clip.start_s, clip.duration_s) == ("call", 0.0, None)
    assert clip.read().size == 3 * RATE_HZ


def test_supervisions_without_recordings_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="needs its recordings"):
        read_lhotse(write(folder / "supervisions.jsonl", supervision("s", "ann")))


@pytest.mark.parametrize(("name", "split"), [("a-Train-clean.jsonl", "train"), ("b_test_cuts.jsonl", "test")])
def test_a_files_name_names_the_split(folder: Path, name: str, split: str) -> None:
    assert read_one(folder / name, cut()).split == split


def test_without_a_name_of_a_split_every_tenth_speaker_is_kept_for_validation(folder: Path) -> None:
    rows = [cut(id=str(n), supervisions=[supervision("s", str(n), channel=1)]) for n in range(200)]
    splits = [clip.split for clip in read_lhotse(write(folder / "traintest.jsonl", *rows))]
    assert 5 <= splits.count("valid") <= 40
    assert splits.count("test") == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (cut(recording=recording(sources=[{"type": "command", "channels": [0], "source": "id"}])), "neither run nor"),
        (cut(recording=recording(sources=[{"type": "url", "channels": [0], "source": "x"}])), "neither run nor"),
        (cut(recording=recording(sources=[])), "one source"),
        (cut(recording=recording(transforms=[{"name": "Speed"}])), "without transforms"),
        (cut(recording=None), "with its recording"),
        (cut(type="MixedCut"), "a MonoCut or a MultiCut"),
        (cut(start=2.5), "a part of the 3 s"),
        (cut(start=float("nan")), "a number of at least 0 as start"),
        (cut(duration=0), "a part of the 3 s"),
        (cut(channel=2), "a channel of 0, 1"),
        (cut(channel=True), "numbers of channels"),
        (cut(id="\ud800"), "text as id"),
        (cut(supervisions=[1]), "a list of supervisions"),
        (["no object"], "a JSON object"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_read_is_told_by_its_line(folder: Path, row: object, reason: str) -> None:
    with pytest.raises(FileFormatError, match=f"line 2: .*{reason}"):
        read_lhotse(write(folder / "cuts.jsonl", cut(), row))


def test_a_supervision_of_no_recording_is_told_by_its_line(folder: Path) -> None:
    write(folder / "recordings.jsonl", recording())
    write(folder / "supervisions.jsonl", supervision("s", "ann"), supervision("t", "ann", recording_id="other"))
    with pytest.raises(FileFormatError, match="line 2: the recording_id"):
        read_lhotse(folder / "recordings.jsonl")


def test_a_cut_gzip_file_is_refused(folder: Path) -> None:
    path = write(folder / "cuts.jsonl.gz", cut())
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FileFormatError, match="a whole gzip file"):
        read_lhotse(path)


def test_lines_that_nest_without_end_are_refused(folder: Path) -> None:
    (folder / "cuts.jsonl").write_text("[" * 200_000)
    with pytest.raises(FileFormatError, match="line 1"):
        read_lhotse(folder / "cuts.jsonl")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(cut())), inner, max_size=3),
    max_leaves=5,
)


@given(key=st.sampled_from([*cut(), *recording(), "source", "speaker"]), value=JSON)
def test_any_value_in_any_place_gives_clips_or_an_error_of_format(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    row = cut()
    for about in (row, row["recording"], row["recording"]["sources"][0], row["supervisions"][0]):
        if key in about or key not in (*cut(), *recording()):
            about[key] = value
    path = write(tmp_path_factory.getbasetemp() / "cuts.jsonl", row)
    try:
        clips = read_lhotse(path)
    except FileFormatError:
        return
    assert all(clip.path and clip.speaker.encode() and clip.start_s >= 0 for clip in clips)


@given(data=st.binary(max_size=200), is_packed=st.booleans())
def test_any_bytes_give_clips_or_an_error_of_format(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, is_packed: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.jsonl"
    path.write_bytes(gzip.compress(data) if is_packed else data)
    try:
        read_lhotse(path)
    except FileFormatError:
        return


def test_a_file_takes_the_place_of_a_folder(folder: Path) -> None:
    clips = find_clips([write(folder / "cuts_train.jsonl.gz", cut())])
    assert [clip.speaker for clip in clips] == ["ann"]
    with pytest.raises(DredError, match="no folder"):
        find_clips([folder / "nothing.jsonl"])


@pytest.mark.reference
def test_a_corpus_of_cuts_holds_their_parts(
    folder: Path, installed_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    rows = (cut(), cut(id="later", start=1.5, duration=0.5))
    clips = find_clips([write(folder / "cuts_train.jsonl", *rows)])
    corpus = build_corpus(clips, folder / "corpus", CorpusConfig(num_variants=1))
    assert [(clip["name"], clip["num_frames"]) for clip in corpus.clips] == [("cut", 100), ("later", 50)]
    # A ramp stays a ramp, at whatever level.
    assert np.corrcoef(corpus.samples[100:150].ravel(), np.arange(8_000))[0, 1] > 0.999
