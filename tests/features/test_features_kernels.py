"""Each compiled stage of a frame against the numpy one, on signals of every kind."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.features.kernels import cepstrum, pitch, residual, spectrum
from dred.features.layout import MAX_PERIOD_SAMPLES, NUM_CEPSTRA
from dred.features.reference import bands as reference_bands
from dred.features.reference import pitch as reference_pitch
from dred.features.reference import residual as reference_residual
from dred.features.reference.frame import instantaneous_frequency
from dred.nn import Conv2d, ReferenceEngine

TIME = np.arange(320)
RNG = np.random.default_rng(6)
SIGNALS = {
    "noise": 1000 * RNG.standard_normal(320),
    "faint noise": 0.1 * RNG.standard_normal(320),
    "a tone": 10_000 * np.sin(0.3 * TIME),
    "a buzz": 3000 * sum(np.sin(0.05 * k * TIME) / k for k in range(1, 40)),
    "silence": np.zeros(320),
    "full scale at 8 kHz": 32767 * (-1.0) ** TIME,
    "a click": np.where(TIME == 100, 32767, 0),
    "constant": np.full(320, -32768),
}
EVERY_SIGNAL = pytest.mark.parametrize("name", SIGNALS)


def floats(size: int) -> np.ndarray:
    return np.zeros(size, np.float32)


def transform(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The power of all bins and the complex values of the lowest 32."""
    power, real, imag = floats(176), floats(48), floats(48)
    spectrum.transform(signal.astype(np.float32), power, real, imag)
    return power[:161], real[:32] + 1j * imag[:32]


def lifted_bands(power: np.ndarray) -> np.ndarray:
    bands = floats(32)
    cepstrum.band_energies(np.pad(power, (0, 15)), bands)
    cepstrum.lift(bands)
    return bands


@EVERY_SIGNAL
def test_the_spectrum_is_the_fourier_transform_of_the_window(name: str) -> None:
    power, low_bins = transform(SIGNALS[name])
    bins = np.fft.rfft(SIGNALS[name] * reference_bands.WINDOW.astype(np.float64))
    # What float32 rounds away is a share of the loudest bin.
    largest = np.abs(bins).max()
    np.testing.assert_allclose(power, np.abs(bins) ** 2, rtol=1e-6, atol=4e-7 * largest**2)
    np.testing.assert_allclose(low_bins, bins[:32], rtol=0, atol=4e-7 * largest)


@EVERY_SIGNAL
def test_the_cepstrum_is_that_of_the_reference(name: str) -> None:
    power, _ = transform(SIGNALS[name])
    out = floats(32)
    cepstrum.cepstrum(lifted_bands(power), floats(32), out)
    expected = reference_bands.cepstrum_from_bands(reference_bands.band_energies(power))
    np.testing.assert_allclose(out[:NUM_CEPSTRA], expected, rtol=0, atol=1e-5)
    assert np.sqrt(np.mean((out[:NUM_CEPSTRA] - expected) ** 2)) < 3e-6


@given(logs=st.lists(st.floats(-6, 9), min_size=NUM_CEPSTRA, max_size=NUM_CEPSTRA))
def test_bands_are_lifted_before_the_logarithm_as_behind_it(logs: list[float]) -> None:
    bands, out = np.pad(10.0 ** np.array(logs), (0, 14)).astype(np.float32), floats(32)
    expected = reference_bands.cepstrum_from_bands(bands[:NUM_CEPSTRA])
    cepstrum.lift(bands)
    cepstrum.cepstrum(bands, floats(32), out)
    np.testing.assert_allclose(out[:NUM_CEPSTRA], expected, rtol=0, atol=2e-5)


@EVERY_SIGNAL
def test_the_prediction_filter_is_that_of_the_cepstrum(name: str) -> None:
    power, _ = transform(SIGNALS[name])
    taps = floats(16)
    cepstrum.prediction_filter(lifted_bands(power), taps)
    expected = reference_bands.lpc_from_cepstrum(
        reference_bands.cepstrum_from_bands(reference_bands.band_energies(power))
    )
    # Both recursions lose digits as they divide by what is left of the energy; the same lost digits of the taps hardly
    # show in what they make of the signal.
    difference = np.convolve(SIGNALS[name], taps - expected)
    assert np.linalg.norm(difference) <= 1e-3 * np.linalg.norm(SIGNALS[name])


