"""The conformance comparison of the standard: how far a decoder's features or a vocoder's speech are from a reference.

    reference features, test features -> compare_features -> total, worst, pitch   | at most 0.5, 0.15, 0.02
    reference speech, test speech ----> compare_audio ----> err4, err16, pitch     | at most 0.25, 1.0, 0.15

All are errors: 0 for equal input, smaller is better. The features of a decoder are normative, its vocoder is not, but
has to speak the features that it is given. The limits hold for the standard's own test vectors.

Source: libopus 1.6.1 dnn/dred_compare.c; libopus tests/dred_vectors.sh (limits). Verdicts are that program's; figures
agree with it to three digits.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Num

from dred.audio.biquads import filter_sections, initial_biquad_state
from dred.errors import UsageError
from dred.features import NUM_FEATURES, PITCH, VOICING
from dred.timebase import FEATURE_FRAME_SAMPLES, SAMPLE_RATE_HZ

__all__ = [
    "FEATURE_LIMITS",
    "SYSTEM_LIMITS",
    "VOCODER_LIMITS",
    "AudioConformance",
    "FeatureConformance",
    "compare_audio",
    "compare_features",
]

_VOICED_ABOVE = 0.2

_HIGH_PASS = np.array([[1.0, -2.0, 1.0, -1.97354, 0.97417]])
_WINDOW_SAMPLES = 640
_NUM_BINS = 320
_EDGES_BINS = np.array([0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 272, 320])
_NOISE_POWER = 0.1
# Masking falls by 10 dB per Bark upwards and by 25 dB downwards.
_UPWARD_PER_BARK = 0.1
_DOWNWARD_PER_BARK = 0.0031623
_DYNAMIC_RANGE = 1e-8
_FORWARD_MASKING = 0.5
_BACKWARD_MASKING = 0.1
_LOUDNESS = 0.2

_MIN_LAG_SAMPLES = 32
_MAX_LAG_SAMPLES = 256
_PITCH_FRAME_SAMPLES = 320
_PITCH_EMPHASIS = 0.8
_EDGE_FRAMES = 2
_VOICED_CORRELATION = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureConformance:
    """How far features are from the reference's.

    Attributes:
        total: Root of the summed mean squares of all features but pitch.
        worst: Largest root mean square of one of them.
        pitch: Mean distance of the pitch feature over voiced frames, in octaves; NaN without any.
    """

    total: float
    worst: float
    pitch: float

    @property
    def passes(self) -> bool:
        """Whether no figure exceeds `FEATURE_LIMITS`; NaN does not pass."""
        limits = FEATURE_LIMITS
        return self.total <= limits.total and self.worst <= limits.worst and self.pitch <= limits.pitch


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioConformance:
    """How far speech is from the reference.

    Both errors shrink with the square root of the length, so that figures of different lengths do not compare.

    Attributes:
        err4: Distance in loudness after masking, where the worse frames count more.
        err16: The same, where the worst frames and bands count almost alone.
        pitch: Mean distance of the correlation one pitch period back, over voiced frames; NaN without any.
    """

    err4: float
    err16: float
    pitch: float

    @property
    def passes(self) -> bool:
        """Whether no figure exceeds `VOCODER_LIMITS`; NaN does not pass."""
        return self.is_within(VOCODER_LIMITS)

    def is_within(self, limits: "AudioConformance") -> bool:
        """Tell whether no figure exceeds the limits; NaN does."""
        return self.err4 <= limits.err4 and self.err16 <= limits.err16 and self.pitch <= limits.pitch


FEATURE_LIMITS = FeatureConformance(total=0.5, worst=0.15, pitch=0.02)
"""What a decoder's features may deviate by."""

VOCODER_LIMITS = AudioConformance(err4=0.25, err16=1.0, pitch=0.15)
"""What a vocoder's speech, made from a vector's features, may deviate by."""

SYSTEM_LIMITS = AudioConformance(err4=1.0, err16=3.0, pitch=0.25)
"""What a whole receiver's speech should not deviate by; beyond, the standard's procedure only warns."""


