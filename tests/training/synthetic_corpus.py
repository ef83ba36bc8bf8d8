"""A corpus made of numbers: two speakers' worth of noise, and features that change slowly."""

import numpy as np

from dred.training.data import Corpus

NUM_FRAMES = 400


def make_corpus(rng: np.random.Generator) -> Corpus:
    samples = (1000 * rng.standard_normal((NUM_FRAMES, 160))).astype(np.int16)
    features = np.cumsum(0.1 * rng.standard_normal((NUM_FRAMES, 20)), axis=0).astype(np.float32)
    features -= features.mean(axis=0)
    clips = [
        {"name": name, "split": split, "speaker": name, "licence": "CC0-1.0", "variant": 0}
        | {"first_frame": first, "num_frames": num_frames}
        for name, split, first, num_frames in (
            ("a", "train", 0, 250),
            ("b", "train", 250, 100),
            ("c", "valid", 350, 50),
        )
    ]
    return Corpus(samples=samples, features=features, clips=clips)
