"""Speech to what networks learn from: audio files -> augmented 16 kHz speech and its features -> a corpus on disk.

folder, manifest or lhotse's -> clips -> [level, augment, features by dred's own extractor] -> corpus folder -> windows
"""

from dred.training.data.augmentation import Augmentation, augment
from dred.training.data.clip import Clip
from dred.training.data.clips import find_clips
from dred.training.data.corpus import Corpus, CorpusConfig, build_corpus
from dred.training.data.windows import WindowSampler

__all__ = ["Augmentation", "Clip", "Corpus", "CorpusConfig", "WindowSampler", "augment", "build_corpus", "find_clips"]
