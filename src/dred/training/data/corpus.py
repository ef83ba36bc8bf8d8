"""A corpus on disk: speech and its features, one after another, and where each clip begins.

    parts/<n>.npz, one per clip and variant (a build that was killed goes on where it stopped)
      -> samples.npy int16 [frames, 160], features.npy float32 [frames, 20], clips.json

Frame n of the features is what the extractor gives when it has read frame n of the samples. Both are memory-mapped.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from dred.audio import float_to_int16
from dred.errors import FileFormatError, UsageError
from dred.features import NUM_FEATURES, FeatureExtractor
from dred.nn import default_engine
from dred.timebase import FEATURE_FRAME_SAMPLES, SAMPLE_RATE_HZ
from dred.training.data.augmentation import Augmentation, augment
from dred.training.data.clip import Clip
from dred.training.data.level import set_level
from dred.training.data.noises import list_noises
from dred.training.data.pauses import MIN_PAUSE_MS, shorten_pauses
from dred.training.data.windows import WindowSampler
from dred.weights import load
from dred.whole_file import read_whole_file, write_whole_file

__all__ = ["Corpus", "CorpusConfig", "build_corpus"]

_INDEX = "clips.json"
_MAX_INDEX_BYTES = 1 << 28
_PLAIN_LEVEL_DB = -20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusConfig:
    """What is made of each recording.

    Attributes:
        num_variants: Variants of each training recording, the first as it is; others are augmented. Recordings of
            other splits stay as they are.
        max_pause_ms: What is left of pauses that are longer, at least 300; None leaves recordings as they are.
        augmentation: How far variants go.
        seed: Of the variants.
        weights: Name of the installed set whose pitch network the extractor uses; empty for the best.
    """

    num_variants: int = 4
    max_pause_ms: float | int | None = None
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    weights: str = ""

    def __post_init__(self) -> None:
        if self.num_variants < 1:
            raise UsageError(f"num_variants must be at least 1, got {self.num_variants}")
        if self.max_pause_ms is not None and not self.max_pause_ms >= MIN_PAUSE_MS:
            raise UsageError(f"max_pause_ms must be at least {MIN_PAUSE_MS}, got {self.max_pause_ms}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    clip: Clip
    variant: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Corpus:
    """A corpus, opened. Arrays are mapped copy-on-write: nothing is read before it is used, nothing is written back."""

    samples: np.ndarray
    features: np.ndarray
    clips: Sequence[dict[str, Any]]

    @classmethod
    def open(cls, folder: Path) -> "Corpus":
        """Open a corpus.

        Raises:
            UsageError: There is none, or its build has not ended.
            FileFormatError: Its files contradict one another.
        """
        text = read_whole_file(folder / _INDEX, max_bytes=_MAX_INDEX_BYTES)
        clips = json.loads(text)["clips"]
        samples, features = (np.load(folder / f"{name}.npy", mmap_mode="c") for name in ("samples", "features"))
        num_frames = sum(clip["num_frames"] for clip in clips)
        if samples.shape != (num_frames, FEATURE_FRAME_SAMPLES) or features.shape != (num_frames, NUM_FEATURES):
            raise FileFormatError(f"{num_frames} frames of samples and features", value=str(samples.shape))
        return cls(samples=samples, features=features, clips=clips)

    def sampler(
        self, split: str, *, window_frames: int, balance: float = 0.5, max_synthetic: float = 0.5
    ) -> WindowSampler:
        """Return what draws windows of one split; for the numbers, see there.

        Raises:
            UsageError: The split has no clip as long as a window.
        """
        clips = [clip for clip in self.clips if clip["split"] == split]
        if not clips:
            raise UsageError(f"the corpus has no clip of the split {split}")
        return WindowSampler(
            np.array([clip["first_frame"] for clip in clips], np.int64),
            np.array([clip["num_frames"] for clip in clips], np.int64),
            [clip["speaker"] for clip in clips],
            window_frames=window_frames,
            balance=balance,
            # Corpora of before there were synthesisers do not say.
            are_synthetic=[clip.get("is_synthetic", False) for clip in clips],
            max_synthetic=max_synthetic,
        )


def build_corpus(
    clips: Sequence[Clip],
    folder: Path,
    config: CorpusConfig,
    *,
    jobs: int = 1,
    report: Callable[[float], None] = lambda _: None,
) -> Corpus:
    """Build a corpus, or go on with a build that was stopped. Equal recordings and settings make equal files.

    Raises:
        UsageError: There are no clips, or a recording or the noise cannot be read.
        FileFormatError: A recording breaks its format.
    """
    if not clips:
        raise UsageError("a corpus needs at least one recording")
    if config.augmentation.noise_folder:
        list_noises(config.augmentation.noise_folder)
    parts = [_Part(clip=clip, variant=variant) for clip in clips for variant in range(_num_variants(clip, config))]
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    paths = [folder / "parts" / f"{_part_key(part, config)}.npz" for part in parts]
    # A recording that is listed twice is built once.
    missing = [(part, path) for path, part in dict(zip(paths, parts)).items() if not path.is_file()]
    for number, _ in enumerate(_each(partial(_build_part, config=config), missing, jobs), start=1):
        report(number / len(missing))
    _join(parts, paths, folder, config)
    return Corpus.open(folder)


def _num_variants(clip: Clip, config: CorpusConfig) -> int:
    return config.num_variants if clip.split == "train" else 1


def _part_key(part: _Part, config: CorpusConfig) -> str:
    clip = part.clip
    settings = asdict(config) | {"num_variants": 0}
    # Folders may hold files of the same name, so that a name alone does not tell which recording a part is of.
    recording = [str(clip.path.absolute()), clip.name, clip.start_s, clip.duration_s, clip.columns]
    text = json.dumps([recording, part.variant, settings])
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _each(make: Callable[[tuple[_Part, Path]], None], work: Sequence[tuple[_Part, Path]], jobs: int) -> Iterator[None]:
    if jobs == 1:
        yield from map(make, work)
        return
    # Forked children of a process that runs torch or compiled kernels may hang.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as executor:
        for done in as_completed([executor.submit(make, item) for item in work]):
            yield done.result()


def _build_part(item: tuple[_Part, Path], *, config: CorpusConfig) -> None:
    part, path = item
    samples = recorded = part.clip.read()
    if config.max_pause_ms is not None:
        samples = shorten_pauses(recorded, config.max_pause_ms)
    removed_ms = 1000 * (recorded.size - samples.size) // SAMPLE_RATE_HZ
    if part.variant:
        digest = hashlib.sha256(part.clip.name.encode()).digest()
        rng = np.random.default_rng([config.seed, part.variant, *np.frombuffer(digest, np.uint32)])
        samples = augment(samples, config.augmentation, rng)
    else:
        samples = set_level(samples, _PLAIN_LEVEL_DB)
    pcm = float_to_int16(samples[: samples.size // FEATURE_FRAME_SAMPLES * FEATURE_FRAME_SAMPLES])
    extractor = _extractor(config.weights)
    features = extractor.extract(extractor.initial_state(), pcm.astype(np.float32))
    partial_path = path.with_suffix(".part.npz")
    np.savez(partial_path, samples=pcm.reshape(-1, FEATURE_FRAME_SAMPLES), features=features, removed_ms=removed_ms)
    partial_path.replace(path)


@lru_cache(maxsize=1)
def _extractor(weights: str) -> FeatureExtractor:
    return FeatureExtractor.from_tensors(load(weights or None).tensors, default_engine())


def _join(parts: Sequence[_Part], paths: Sequence[Path], folder: Path, config: CorpusConfig) -> None:
    """Write all parts one after another; the index comes last, so that a folder with one is whole."""
    index = folder / _INDEX
    index.unlink(missing_ok=True)
    clips: list[dict[str, Any]] = []
    num_frames = 0
    for part, path in zip(parts, paths):
        with np.load(path) as arrays:
            length, removed_ms = len(arrays["features"]), int(arrays["removed_ms"])
        clip = part.clip
        clips.append(
            {
                "name": clip.name,
                "variant": part.variant,
                "split": clip.split,
                "speaker": clip.speaker,
                "licence": clip.licence,
                "is_synthetic": clip.is_synthetic,
                "removed_ms": removed_ms,
                "first_frame": num_frames,
                "num_frames": length,
            }
        )
        num_frames += length
    samples = np.lib.format.open_memmap(folder / "samples.npy", "w+", np.int16, (num_frames, FEATURE_FRAME_SAMPLES))
    features = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float32, (num_frames, NUM_FEATURES))
    for about, path in zip(clips, paths):
        rows = slice(about["first_frame"], about["first_frame"] + about["num_frames"])
        with np.load(path) as arrays:
            samples[rows], features[rows] = arrays["samples"], arrays["features"]
    samples.flush()
    features.flush()
    write_whole_file(index, json.dumps({"config": asdict(config), "clips": clips}, indent=1).encode())
