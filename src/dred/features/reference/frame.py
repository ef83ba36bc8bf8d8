"""A feature frame, step by step in numpy, over any engine: the definition that the kernels are compared with.

    samples -> pre-emphasis -> spectrum -> cepstrum ------------------------> features 0-17
                          '-> residual by the cepstrum's LPC -> pitch network -> feature 18
                                                           '-> voicing ------> feature 19

The residual lags the spectrum by 5 ms, so that its frame lies in the middle of the window.

Source: facts from libopus 1.6.1 dnn/lpcnet_enc.c; draft-ietf-mlcodec-opus-dred (feature set).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Complex64, Float32

from dred.features.layout import NUM_CEPSTRA, NUM_FEATURES, PITCH, VOICING, pitch_to_period_samples
from dred.features.reference.bands import (
    OVERLAP_SAMPLES,
    PRE_EMPHASIS,
    band_energies,
    cepstrum_from_bands,
    lpc_from_cepstrum,
    spectrum,
)
from dred.features.reference.pitch import NUM_FREQUENCY_VALUES, PitchNetwork, PitchState
from dred.features.reference.residual import ResidualState, correlations, update_residual, voicing_feature
from dred.nn import Engine, Tensors
from dred.timebase import FEATURE_FRAME_SAMPLES

RESIDUAL_DELAY_SAMPLES: Final = 80
NUM_LOW_BINS: Final = 30
TINY: Final = np.float32(1e-15)
"""Keeps logarithms and quotients finite."""


@dataclass(slots=True, kw_only=True)
class ReferenceState:
    """What the analysis remembers between frames."""

    last_sample: np.float32
    overlap: Float32[np.ndarray, " 160"]
    spectrum: Complex64[np.ndarray, " 30"]
    residual: ResidualState
    pitch: PitchState


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceAnalysis:
    """The analysis with one model's pitch network."""

    pitch_network: PitchNetwork

    @classmethod
    def from_tensors(cls, tensors: Tensors, engine: Engine) -> "ReferenceAnalysis":
        """Build the analysis with the pitch network of a weights file."""
        return cls(pitch_network=PitchNetwork.from_tensors(tensors, engine))

    def initial_state(self) -> ReferenceState:
        """Return the memory of a stream that has not begun."""
        return ReferenceState(
            last_sample=np.float32(0),
            overlap=np.zeros(OVERLAP_SAMPLES, np.float32),
            spectrum=np.zeros(NUM_LOW_BINS, np.complex64),
            residual=ResidualState(),
            pitch=self.pitch_network.initial_state(),
        )

    def extract(
        self, state: ReferenceState, samples: Float32[np.ndarray, " samples"]
    ) -> Float32[np.ndarray, "frames 20"]:
        """Extract the features of whole frames."""
        frames = [self._extract_frame(state, frame) for frame in samples.reshape(-1, FEATURE_FRAME_SAMPLES)]
        return np.array(frames, np.float32).reshape(-1, NUM_FEATURES)

    def _extract_frame(self, state: ReferenceState, samples: Float32[np.ndarray, " 160"]) -> np.ndarray:
        emphasised = samples - PRE_EMPHASIS * np.append(state.last_sample, samples[:-1])
        state.last_sample = samples[-1]
        window = np.concatenate([state.overlap, emphasised])
        delayed = window[RESIDUAL_DELAY_SAMPLES:][:FEATURE_FRAME_SAMPLES]
        state.overlap = emphasised
        bins = spectrum(window)
        power = bins.real**2 + bins.imag**2
        frequency = instantaneous_frequency(bins[:NUM_LOW_BINS], power[:NUM_LOW_BINS], state.spectrum)
        state.spectrum = bins[:NUM_LOW_BINS]

        features = np.empty(NUM_FEATURES, np.float32)
        features[:NUM_CEPSTRA] = cepstrum_from_bands(band_energies(power))
        update_residual(state.residual, delayed, lpc_from_cepstrum(features[:NUM_CEPSTRA]))
        features[PITCH] = self.pitch_network.step(state.pitch, frequency, correlations(state.residual))
        period_samples = pitch_to_period_samples(features[PITCH])
        features[VOICING] = voicing_feature(state.residual, period_samples)
        return features


def instantaneous_frequency(
    bins: Complex64[np.ndarray, " 30"], power: Float32[np.ndarray, " 30"], previous: Complex64[np.ndarray, " 30"]
) -> Float32[np.ndarray, " 88"]:
    """Phase advance of the low bins as unit vectors, with their log power: [p0, re1, im1, p1, re2, ...]."""
    turns = bins * np.conj(previous)
    sizes = np.sqrt(TINY + turns.real**2 + turns.imag**2)
    logs = np.clip((10 * np.log10(TINY + power) - 6) / 64, -1, 1)
    values = np.stack([turns.real / sizes, turns.imag / sizes, logs], axis=1)
    # Bin 0 has no phase.
    return values.ravel()[-NUM_FREQUENCY_VALUES:]
