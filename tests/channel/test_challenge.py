"""Folders of traces: the layout of the PLC Challenge, and flat ones."""

from pathlib import Path

import numpy as np
import pytest

from dred.channel import draw_bounded, find_traces, write_trace
from dred.channel.models import Uniform, burst_lengths
from dred.errors import FileFormatError, UsageError


@pytest.fixture
def challenge(tmp_path: Path) -> Path:
    """Two sets with a clip of the same name, one of them without recordings, and a table."""
    for name in ("train", "val"):
        lossy = tmp_path / "test_train" / name / "lossy_signals"
        lossy.mkdir(parents=True)
        write_trace(lossy / "12_is_lost.txt", np.array([0, 1, 0], bool))
    train = tmp_path / "test_train" / "train"
    (train / "clean").mkdir()
    (train / "clean" / "12.wav").touch()
    (train / "lossy_signals" / "12.wav").touch()
    (train / "meta.csv").write_text("filename;longest_burst_ms\n12.wav;20\n99.wav;40\n")
    return tmp_path


def test_all_that_belongs_to_a_clip_is_found(challenge: Path) -> None:
    first, second = find_traces(challenge)
    train = challenge / "test_train" / "train"
    assert (first.clean, first.lossy) == (train / "clean" / "12.wav", train / "lossy_signals" / "12.wav")
    assert dict(first.metadata) == {"longest_burst_ms": "20"}
    assert (second.clean, second.lossy, dict(second.metadata)) == (None, None, {})
    assert [clip.name for clip in (first, second)] == ["test_train/train/12", "test_train/val/12"]


def test_a_flat_folder_gives_its_text_files(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_trace(tmp_path / f"{name}.txt", np.array([1, 0], bool))
    assert [clip.name for clip in find_traces(tmp_path)] == ["a", "b"]
    assert [clip.name for clip in find_traces(tmp_path / "a.txt")] == ["a"]


def test_no_trace_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trace"):
        find_traces(tmp_path)
    with pytest.raises(UsageError, match="no such"):
        find_traces(tmp_path / "none")


def test_a_table_that_is_not_text_is_told(challenge: Path) -> None:
    (challenge / "more.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match=r"more\.csv"):
        find_traces(challenge)


@pytest.mark.parametrize("bursts_ms", [(0.0, 20.0), (20.0, 60.0), (40.0, 100.0)])
def test_bounded_draws_keep_the_longest_burst_within_bounds(
    rng: np.random.Generator, bursts_ms: tuple[float, float]
) -> None:
    for _ in range(20):
        longest_ms = 20 * burst_lengths(draw_bounded(Uniform(loss=0.1), 100, bursts_ms, rng)).max(initial=0)
        assert bursts_ms[0] < longest_ms <= bursts_ms[1]


def test_bounds_that_no_draw_meets_are_told(rng: np.random.Generator) -> None:
    with pytest.raises(UsageError):
        draw_bounded(Uniform(loss=0.0), 100, (0.0, 120.0), rng)
    with pytest.raises(UsageError):
        draw_bounded(Uniform(loss=0.5), 10, (320.0, 1000.0), rng)
