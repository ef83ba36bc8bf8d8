"""Acoustic features to PCM.

`Fargan` continues real speech from its last 20 ms, 10 ms per feature frame.
"""

from dred.vocoder.compiled import CompiledFargan
from dred.vocoder.fargan import Fargan, FarganState
from dred.vocoder.layout import FRAME_SAMPLES, START_FEATURE_FRAMES, START_SAMPLES
from dred.vocoder.request import SpeechRequest

__all__ = [
    "FRAME_SAMPLES",
    "START_FEATURE_FRAMES",
    "START_SAMPLES",
    "CompiledFargan",
    "Fargan",
    "FarganState",
    "SpeechRequest",
]
