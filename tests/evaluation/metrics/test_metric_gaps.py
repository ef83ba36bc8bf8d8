"""What happens inside gaps, at their edges, and behind them."""

import numpy as np
import pytest
from metric_speech import GAP_SAMPLES, RATE_HZ, clip, hear, holes, noisy, regular_gaps, silence

from dred.evaluation.metrics import HeardSpeech, Metric
from dred.evaluation.metrics.gap_click import GAP_CLICK
from dred.evaluation.metrics.gap_lsd import GAP_LSD, INSIDE_LSD
from dred.evaluation.metrics.gap_snr import GAP_SNR
from dred.evaluation.metrics.returns import find_returns
from dred.evaluation.score import NO_SCORE

ALL = pytest.mark.parametrize("metric", [GAP_LSD, INSIDE_LSD, GAP_SNR, GAP_CLICK], ids=lambda metric: metric.name)

# White noise at a tenth of full scale: it never pauses.
STEADY = (0.1 * np.random.default_rng(5).standard_normal(RATE_HZ)).astype(np.float32)


def steady(heard: np.ndarray, *gaps: tuple[int, int]) -> HeardSpeech:
    return HeardSpeech(reference=STEADY, heard=heard.astype(np.float32), gaps=np.array(gaps, np.int64).reshape(-1, 2))


def changed(start: int, end: int, change: float) -> np.ndarray:
    heard = STEADY.copy()
    heard[start:end] *= np.float32(change)
    return heard


@ALL
def test_identical_speech_is_perfect(metric: Metric) -> None:
    score = metric.score(hear(clip()))
    assert score.value == (35 if metric is GAP_SNR else 0)
    assert score.weight > 10


@ALL
def test_without_gaps_there_is_nothing_to_measure(metric: Metric) -> None:
    assert metric.score(steady(STEADY)) == NO_SCORE


@ALL
def test_a_silent_original_has_no_score(metric: Metric) -> None:
    assert metric.score(hear(clip()[: 3 * RATE_HZ], silence())) == NO_SCORE


def test_silence_instead_of_everything_is_finitely_bad() -> None:
    speech = hear(silence(len(clip())))
    assert 20 < GAP_LSD.score(speech).value < 60
    assert 20 < INSIDE_LSD.score(speech).value < 60
    assert GAP_SNR.score(speech).value == pytest.approx(0)
    assert GAP_CLICK.score(speech).value == 0


@ALL
def test_scores_of_gaps_add_up(metric: Metric) -> None:
    heard = STEADY * np.linspace(0.3, 2, RATE_HZ, dtype=np.float32) ** 2
    gaps = [(1000, 2000), (5000, 6300), (9000, 9640)]
    together = metric.score(steady(heard, *gaps))
    apart = [metric.score(steady(heard, gap)) for gap in gaps]
    assert together.weight == sum(score.weight for score in apart) > 0
    assert together.total == pytest.approx(sum(score.total for score in apart))


@ALL
def test_the_level_of_both_does_not_matter(metric: Metric) -> None:
    spoilt = hear(holes(noisy(clip(), 20)))
    quieter = HeardSpeech(reference=spoilt.reference / 8, heard=spoilt.heard / 8, gaps=spoilt.gaps)
    assert metric.score(quieter).value == pytest.approx(metric.score(spoilt).value, abs=1e-3)


@pytest.mark.parametrize(("change", "distance_db"), [(0.5, 6.0206), (2.0, 6.0206), (0.1, 20.0)])
def test_a_change_of_level_is_as_far_as_it_is(change: float, distance_db: float) -> None:
    inside = steady(changed(4000, 4960, change), (4000, 4960))
    assert INSIDE_LSD.score(inside).value == pytest.approx(distance_db, rel=2e-3)
    assert GAP_LSD.score(inside).value == 0
    behind = steady(changed(4960, 5920, change), (4000, 4960))
    assert INSIDE_LSD.score(behind).value == 0
    assert GAP_LSD.score(behind).value == pytest.approx(distance_db, rel=2e-3)
    assert GAP_SNR.score(behind).value == pytest.approx(np.clip(-20 * np.log10(abs(1 - change)), -10, 35), abs=1e-4)