def compare_features(
    reference: Float32[np.ndarray, "frames 20"], test: Float32[np.ndarray, "test_frames 20"]
) -> FeatureConformance:
    """Compare feature frames.

    Raises:
        UsageError: There are no frames, or not equally many of 20 features.
    """
    if reference.shape != test.shape or reference.shape[1:] != (NUM_FEATURES,) or len(reference) == 0:
        raise UsageError(f"need equally many (at least 1) frames of 20 features, got {reference.shape}, {test.shape}")
    error = reference.astype(np.float64) - test
    mean_squares = np.delete((error**2).mean(axis=0), PITCH)
    return FeatureConformance(
        total=float(np.sqrt(mean_squares.sum())),
        worst=float(np.sqrt(mean_squares.max())),
        pitch=_mean(np.abs(error[reference[:, VOICING] > _VOICED_ABOVE, PITCH])),
    )


def compare_audio(reference: Num[np.ndarray, " samples"], test: Num[np.ndarray, " test_samples"]) -> AudioConformance:
    """Compare 16 kHz speech on the int16 scale, -32768 to 32767; a longer test is cut to the reference's length.

    Raises:
        UsageError: The reference is shorter than 640 samples (40 ms), or the test shorter than the reference.
    """
    if reference.ndim != 1 or test.ndim != 1 or not _WINDOW_SAMPLES <= reference.size <= test.size:
        raise UsageError(
            f"need mono speech of at least {_WINDOW_SAMPLES} samples, the test as long as the reference or longer, "
            f"got {reference.shape}, {test.shape}"
        )
    signals = [_remove_rumble(signal[: reference.size]) for signal in (reference, test)]
    err4, err16 = _loudness_errors(*(_spread(_power_spectra(signal)) for signal in signals))
    return AudioConformance(err4=err4, err16=err16, pitch=_pitch_error(*signals))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")


def _remove_rumble(samples: np.ndarray) -> Float64[np.ndarray, " samples"]:
    return filter_sections(samples.astype(np.float64), _HIGH_PASS, initial_biquad_state(_HIGH_PASS), 1, 1)


def _frames(samples: Float64[np.ndarray, " samples"], num_samples: int) -> Float64[np.ndarray, "frames _"]:
    """Cut into overlapping frames, one every 10 ms."""
    return np.lib.stride_tricks.sliding_window_view(samples, num_samples)[::FEATURE_FRAME_SAMPLES]


def _power_spectra(samples: Float64[np.ndarray, " samples"]) -> Float64[np.ndarray, "frames 320"]:
    """Transform under a Blackman-Harris window; 25 Hz per bin."""
    turns = 2 * np.pi * (np.arange(_WINDOW_SAMPLES) + 0.5) / _WINDOW_SAMPLES
    window = 0.35875 - 0.48829 * np.cos(turns) + 0.14128 * np.cos(2 * turns) - 0.01168 * np.cos(3 * turns)
    bins = np.fft.rfft(_frames(samples, _WINDOW_SAMPLES) * window)[:, :_NUM_BINS]
    return bins.real**2 + bins.imag**2 + _NOISE_POWER


def _spread(power: Float64[np.ndarray, "frames 320"]) -> Float64[np.ndarray, "frames 320"]:
    """Let each bin mask its neighbours; a flat spectrum stays what it is."""
    bin_hz = SAMPLE_RATE_HZ / 2 / _NUM_BINS
    f_hz = np.arange(_NUM_BINS) * bin_hz
    # Derivative of the map from Hz to Bark that Vorbis uses.
    bark_per_hz = 8.288e-8 * f_hz / (3.4225e-16 * f_hz**4 + 1) + 0.009694 / (5.476e-7 * f_hz**2 + 1) + 1e-4
    upward = _UPWARD_PER_BARK ** (bark_per_hz * bin_hz)
    downward = _DOWNWARD_PER_BARK ** (bark_per_hz * bin_hz)
    # The last row becomes what a flat spectrum gains.
    spread = np.vstack([power, np.ones(_NUM_BINS)])
    for i in range(1, _NUM_BINS):
        spread[:, i] += upward[i] * spread[:, i - 1]
    for i in reversed(range(_NUM_BINS - 1)):
        spread[:, i] += downward[i] * spread[:, i + 1]
    return spread[:-1] / spread[-1]


