"""Acoustic features to PCM.

`Fargan` continues real speech from its last 20 ms, 10 ms per feature frame.
"""

from dred.vocoder.fargan import FRAME_SAMPLES, START_FEATURE_FRAMES, START_SAMPLES, Fargan, FarganState

__all__ = ["FRAME_SAMPLES", "START_FEATURE_FRAMES", "START_SAMPLES", "Fargan", "FarganState"]
