"""PCM at 16 kHz to feature frames, one per 10 ms.

    samples -> pre-emphasis -> spectrum -> cepstrum ------------------------> features 0-17
                          '-> residual by the cepstrum's LPC -> pitch network -> feature 18
                                                           '-> voicing ------> feature 19

The residual lags the spectrum by 5 ms, so that its frame lies in the middle of the window.

Source: facts from libopus 1.6.1 dnn/lpcnet_enc.c; draft-ietf-mlcodec-opus-dred (feature set).
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Complex64, Float32
from numba import njit

from dred.errors import UsageError
from dred.features.bands import OVERLAP_SAMPLES, band_energies, cepstrum_from_bands, lpc_from_cepstrum, spectrum
from dred.features.layout import NUM_CEPSTRA, NUM_FEATURES, PITCH, VOICING, pitch_to_period_samples
from dred.features.pitch import NUM_FREQUENCY_VALUES, PitchNetwork, PitchState
from dred.features.residual import ResidualState, correlations, update_residual, voicing_feature
from dred.nn import Engine, Tensors
from dred.timebase import FEATURE_FRAME_SAMPLES

PRE_EMPHASIS = np.float32(0.85)
_RESIDUAL_DELAY_SAMPLES = 80
_NUM_LOW_BINS = 30
_TINY = np.float32(1e-15)


@dataclass(slots=True, kw_only=True)
class ExtractorState:
    """What the extractor remembers between frames."""

    last_sample: np.float32
    overlap: Float32[np.ndarray, " 160"]
    spectrum: Complex64[np.ndarray, " 30"]
    residual: ResidualState
    pitch: PitchState


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureExtractor:
    """The feature extraction of one model; its state is explicit."""

    pitch_network: PitchNetwork

    @classmethod
    def from_tensors(cls, tensors: Tensors, engine: Engine) -> "FeatureExtractor":
        """Build the extractor with the pitch network of a weights file."""
        return cls(pitch_network=PitchNetwork.from_tensors(tensors, engine))

    def initial_state(self) -> ExtractorState:
        """Return the memory of a stream that has not begun."""
        return ExtractorState(
            last_sample=np.float32(0),
            overlap=np.zeros(OVERLAP_SAMPLES, np.float32),
            spectrum=np.zeros(_NUM_LOW_BINS, np.complex64),
            residual=ResidualState(),
            pitch=self.pitch_network.initial_state(),
        )

    def extract_frame(self, state: ExtractorState, samples: Float32[np.ndarray, " 160"]) -> Float32[np.ndarray, " 20"]:
        """Extract the features of the next 10 ms; samples are on the int16 scale, -32768 to 32767."""
        emphasised = samples.copy()
        emphasised[1:] -= PRE_EMPHASIS * samples[:-1]
        emphasised[0] -= PRE_EMPHASIS * state.last_sample
        state.last_sample = samples[-1]
        delayed = np.concatenate(
            [state.overlap[OVERLAP_SAMPLES - _RESIDUAL_DELAY_SAMPLES :], emphasised[:-_RESIDUAL_DELAY_SAMPLES]]
        )
        bins = spectrum(np.concatenate([state.overlap, emphasised]))
        state.overlap = emphasised
        power = bins.real**2 + bins.imag**2
        frequency = _instantaneous_frequency(bins[:_NUM_LOW_BINS], power[:_NUM_LOW_BINS], state.spectrum)
        state.spectrum = bins[:_NUM_LOW_BINS]

        features = np.empty(NUM_FEATURES, np.float32)
        features[:NUM_CEPSTRA] = cepstrum_from_bands(band_energies(power))
        update_residual(state.residual, delayed, lpc_from_cepstrum(features[:NUM_CEPSTRA]))
        features[PITCH] = self.pitch_network.step(state.pitch, frequency, correlations(state.residual))
        period_samples = pitch_to_period_samples(features[PITCH])
        features[VOICING] = voicing_feature(state.residual, period_samples)
        return features

    def extract(
        self, state: ExtractorState, samples: Float32[np.ndarray, " samples"]
    ) -> Float32[np.ndarray, "frames 20"]:
        """Extract the features of whole frames.

        Raises:
            UsageError: The number of samples is no multiple of 160.
        """
        if samples.size % FEATURE_FRAME_SAMPLES:
            raise UsageError(f"features need a multiple of {FEATURE_FRAME_SAMPLES} samples, got {samples.size}")
        frames = [self.extract_frame(state, frame) for frame in samples.reshape(-1, FEATURE_FRAME_SAMPLES)]
        return np.array(frames, np.float32).reshape(-1, NUM_FEATURES)


@njit(cache=True, nogil=True)
@no_type_check
def _instantaneous_frequency(bins, power, previous):
    """Phase advance of the low bins as unit vectors, with their log power: [p0, re1, im1, p1, re2, ...]."""
    values = np.empty(NUM_FREQUENCY_VALUES, np.float32)
    for n in range(bins.size):
        # Bin 0 has no meaningful phase, and libopus takes its real part only.
        bin_power = power[n] if n else bins[0].real ** 2
        values[3 * n] = min(np.float32(1), max(np.float32(-1), (10 * np.log10(_TINY + bin_power) - 6) / 64))
        if n:
            turn = bins[n] * np.conj(previous[n])
            size = np.sqrt(_TINY + turn.real**2 + turn.imag**2)
            values[3 * n - 2] = turn.real / size
            values[3 * n - 1] = turn.imag / size
    return values