def _loudness_errors(
    reference: Float64[np.ndarray, "frames 320"], test: Float64[np.ndarray, "frames 320"]
) -> tuple[float, float]:
    """Compare masked spectra: band errors are averaged to the 4th and the 16th power over frames."""
    floor = _DYNAMIC_RANGE * reference.max(axis=1, keepdims=True)
    reference, test = _mask_in_time(np.maximum(reference, floor)), _mask_in_time(np.maximum(test, floor))
    # A lower threshold like the spectrum of de-emphasis.
    threshold = 0.1 / (0.15**2 + (np.arange(_NUM_BINS) * np.pi / 960) ** 2)
    error_2 = _band_means((_loudness(test, threshold) - _loudness(reference, threshold)) ** 2)
    # For the 16th power very low energies count less.
    error_4 = _band_means((_loudness(test, 10 * threshold) - _loudness(reference, 10 * threshold)) ** 2) ** 2
    size = np.sqrt(_band_means(_loudness(reference, threshold) ** 2).mean(axis=1).sum())
    err4 = (error_2.mean(axis=1) ** 2).mean() ** (1 / 4)
    err16 = (error_4.mean(axis=1) ** 4).mean() ** (1 / 16)
    return 100 * float(err4 / size), 100 * float(err16 / size)


def _mask_in_time(power: Float64[np.ndarray, "frames 320"]) -> Float64[np.ndarray, "frames 320"]:
    masked = power.copy()
    for i in range(1, len(masked)):
        masked[i] += _FORWARD_MASKING * masked[i - 1]
    # The last frame masks nothing: libopus starts one frame before the end.
    for i in reversed(range(len(masked) - 2)):
        masked[i] += _BACKWARD_MASKING * masked[i + 1]
    return masked


def _loudness(power: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    return (power + threshold) ** _LOUDNESS


def _band_means(values: Float64[np.ndarray, "frames 320"]) -> Float64[np.ndarray, "frames 17"]:
    """Average over each band, weighted once more by the inverse of its width."""
    return np.add.reduceat(values, _EDGES_BINS[:-1], axis=1) / np.diff(_EDGES_BINS) ** 2


def _pitch_error(reference: Float64[np.ndarray, " samples"], test: Float64[np.ndarray, " samples"]) -> float:
    num_frames = (reference.size - _WINDOW_SAMPLES) // FEATURE_FRAME_SAMPLES + 1
    errors = []
    for number in range(_EDGE_FRAMES, num_frames - _EDGE_FRAMES):
        start = number * FEATURE_FRAME_SAMPLES - _MAX_LAG_SAMPLES
        ours, theirs = (
            _correlations(signal[start - 1 : start + _MAX_LAG_SAMPLES + _PITCH_FRAME_SAMPLES])
            for signal in (reference, test)
        )
        best = int(np.argmax(ours))
        if ours[best] > _VOICED_CORRELATION:
            errors.append(abs(ours[best] - theirs[best]))
    return _mean(np.array(errors))


def _correlations(samples: Float64[np.ndarray, " 577"]) -> Float64[np.ndarray, " 225"]:
    """Correlate the last 20 ms with each lag from 32 to 256 samples, normalised by both energies."""
    emphasised = samples[1:] - _PITCH_EMPHASIS * samples[:-1]
    windows = np.lib.stride_tricks.sliding_window_view(emphasised, _PITCH_FRAME_SAMPLES)[::-1]
    energies = (windows**2).sum(axis=1)
    lagged = windows[_MIN_LAG_SAMPLES:]
    return lagged @ windows[0] / np.sqrt(energies[0] * energies[_MIN_LAG_SAMPLES:] + _PITCH_FRAME_SAMPLES)