def test_after_a_gap_five_frames_count_and_one_stretch() -> None:
    speech = steady(STEADY, (4000, 4960))
    assert GAP_LSD.score(speech).weight == 5
    assert INSIDE_LSD.score(speech).weight == 5
    assert GAP_SNR.score(speech).weight == 1
    assert GAP_CLICK.score(speech).weight == 2


def test_what_follows_a_gap_ends_at_the_next_gap_and_with_the_clip() -> None:
    speech = steady(STEADY, (4000, 4960), (5280, 5600), (15_000, 15_400), (15_800, RATE_HZ))
    assert find_returns(speech) == [(4960, 5280), (5600, 6560), (15_400, 15_800), (RATE_HZ, RATE_HZ)]
    assert GAP_LSD.score(speech).weight == 1 + 5 + 1
    # 25 ms are enough of a stretch, nothing is not.
    assert GAP_SNR.score(speech).weight == 3
    # The clip's own end is no edge.
    assert GAP_CLICK.score(speech).weight == 7


def test_pauses_do_not_count() -> None:
    reference = STEADY.copy()
    reference[3000:8000] *= np.float32(0.001)
    speech = HeardSpeech(reference=reference, heard=STEADY, gaps=np.array([[4000, 4960]]))
    assert GAP_LSD.score(speech) == INSIDE_LSD.score(speech) == GAP_SNR.score(speech) == NO_SCORE


@pytest.mark.parametrize(("noise", "snr_db"), [(0.1, 20.0), (1.0, 0.0), (10.0, -10.0), (1e-4, 35.0)])
def test_the_ratio_is_that_of_signal_to_noise_within_its_limits(noise: float, snr_db: float) -> None:
    other = STEADY[::-1] * np.sqrt((STEADY[4960:5920] ** 2).mean() / (STEADY[::-1][4960:5920] ** 2).mean())
    assert GAP_SNR.score(steady(STEADY + noise * other, (4000, 4960))).value == pytest.approx(snr_db, abs=0.01)


def stepped(step: float) -> np.ndarray:
    heard = clip().copy()
    for start, end in regular_gaps(len(heard)):
        heard[start:end] += np.float32(step)
    return heard


def test_a_step_at_the_edges_clicks_the_more_the_higher_it_is() -> None:
    values = [GAP_CLICK.score(hear(stepped(step))).value for step in (0.0, 0.003, 0.03, 0.3)]
    assert values[0] == 0
    assert values == sorted(values)
    assert values[2] > 3
    assert values[3] > values[2] + 10


def test_a_step_in_silence_is_as_high_as_it_is_above_the_floor() -> None:
    # Loud frames of 0.1; 60 dB below are 1e-4; the third difference of a step of 0.01 is 0.02.
    reference = np.where(np.arange(RATE_HZ) < 12_000, 0.1, 0).astype(np.float32)
    heard = reference.copy()
    heard[14_000:] = 0.01
    score = GAP_CLICK.score(HeardSpeech(reference=reference, heard=heard, gaps=np.array([[14_000, 14_960]])))
    assert score.weight == 2
    assert score.total == pytest.approx(20 * np.log10(0.02 / 1e-4), abs=0.1)


def test_a_smooth_repair_of_other_speech_does_not_click() -> None:
    heard = clip().copy()
    fade = np.sin(np.linspace(0, np.pi, GAP_SAMPLES, dtype=np.float32)) ** 2
    for start, end in regular_gaps(len(heard)):
        heard[start:end] = heard[start:end] * (1 - fade) + clip()[start - 400 : end - 400] * fade
    smooth, hard = (GAP_CLICK.score(hear(samples)).value for samples in (heard, holes(clip())))
    assert smooth < 0.1
    assert hard > 1


def test_holes_are_far_from_the_original_only_inside() -> None:
    assert INSIDE_LSD.score(hear(holes(clip()))).value > 20
    assert GAP_LSD.score(hear(holes(clip()))).value == 0
    assert GAP_SNR.score(hear(holes(clip()))).value == 35
