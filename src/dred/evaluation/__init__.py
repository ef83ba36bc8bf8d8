"""How well redundancy works: what is sent, what is lost, and how the result compares.

`compare_features` and `compare_audio` are the standard's own conformance comparison.
"""

from dred.evaluation.conformance import (
    FEATURE_LIMITS,
    SYSTEM_LIMITS,
    VOCODER_LIMITS,
    AudioConformance,
    FeatureConformance,
    compare_audio,
    compare_features,
)

__all__ = [
    "FEATURE_LIMITS",
    "SYSTEM_LIMITS",
    "VOCODER_LIMITS",
    "AudioConformance",
    "FeatureConformance",
    "compare_audio",
    "compare_features",
]
