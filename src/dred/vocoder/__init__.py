"""Acoustic features to PCM.

`Fargan` continues real speech from its last 20 ms, 10 ms per feature frame; `Lpcnet` does too, sample by sample.
"""

from dred.vocoder.compiled import CompiledFargan, CompiledLpcnet
from dred.vocoder.fargan import Fargan, FarganState
from dred.vocoder.layout import FRAME_SAMPLES, START_FEATURE_FRAMES, START_SAMPLES
from dred.vocoder.lpcnet import Lpcnet, LpcnetState
from dred.vocoder.request import SpeechRequest

__all__ = [
    "FRAME_SAMPLES",
    "START_FEATURE_FRAMES",
    "START_SAMPLES",
    "CompiledFargan",
    "CompiledLpcnet",
    "Fargan",
    "FarganState",
    "Lpcnet",
    "LpcnetState",
    "SpeechRequest",
]
