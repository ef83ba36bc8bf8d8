"""The pitch of speech every 10 ms, by itself: no network, no weights.

How like itself is the speech below 1 kHz one lag later? YIN's normalised difference tells, 1 for a perfect repetition.
The pitch is the best path through that: a move to a neighbouring pitch costs a little, a leap to any other costs 0.3,
and an octave down 0.03, since two periods repeat as well as one. A frame is voiced where likeness is at least 0.6 on
the path, and where the speech is within 35 dB of its loud parts.

Source: de Cheveigne, Kawahara, "YIN, a fundamental frequency estimator for speech and music", 2002 (equation 8).
"""

import numpy as np
from jaxtyping import Float32, Float64, Int64

from dred.evaluation.metrics.activity import ACTIVE_DB, loud_power
from dred.evaluation.metrics.memory import remember
from dred.timebase import FEATURE_FRAME_SAMPLES, SAMPLE_RATE_HZ

__all__ = ["HIGHEST_HZ", "LOWEST_HZ", "track_pitch"]

LOWEST_HZ, HIGHEST_HZ = 62.5, 500.0

_LOW_PASS_HZ = 1000.0
_FILTER_SAMPLES = 129
_DECIMATION = 2
_RATE_HZ = SAMPLE_RATE_HZ // _DECIMATION
_HOP_SAMPLES = FEATURE_FRAME_SAMPLES // _DECIMATION
_WINDOW_SAMPLES = 240
_LONGEST_LAG = round(_RATE_HZ / LOWEST_HZ)
_TRANSFORM_SAMPLES = 512
_STEPS_PER_OCTAVE = 48
# Up to two semitones: the further, the dearer.
_MOVES = np.arange(-8, 9)
_MOVE_COST = 0.01
_LEAP_COST = 0.3
_OCTAVE_COST = 0.03
_LEAST_LIKENESS = 0.6


@remember
def track_pitch(samples: Float32[np.ndarray, " samples"]) -> Float64[np.ndarray, " frames"]:
    """Return the pitch in Hz of each 10 ms, 62.5 to 500; 0 where there is none."""
    num_frames = len(samples) // FEATURE_FRAME_SAMPLES
    if not num_frames:
        return np.zeros(0)
    likeness, power = _compare_lags(_low_frequencies(samples), num_frames)
    lags = _RATE_HZ / (LOWEST_HZ * 2 ** (np.arange(3 * _STEPS_PER_OCTAVE + 1) / _STEPS_PER_OCTAVE))
    whole = np.minimum(lags.astype(int), _LONGEST_LAG - 1)
    share = lags - whole
    candidates = likeness[:, whole] * (1 - share) + likeness[:, whole + 1] * share
    path = _best_path(candidates - _OCTAVE_COST * np.log2(lags * HIGHEST_HZ / _RATE_HZ))
    refined, peaks = _refine(likeness, np.round(lags[path]).astype(int))
    is_loud = power >= loud_power(samples) * 10 ** (ACTIVE_DB / 10)
    return np.where(is_loud & (power > 0) & (peaks >= _LEAST_LIKENESS), _RATE_HZ / refined, 0.0)


def _low_frequencies(samples: Float32[np.ndarray, " samples"]) -> Float64[np.ndarray, " halved"]:
    times = np.arange(_FILTER_SAMPLES) - _FILTER_SAMPLES // 2
    low_pass = np.sinc(times * 2 * _LOW_PASS_HZ / SAMPLE_RATE_HZ) * np.hamming(_FILTER_SAMPLES)
    return np.convolve(samples, low_pass / low_pass.sum(), mode="same")[::_DECIMATION]


def _compare_lags(
    low: Float64[np.ndarray, " halved"], num_frames: int
) -> tuple[Float64[np.ndarray, "frames lags"], Float64[np.ndarray, " frames"]]:
    """Compare 30 ms with what follows 0 to 16 ms later; the frame's 10 ms lie in the middle of it all."""
    before = (_WINDOW_SAMPLES + _LONGEST_LAG - _HOP_SAMPLES) // 2
    stretch = _WINDOW_SAMPLES + _LONGEST_LAG + 1
    padded = np.pad(low, (before, stretch))
    frames = np.lib.stride_tricks.sliding_window_view(padded, stretch)[::_HOP_SAMPLES][:num_frames]
    spectra = np.fft.rfft(frames, _TRANSFORM_SAMPLES)
    windows = np.fft.rfft(frames[:, :_WINDOW_SAMPLES], _TRANSFORM_SAMPLES)
    products = np.fft.irfft(spectra * windows.conj(), _TRANSFORM_SAMPLES)[:, : _LONGEST_LAG + 1]
    sums = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    energies = sums[:, _WINDOW_SAMPLES:][:, : _LONGEST_LAG + 1] - sums[:, : _LONGEST_LAG + 1]
    differences = np.maximum(energies[:, :1] + energies - 2 * products, 0)
    means = np.cumsum(differences, axis=1) / np.maximum(np.arange(_LONGEST_LAG + 1), 1)
    likeness = 1 - np.divide(differences, means, out=np.ones_like(means), where=means > 1e-9)
    return likeness, energies[:, 0] / _WINDOW_SAMPLES


def _best_path(worths: Float64[np.ndarray, "frames candidates"]) -> Int64[np.ndarray, " frames"]:
    """Find the path of the greatest worth, less what its moves and leaps cost (Viterbi)."""
    num_frames, num_candidates = worths.shape
    reach = int(_MOVES[-1])
    costs = _MOVE_COST * np.abs(_MOVES)
    origins = np.empty((num_frames, num_candidates), np.int64)
    places = np.arange(num_candidates)
    total = worths[0]
    for frame in range(1, num_frames):
        near = np.lib.stride_tricks.sliding_window_view(np.pad(total, reach, constant_values=-np.inf), len(_MOVES))
        near = near - costs
        moves = near.argmax(axis=1)
        best = near[places, moves]
        summit = int(total.argmax())
        leaps = best < total[summit] - _LEAP_COST
        origins[frame] = np.where(leaps, summit, places + moves - reach)
        total = worths[frame] + np.maximum(best, total[summit] - _LEAP_COST)
    path = np.empty(num_frames, np.int64)
    path[-1] = total.argmax()
    for frame in range(num_frames - 1, 0, -1):
        path[frame - 1] = origins[frame, path[frame]]
    return path


def _refine(
    likeness: Float64[np.ndarray, "frames lags"], lags: Int64[np.ndarray, " frames"]
) -> tuple[Float64[np.ndarray, " frames"], Float64[np.ndarray, " frames"]]:
    """Move to the highest of three lags, then to the top of the parabola through it and its neighbours."""
    rows = np.arange(len(lags))
    lags = np.clip(lags, 2, _LONGEST_LAG - 2)
    lags = lags - 1 + np.stack([likeness[rows, lags + step] for step in (-1, 0, 1)]).argmax(axis=0)
    left, top, right = (likeness[rows, lags + step] for step in (-1, 0, 1))
    bend = left - 2 * top + right
    shift = np.divide(left - right, 2 * bend, out=np.zeros_like(top), where=bend < 0)
    shift = np.clip(shift, -0.5, 0.5)
    return lags + shift, top - (left - right) * shift / 4
