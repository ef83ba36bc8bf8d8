"""Recordings to a corpus: who is in which split, what variants are, and that a build can be stopped."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dred.audio import read_audio, write_wav
from dred.data import bundled_clip
from dred.errors import FileFormatError, UsageError
from dred.features import FeatureExtractor
from dred.nn import default_engine
from dred.training.data import Corpus, CorpusConfig, WindowSampler, build_corpus, find_clips
from dred.weights import load


def write_manifest(folder: Path, *rows: tuple[str, str, str]) -> None:
    keys = ("path", "split", "speaker")
    (folder / "manifest.jsonl").write_text("".join(json.dumps(dict(zip(keys, row))) + "\n" for row in rows))


@pytest.fixture
def recordings(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Three speakers, three splits, one short recording each, the last at 8 kHz and in stereo."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    speech = read_audio(bundled_clip()).samples[:16_000]
    write_wav(folder / "a.wav", speech[:, 0], 16_000)
    write_wav(folder / "b.wav", np.repeat(speech[::2], 2, axis=1), 8_000)
    write_wav(folder / "c.wav", speech[::-1, 0], 16_000)
    write_manifest(folder, ("a.wav", "train", "ann"), ("b.wav", "valid", "bob"), ("c.wav", "test", "cem"))
    return folder


@pytest.fixture
def published(installed_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published weights, installed."""
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))


def test_the_test_split_is_left_out_unless_asked_for(recordings: Path) -> None:
    assert [clip.speaker for clip in find_clips([recordings])] == ["ann", "bob"]
    assert [clip.speaker for clip in find_clips([recordings], ["test"])] == ["cem"]


def test_a_speaker_in_two_splits_is_refused(recordings: Path) -> None:
    write_manifest(recordings, ("a.wav", "train", "ann"), ("b.wav", "test", "ann"))
    with pytest.raises(UsageError, match="ann is in the splits train and test"):
        find_clips([recordings])


def test_a_folder_without_a_manifest_has_a_speaker_per_folder(recordings: Path, tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"all/{number}").mkdir(parents=True)
        shutil.copy(recordings / "a.wav", tmp_path / f"all/{number}/x.wav")
        shutil.copy(recordings / "a.wav", tmp_path / f"all/{number}/y.wav")
    clips = find_clips([tmp_path / "all"])
    assert len({clip.speaker for clip in clips}) == 40
    assert 0 < len({clip.speaker for clip in clips if clip.split == "valid"}) < 12


