"""What the pitch network sees of speech, by the compiled analysis: what such a network is trained on."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from dred.errors import UsageError
from dred.features.compiled import frequency_lanes
from dred.features.kernels import frame
from dred.features.layout import NUM_FEATURES
from dred.features.reference.pitch import NUM_FREQUENCY_VALUES, NUM_LAGS
from dred.timebase import FEATURE_FRAME_SAMPLES

__all__ = ["PitchInputs", "pitch_inputs"]


class PitchInputs(NamedTuple):
    """The pitch network's two inputs, a row per 10 ms."""

    frequencies: Float32[np.ndarray, "frames 88"]
    correlations: Float32[np.ndarray, "frames 224"]


def pitch_inputs(samples: Float32[np.ndarray, " samples"]) -> PitchInputs:
    """Return what the network sees of a stream from its beginning; samples are on the int16 scale.

    A frame's rows depend on its samples and on the 22 ms before them.

    Raises:
        UsageError: The number of samples is no multiple of 160.
    """
    if samples.size % FEATURE_FRAME_SAMPLES:
        raise UsageError(f"features need a multiple of {FEATURE_FRAME_SAMPLES} samples, got {samples.size}")
    num_frames = samples.size // FEATURE_FRAME_SAMPLES
    lanes = np.empty((num_frames, frame.NUM_FREQUENCY_LANES), np.float32)
    correlations = np.empty((num_frames, NUM_LAGS), np.float32)
    memory = np.zeros(frame.DESCRIPTION_SIZE, np.float32)
    frame.describe(memory, np.ascontiguousarray(samples), lanes, correlations, np.empty(NUM_FEATURES, np.float32))
    return PitchInputs(lanes[:, frequency_lanes()[-NUM_FREQUENCY_VALUES:]], correlations)
