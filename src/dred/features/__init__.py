"""PCM to acoustic features: 18 Bark cepstra, pitch and voicing per 10 ms.

`FeatureExtractor` turns 16 kHz samples into feature frames; `burg_features` gives the PLC predictor its view of the
newest 10 ms, and `pitch_inputs` a pitch network's; `Downsampler` brings any Opus rate to 16 kHz first.
"""

from dred.features.burg import NUM_BURG_FEATURES, burg_feature_frames, burg_features
from dred.features.compiled import CompiledAnalysis
from dred.features.downsampler import Downsampler
from dred.features.extractor import FeatureExtractor
from dred.features.layout import NUM_CEPSTRA, NUM_FEATURES, PITCH, VOICING, pitch_to_period_samples
from dred.features.pitch_inputs import PitchInputs, pitch_inputs

__all__ = [
    "NUM_BURG_FEATURES",
    "NUM_CEPSTRA",
    "NUM_FEATURES",
    "PITCH",
    "VOICING",
    "CompiledAnalysis",
    "Downsampler",
    "FeatureExtractor",
    "PitchInputs",
    "burg_feature_frames",
    "burg_features",
    "pitch_inputs",
    "pitch_to_period_samples",
]