@pytest.mark.parametrize("line", ["{", "[]", '{"path": "a.wav"}', '{"path": "a.wav", "split": "x", "speaker": "y"}'])
def test_a_broken_manifest_is_told_by_its_line(recordings: Path, line: str) -> None:
    with (recordings / "manifest.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(FileFormatError, match="line 4"):
        find_clips([recordings])


@pytest.mark.parametrize("bad", [{"num_variants": 0}, {"max_pause_ms": 100.0}])
def test_settings_out_of_range_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        CorpusConfig(**bad)


@pytest.mark.reference
@pytest.mark.usefixtures("published")
def test_a_corpus_holds_speech_and_its_features(recordings: Path, tmp_path: Path) -> None:
    clips = find_clips([recordings])
    corpus = build_corpus(clips, tmp_path / "corpus", CorpusConfig(num_variants=2))
    assert [(clip["speaker"], clip["split"], clip["variant"]) for clip in corpus.clips] == [
        ("ann", "train", 0),
        ("ann", "train", 1),
        ("bob", "valid", 0),
    ]
    extractor = FeatureExtractor.from_tensors(load().tensors, default_engine())
    for clip in corpus.clips:
        rows = slice(clip["first_frame"], clip["first_frame"] + clip["num_frames"])
        expected = extractor.extract(extractor.initial_state(), corpus.samples[rows].ravel().astype(np.float32))
        np.testing.assert_array_equal(corpus.features[rows], expected)
    # 8 kHz became 16 kHz: one second has 100 frames either way.
    assert corpus.clips[0]["num_frames"] == corpus.clips[2]["num_frames"] == 100


@pytest.mark.reference
@pytest.mark.usefixtures("published")
def test_a_clips_entry_tells_what_was_cut_out_of_it(recordings: Path, tmp_path: Path) -> None:
    speech = read_audio(recordings / "a.wav").samples[:, 0]
    write_wav(recordings / "a.wav", np.concatenate([speech, np.zeros(32_000, np.float32), speech]), 16_000)
    clips = find_clips([recordings])
    as_is, shortened = (
        build_corpus(clips, tmp_path / f"{pause}", CorpusConfig(num_variants=1, max_pause_ms=pause)).clips[0]
        for pause in (None, 500)
    )
    assert (as_is["num_frames"], as_is["removed_ms"]) == (400, 0)
    assert 1_200 < shortened["removed_ms"] < 1_800
    assert shortened["num_frames"] == pytest.approx(400 - shortened["removed_ms"] / 10, abs=1)


@pytest.mark.reference
@pytest.mark.usefixtures("published")
def test_a_build_that_was_stopped_goes_on(recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips, config = find_clips([recordings]), CorpusConfig(num_variants=3)
    whole = build_corpus(clips, tmp_path / "whole", config)

    class StoppedError(Exception):
        pass

    def stop_half_way(share: float) -> None:
        if share >= 0.5:
            raise StoppedError

    with pytest.raises(StoppedError):
        build_corpus(clips, tmp_path / "stopped", config, report=stop_half_way)
    with pytest.raises(UsageError):
        Corpus.open(tmp_path / "stopped")
    shares: list[float] = []
    resumed = build_corpus(clips, tmp_path / "stopped", config, report=shares.append)
    # Two of four parts were there.
    assert shares == [0.5, 1.0]
    np.testing.assert_array_equal(resumed.samples, whole.samples)
    np.testing.assert_array_equal(resumed.features, whole.features)


@pytest.mark.reference
@pytest.mark.usefixtures("published")
def test_folders_may_hold_files_of_the_same_name(recordings: Path, tmp_path: Path) -> None:
    for speaker, source in (("dan", "a.wav"), ("eve", "c.wav")):
        (tmp_path / speaker).mkdir()
        shutil.copy(recordings / source, tmp_path / speaker / "same.wav")
        write_manifest(tmp_path / speaker, ("same.wav", "train", speaker))
    clips = find_clips([tmp_path / "dan", tmp_path / "eve", tmp_path / "dan"])
    corpus = build_corpus(clips, tmp_path / "corpus", CorpusConfig(num_variants=1))
    assert [clip["speaker"] for clip in corpus.clips] == ["dan", "eve", "dan"]
    assert not np.array_equal(corpus.samples[:100], corpus.samples[100:200])
    np.testing.assert_array_equal(corpus.samples[:100], corpus.samples[200:])


def test_a_corpus_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least one recording"):
        build_corpus([], tmp_path, CorpusConfig())


def make_sampler(balance: float) -> WindowSampler:
    first, num_frames = np.array([0, 100, 1100]), np.array([100, 1000, 9])
    return WindowSampler(first, num_frames, ["ann", "bob", "cem"], window_frames=10, balance=balance)


def test_windows_lie_within_clips(rng: np.random.Generator) -> None:
    drawn = make_sampler(0.0).draw(rng, 5000)
    assert set(drawn[drawn < 100]) == set(range(91))
    assert drawn.max() <= 1100 - 10
    assert not np.any((drawn > 90) & (drawn < 100))


@pytest.mark.parametrize(("balance", "share"), [(1.0, 91 / 1082), (0.0, 0.5), (0.5, 0.2318)])
def test_balance_tells_how_often_speakers_are_heard(balance: float, share: float, rng: np.random.Generator) -> None:
    drawn = make_sampler(balance).draw(rng, 20_000)
    assert np.mean(drawn < 100) == pytest.approx(share, abs=0.015)


def test_windows_longer_than_all_clips_are_refused() -> None:
    with pytest.raises(UsageError, match="no clip is as long"):
        WindowSampler(np.array([0]), np.array([9]), ["ann"], window_frames=10)


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("max_synthetic", "most"), [(0.5, 0.5), (0.2, 0.2), (0.0, 0.0), (1.0, 1.0)])
def test_synthesisers_have_no_more_than_their_share_of_windows(
    balance: float, max_synthetic: float, most: float, rng: np.random.Generator
) -> None:
    num_frames = np.full(20, 1_000)
    first = np.cumsum(num_frames) - num_frames
    speakers = ["ann", "bob", *(f"voice {n}" for n in range(18))]
    is_synthetic = np.arange(20) >= 2
    settings: dict[str, Any] = {"window_frames": 10, "balance": balance}
    sampler = WindowSampler(
        first, num_frames, speakers, **settings, are_synthetic=is_synthetic.tolist(), max_synthetic=max_synthetic
    )
    drawn = sampler.draw(rng, 20_000) >= 2_000
    # Without a limit it would be 0.9.
    assert np.mean(drawn) == pytest.approx(min(most, 0.9), abs=0.015)


def test_few_synthesised_clips_are_heard_as_they_come(rng: np.random.Generator) -> None:
    sampler = WindowSampler(
        np.array([0, 900]),
        np.array([900, 109]),
        ["ann", "voice"],
        window_frames=10,
        balance=1.0,
        are_synthetic=[False, True],
    )
    assert np.mean(sampler.draw(rng, 20_000) >= 900) == pytest.approx(100 / 991, abs=0.015)


def test_a_corpus_of_a_synthesiser_alone_can_be_used(rng: np.random.Generator) -> None:
    sampler = WindowSampler(np.array([0]), np.array([99]), ["voice"], window_frames=10, are_synthetic=[True])
    assert len(sampler.draw(rng, 50)) == 50
    with pytest.raises(UsageError, match="max_synthetic"):
        WindowSampler(np.array([0]), np.array([99]), ["voice"], window_frames=10, max_synthetic=1.5)


@pytest.mark.reference
@pytest.mark.usefixtures("published")
def test_what_a_synthesiser_spoke_is_told_from_the_manifest_to_the_windows(
    recordings: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    rows = [
        {"path": "a.wav", "split": "train", "speaker": "ann"},
        *({"path": "c.wav", "split": "train", "speaker": f"voice {n}", "synthetic": True} for n in range(5)),
    ]
    (recordings / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    corpus = build_corpus(find_clips([recordings]), tmp_path / "corpus", CorpusConfig(num_variants=1))
    assert [clip["is_synthetic"] for clip in corpus.clips] == [False, *[True] * 5]
    drawn = corpus.sampler("train", window_frames=20).draw(rng, 5_000) >= 100
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.03)
