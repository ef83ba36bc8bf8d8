"""Burg cepstra of 10 ms, compiled: see `reference.burg` for what they are."""

from typing import Final

import numpy as np
from jaxtyping import Float32

from dred.errors import UsageError
from dred.features.kernels import burg
from dred.features.layout import NUM_CEPSTRA
from dred.timebase import FEATURE_FRAME_SAMPLES

NUM_BURG_FEATURES: Final = 2 * NUM_CEPSTRA


def burg_features(samples: Float32[np.ndarray, " 160"]) -> Float32[np.ndarray, " 36"]:
    """Return the mean and the difference of the Burg cepstra of both halves; samples are on the int16 scale."""
    return burg_feature_frames(samples)[0]


def burg_feature_frames(samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, "frames 36"]:
    """Return the Burg features of each frame of 10 ms, in one call.

    Raises:
        UsageError: The number of samples is no multiple of 160.
    """
    if samples.size % FEATURE_FRAME_SAMPLES:
        raise UsageError(f"features need a multiple of {FEATURE_FRAME_SAMPLES} samples, got {samples.size}")
    features = np.empty((samples.size // FEATURE_FRAME_SAMPLES, NUM_BURG_FEATURES), np.float32)
    burg.extract(
        np.ascontiguousarray(samples), features, np.empty(burg.NUM_FLOATS, np.float32), np.empty(burg.NUM_DOUBLES)
    )
    return features