def test_whitening_and_voicing_are_those_of_the_reference_over_several_frames() -> None:
    state = reference_residual.ResidualState()
    emphasised, low_passed, memory, correlations = floats(416), floats(416), floats(16), floats(224)
    signal = np.pad(np.tile(SIGNALS["a buzz"] + SIGNALS["noise"], 3), (16, 0)).astype(np.float32)
    lpc = (0.2 * RNG.standard_normal(16)).astype(np.float32)
    for start in range(16, signal.size, 160):
        reference_residual.update_residual(state, signal[start : start + 160], lpc)
        residual.make_room(emphasised)
        residual.make_room(low_passed)
        residual.whiten(signal, start, lpc, memory, floats(160), emphasised, low_passed)
        scale = np.abs(state.emphasised).max()
        np.testing.assert_allclose(emphasised, state.emphasised, rtol=0, atol=1e-6 * scale)
        np.testing.assert_allclose(low_passed, state.low_passed, rtol=0, atol=1e-6 * scale)
        residual.correlate(emphasised, correlations)
        np.testing.assert_allclose(correlations, reference_residual.correlations(state), rtol=0, atol=1e-6)
        for period_samples in (32, 77, 256):
            voicing = residual.voicing(low_passed, period_samples)
            assert voicing == pytest.approx(reference_residual.voicing_feature(state, period_samples), abs=1e-6)


def test_a_whisper_behind_a_shout_has_its_own_correlation() -> None:
    # What is taken off a sliding sum in single precision would stay in it for good.
    signal = (0.01 * RNG.standard_normal(416)).astype(np.float32)
    signal[:30] *= 1e6
    state, correlations = reference_residual.ResidualState(emphasised=signal), floats(224)
    residual.correlate(signal, correlations)
    np.testing.assert_allclose(correlations, reference_residual.correlations(state), rtol=1e-5, atol=1e-6)
    assert np.abs(correlations[40:]).max() > 1e-4


def test_instantaneous_frequency_is_that_of_the_reference() -> None:
    previous_real, previous_imag, out = floats(32), floats(32), floats(96)
    previous = np.zeros(30, np.complex64)
    for name in ("noise", "a buzz"):
        power, low_bins = transform(SIGNALS[name])
        real, imag = (part.astype(np.float32).copy() for part in (low_bins.real, low_bins.imag))
        pitch.instantaneous_frequency(power, real, imag, previous_real, previous_imag, out)
        bins = low_bins[:30].astype(np.complex64)
        expected = np.append(np.zeros(2), instantaneous_frequency(bins, power[:30], previous)).reshape(30, 3)
        logs, turns = out[:30], out[32:].reshape(2, 32)[:, 1:30]
        np.testing.assert_allclose(logs, expected[:, 2], rtol=0, atol=1e-6)
        np.testing.assert_allclose(turns, expected[1:, :2].T, rtol=0, atol=1e-5)
        previous = bins


@pytest.mark.parametrize("num_channels", [1, 3, 4])
def test_convolutions_are_those_of_the_reference_over_several_frames(num_channels: int) -> None:
    shapes = (num_channels, 1, 3, 3), (1, num_channels, 3, 3)
    first, second = (
        Conv2d(weight=(RNG.standard_normal(shape) / 3).astype(np.float32), bias=floats(shape[0]) + 0.1)
        for shape in shapes
    )
    memories = np.zeros((2, 1, 226), np.float32), np.zeros((2, num_channels, 226), np.float32)
    rows, channels, lags = floats(3 * pitch.ROW), floats(num_channels * 3 * 224), floats(224)
    lower, upper = floats(pitch.ROW), floats(pitch.ROW)
    for frame in range(5):
        newest = frame % 3
        correlations = RNG.uniform(-1, 1, 224).astype(np.float32)
        start = newest * pitch.ROW + pitch.MARGIN
        rows[start : start + 224] = correlations
        pitch.convolve_correlations(first.weight.ravel(), first.bias, rows, newest, channels)
        pitch.convolve_channels(second.weight.ravel(), second.bias[0], channels, newest, lower, upper, lags)
        engine, expected = ReferenceEngine(), correlations[None]
        for layer, memory in zip((first, second), memories):
            expected = engine.conv2d(layer, memory, np.pad(expected, ((0, 0), (1, 1))))
        np.testing.assert_allclose(lags, expected[0], rtol=0, atol=1e-5)


def expected_pitch(scores: np.ndarray) -> float:
    return pitch.expected_pitch(np.pad(scores.astype(np.float32), 32)[16:])


@given(best=st.integers(0, 179), seed=st.integers(0, 2**32 - 1), level=st.sampled_from([-30, -2, 0, 5, 40]))
def test_the_expected_pitch_is_that_of_the_reference_wherever_it_is(best: int, seed: int, level: float) -> None:
    scores = np.random.default_rng(seed).uniform(-3, 3, 180).astype(np.float32) + np.float32(level)
    scores[best] += 5
    assert expected_pitch(scores) == pytest.approx(reference_pitch.expected_pitch(scores), abs=2e-6)


def test_of_equal_scores_the_first_class_wins() -> None:
    scores = np.zeros(180)
    scores[[60, 61, 150]] = 9
    around_60 = np.exp(scores[58:63]) @ np.arange(58, 63) / np.exp(scores[58:63]).sum()
    assert expected_pitch(scores) == pytest.approx(around_60 / 60 - 1.5, abs=1e-6)


def test_the_history_is_long_enough_for_every_period() -> None:
    assert residual.voicing(np.ones(MAX_PERIOD_SAMPLES + 160, np.float32), MAX_PERIOD_SAMPLES) == pytest.approx(
        0.5, abs=1e-4
    )
