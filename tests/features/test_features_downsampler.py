"""Any Opus rate to 16 kHz."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import UsageError
from dred.features import Downsampler
from dred.timebase import OPUS_RATES_HZ, SAMPLE_RATE_HZ

SETTLED = 1600


def tone(frequency_hz: float, rate_hz: int) -> np.ndarray:
    """One second at half of full scale."""
    return (0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(rate_hz) / rate_hz)).astype(np.float32)


def convert(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    downsampler = Downsampler(rate_hz=rate_hz)
    return downsampler.convert(downsampler.initial_state(), samples)


def spectrum_db(samples: np.ndarray) -> np.ndarray:
    """Level of each 10 Hz under a Hann window, 0 dB for a tone at half of full scale."""
    block = samples[SETTLED : SETTLED + 1600] * np.hanning(1601)[:-1]
    return 20 * np.log10(np.abs(np.fft.rfft(block)) / (0.5 * 32768 * 1600 / 4) + 1e-12)


@pytest.mark.parametrize("rate_hz", OPUS_RATES_HZ)
def test_a_second_becomes_16000_samples(rate_hz: int) -> None:
    assert convert(np.zeros(rate_hz, np.float32), rate_hz).size == SAMPLE_RATE_HZ


@pytest.mark.parametrize("rate_hz", OPUS_RATES_HZ)
def test_speech_band_passes_on_the_int16_scale(rate_hz: int) -> None:
    for frequency_hz in (300, 1000, 3000):
        level_db = spectrum_db(convert(tone(frequency_hz, rate_hz), rate_hz))[frequency_hz // 10]
        # The filter ripples by 0.2 dB.
        assert abs(level_db) < 0.3, f"{frequency_hz} Hz comes out at {level_db:.2f} dB"


@pytest.mark.parametrize(
    ("rate_hz", "tone_hz", "spur_hz", "limit_db"),
    [
        pytest.param(8_000, 3000, 5000, -60, id="8 kHz: the image of the inserted zeros"),
        pytest.param(12_000, 1000, 5000, -60, id="12 kHz: the image of the inserted zeros"),
        pytest.param(12_000, 4500, 7500, -50, id="12 kHz: the image on the filter's slope"),
        pytest.param(24_000, 11_000, 5000, -60, id="24 kHz: what folds over 8 kHz"),
        pytest.param(48_000, 11_000, 5000, -60, id="48 kHz: what folds over 8 kHz"),
        pytest.param(48_000, 15_000, 1000, -60, id="48 kHz: what folds into the speech band"),
        pytest.param(48_000, 20_000, 4000, -60, id="48 kHz: what folds twice"),
    ],
)
def test_what_has_no_place_in_the_band_is_suppressed(rate_hz: int, tone_hz: int, spur_hz: int, limit_db: int) -> None:
    # 70 dB by design, less on the slope.
    assert spectrum_db(convert(tone(tone_hz, rate_hz), rate_hz))[spur_hz // 10] < limit_db


def test_16_khz_is_only_rounded_to_the_int16_grid() -> None:
    samples = np.array([0, 0.4 / 32768, 0.6 / 32768, -1, 1, 2, -2], np.float32)
    np.testing.assert_array_equal(convert(samples, 16_000), [0, 0, 1, -32768, 32767, 32767, -32768])


@pytest.mark.parametrize("rate_hz", OPUS_RATES_HZ)
@given(cuts=st.lists(st.integers(0, 50), max_size=5))
def test_streaming_equals_batch(rate_hz: int, cuts: list[int]) -> None:
    step = 3 if rate_hz != 16_000 else 1
    samples = np.random.default_rng(1).uniform(-1, 1, 50 * step).astype(np.float32)
    downsampler = Downsampler(rate_hz=rate_hz)
    state = downsampler.initial_state()
    pieces = [downsampler.convert(state, piece) for piece in np.split(samples, sorted(step * cut for cut in cuts))]
    np.testing.assert_array_equal(np.concatenate(pieces), convert(samples, rate_hz))


@pytest.mark.parametrize("rate_hz", [8_000, 12_000, 24_000, 48_000])
def test_future_input_does_not_change_past_output(rate_hz: int, rng: np.random.Generator) -> None:
    samples = rng.uniform(-1, 1, 600).astype(np.float32)
    changed = samples.copy()
    changed[300:] = 0
    num_past = 300 * SAMPLE_RATE_HZ // rate_hz
    np.testing.assert_array_equal(convert(samples, rate_hz)[:num_past], convert(changed, rate_hz)[:num_past])


def test_a_rate_that_opus_lacks_is_refused() -> None:
    with pytest.raises(UsageError, match="44100"):
        Downsampler(rate_hz=44_100)


def test_a_block_of_a_fraction_of_a_sample_is_refused() -> None:
    with pytest.raises(UsageError, match="multiple of 3"):
        convert(np.zeros(100, np.float32), 48_000)
