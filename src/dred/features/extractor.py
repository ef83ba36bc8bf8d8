"""PCM at 16 kHz to feature frames, one per 10 ms: by the compiled analysis, or by the one to be read.

`reference.frame` tells what a feature frame is made of.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.errors import UsageError
from dred.features.compiled import CompiledAnalysis
from dred.features.reference.frame import ReferenceAnalysis
from dred.nn import Engine, ReferenceEngine, Tensors
from dred.timebase import FEATURE_FRAME_SAMPLES


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureExtractor:
    """The feature extraction of one model; its state is explicit."""

    analysis: CompiledAnalysis | ReferenceAnalysis

    @classmethod
    def from_tensors(cls, tensors: Tensors, engine: Engine) -> "FeatureExtractor":
        """Build the extractor with the pitch network of a weights file.

        Args:
            tensors: Raw arrays of the file.
            engine: The reference engine stands for the analysis in numpy, any other for the compiled one.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        if isinstance(engine, ReferenceEngine):
            return cls(analysis=ReferenceAnalysis.from_tensors(tensors, engine))
        return cls(analysis=CompiledAnalysis.from_tensors(tensors))

    def initial_state(self) -> Any:
        """Return the memory of a stream that has not begun."""
        return self.analysis.initial_state()

    def extract_frame(self, state: Any, samples: Float32[np.ndarray, " 160"]) -> Float32[np.ndarray, " 20"]:
        """Extract the features of the next 10 ms; samples are on the int16 scale, -32768 to 32767."""
        return self.extract(state, samples)[0]

    def extract(self, state: Any, samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, "frames 20"]:
        """Extract the features of the next whole frames, in one call.

        Raises:
            UsageError: The number of samples is no multiple of 160.
        """
        if samples.size % FEATURE_FRAME_SAMPLES:
            raise UsageError(f"features need a multiple of {FEATURE_FRAME_SAMPLES} samples, got {samples.size}")
        return self.analysis.extract(state, samples)
