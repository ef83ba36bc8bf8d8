"""Losses by age, burst statistics from patterns and from fractions alone, quick to rise and slow to fall."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.channel import GilbertElliott, LossModel, Uniform, loss_statistics
from dred.errors import UsageError
from dred.sender import ReceiverReport
from dred.sender.controller.losses import MAX_AGE, LossEstimator, LossPicture, burst_in_packets, shares_of_bursts


def estimator(rise_ms: float = 1_500.0, fall_ms: float = 10_000.0) -> LossEstimator:
    return LossEstimator(frame_ms=20.0, rise_ms=rise_ms, fall_ms=fall_ms)


def report(fraction_lost: float, jitter_ms: float = 0.0) -> ReceiverReport:
    return ReceiverReport(fraction_lost=fraction_lost, jitter_ms=jitter_ms)


def after_patterns(found: LossEstimator, lost: np.ndarray, start_ms: float = 0.0) -> LossPicture:
    now = start_ms
    for block in np.array_split(lost, max(len(lost) // 50, 1)):
        now += 20.0 * len(block)
        found.observe_losses(block.tolist(), now)
    return found.picture(now)


def after_fractions(found: LossEstimator, model: LossModel, num_reports: int, seed: int) -> LossPicture:
    losses = model.draw(50 * num_reports, np.random.default_rng(seed)).reshape(-1, 50)
    for number, window in enumerate(losses):
        found.observe_report(report(float(window.mean())), 50, 1_000.0 * number)
    return found.picture(1_000.0 * num_reports)


def test_each_lost_packet_has_its_distance_to_the_next_that_arrives() -> None:
    found = estimator(1e6, 1e6)
    found.observe_losses(500 * [False, True, True, True, False, True, False, False, False, False], 200.0)
    picture = found.picture(200.0)
    assert np.allclose(picture.shares[:4], [0.2, 0.1, 0.1, 0.0], atol=2e-3)
    assert picture.loss_rate == pytest.approx(0.4)
    assert picture.mean_burst == pytest.approx(2.0, rel=0.01)
    assert [picture.age_quantile(share) for share in (0.4, 0.7, 0.95)] == [1, 2, 3]
    assert picture.heard_from == "patterns"


def test_few_bursts_do_not_say_that_there_are_no_longer_ones() -> None:
    few, many = estimator(), estimator()
    few.observe_losses([False, True] + 48 * [False], 1_000.0)
    many.observe_losses(500 * [False, True, False, False], 1_000.0)
    assert few.picture(1_000.0).age_quantile(0.95) > 3
    assert many.picture(1_000.0).age_quantile(0.95) == 1


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.data())
def test_a_pattern_in_pieces_counts_bursts_as_in_one(lost: list[bool], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lost)))
    # A memory that is much longer than the pattern forgets nothing between the pieces.
    whole, pieces = estimator(1e6, 1e6), estimator(1e6, 1e6)
    whole.observe_losses(lost, 1.0)
    pieces.observe_losses(lost[:at], 1.0)
    pieces.observe_losses(lost[at:], 1.0)
    assert np.allclose(whole.picture(1.0).shares, pieces.picture(1.0).shares, atol=1e-3)


@pytest.mark.parametrize("model", [Uniform(loss=0.1), GilbertElliott(loss=0.2, mean_burst=5)], ids=["single", "bursts"])
def test_patterns_give_the_statistics_of_the_trace(model: LossModel) -> None:
    lost = model.draw(3_000, np.random.default_rng(1))
    picture = after_patterns(estimator(1e6, 1e6), lost)
    statistics = loss_statistics(lost)
    assert picture.loss_rate == pytest.approx(statistics.loss_rate, rel=0.05)
    assert picture.mean_burst == pytest.approx(statistics.mean_burst, rel=0.05)


def test_fractions_alone_tell_single_losses_from_bursts() -> None:
    def seen(model: LossModel) -> float:
        return float(np.mean([after_fractions(estimator(), model, 60, seed).mean_burst for seed in range(10)]))

    single, short, long = (seen(GilbertElliott(loss=0.15, mean_burst=burst)) for burst in (1.18, 3.0, 8.0))
    assert single < 2.0 < short < long
    # What is only guessed is taken longer.
    assert 3.0 < short < 6.0
    assert 6.0 < long < 14.0


def test_before_fractions_vary_a_burst_is_what_bursts_usually_are() -> None:
    found = estimator()
    found.observe_report(report(0.1), 50, 0.0)
    picture = found.picture(0.0)
    assert picture.loss_rate == pytest.approx(0.1)
    assert 2.5 < picture.mean_burst < 3.25
    assert picture.heard_from == "reports"


def test_patterns_count_and_fractions_about_the_same_packets_do_not() -> None:
    both, alone = estimator(), estimator()
    lost = GilbertElliott(loss=0.2, mean_burst=4).draw(500, np.random.default_rng(2))
    for number, window in enumerate(lost.reshape(-1, 50)):
        now = 1_000.0 * number
        for found in (both, alone):
            found.observe_losses(window.tolist(), now)
        both.observe_report(report(float(window.mean())), 50, now)
    assert both.picture(10_000.0).shares == alone.picture(10_000.0).shares


@pytest.mark.parametrize("interval_ms", [500.0, 1_000.0, 8_000.0])
def test_a_report_does_not_count_beside_the_pattern_that_comes_with_it(interval_ms: float) -> None:
    both, alone = estimator(), estimator()
    lost = GilbertElliott(loss=0.2, mean_burst=4).draw(500, np.random.default_rng(2))
    for number, window in enumerate(lost.reshape(-1, 50)):
        now = interval_ms * number
        # As in a compound packet: the report stands in front.
        both.observe_report(report(float(window.mean())), 50, now)
        for found in (both, alone):
            found.observe_losses(window.tolist(), now)
        assert both.picture(now).shares == alone.picture(now).shares
    assert both.picture(now + 0.9 * interval_ms).heard_from == "patterns", "until the next is due"


def test_a_lost_pattern_is_not_made_up_for_by_a_fraction_that_the_next_one_tells_again() -> None:
    found, alone = estimator(), estimator()
    for number in range(20):
        now = 8_000.0 * number
        found.observe_report(report(0.1), 50, now)
        if number % 2 == 0:
            for each in (found, alone):
                each.observe_losses(([True] + 9 * [False]) * 10, now)
    assert found.picture(now).shares == alone.picture(now).shares


def test_fractions_count_again_when_patterns_stop() -> None:
    found = estimator()
    found.observe_losses([False] * 50, 0.0)
    for second in range(20):
        found.observe_report(report(0.3), 50, 1_000.0 * second)
    picture = found.picture(20_000.0)
    assert picture.loss_rate > 0.2
    assert picture.heard_from == "reports"


def test_a_burst_that_no_pattern_ends_is_forgotten() -> None:
    found = estimator()
    found.observe_losses([False] * 30 + [True] * 20, 0.0)
    for second in range(10, 100):
        found.observe_report(report(0.0), 50, 1_000.0 * second)
    assert found.picture(100_000.0).loss_rate < 0.01


def test_losses_are_believed_quickly_and_forgotten_slowly() -> None:
    found = estimator()
    after_patterns(found, np.zeros(1_000, bool))
    risen = after_patterns(found, np.arange(100) % 5 == 0, 20_000.0)
    fallen = after_patterns(found, np.zeros(100, bool), 22_000.0)
    forgotten = after_patterns(found, np.zeros(3_000, bool), 24_000.0)
    assert risen.loss_rate > 0.13, "two seconds of 20 % loss"
    assert fallen.loss_rate > 0.03, "two seconds without"
    assert forgotten.loss_rate < 0.001, "a minute without"


def test_where_nothing_arrives_everything_is_lost() -> None:
    found = estimator()
    found.observe_losses([False] * 500, 0.0)
    for second in range(60):
        found.observe_losses([True] * 50, 1_000.0 * second)
    picture = found.picture(60_000.0)
    assert picture.loss_rate > 0.9
    assert picture.age_quantile(0.95) == MAX_AGE + 1
    for second in range(60, 90):
        found.observe_losses([False] * 50, 1_000.0 * second)
    assert found.picture(90_000.0).loss_rate < 0.1


def test_bursts_that_are_not_seen_last_as_long_with_packets_of_any_length() -> None:
    def supposed_ms(frame_ms: float) -> float:
        return frame_ms * burst_in_packets(2.5, frame_ms)

    assert supposed_ms(20.0) == 50.0
    assert supposed_ms(10.0) == pytest.approx(45, abs=1), "39 ms in the mean, and what of a packet they cut"
    assert supposed_ms(60.0) == pytest.approx(76, abs=1)
    short, long = (LossEstimator(frame_ms=frame_ms, rise_ms=1_000.0, fall_ms=5_000.0) for frame_ms in (10.0, 60.0))
    for found in (short, long):
        found.observe_report(report(0.1), 50, 0.0)
    assert long.picture(0.0).mean_burst < 2 < 4 < short.picture(0.0).mean_burst


def test_nobody_has_reported_at_first() -> None:
    found = estimator()
    assert found.silent_ms(5.0) is None
    picture = found.picture(5.0)
    assert (picture.loss_rate, picture.mean_burst, picture.age_quantile(0.95)) == (0.0, 0.0, 0)
    assert picture.heard_from == "nobody"
    found.observe_losses([], 10.0)
    assert found.silent_ms(15.0) is None, "an empty pattern tells nothing"
    found.observe_losses([False], 20.0)
    assert found.silent_ms(50.0) == 30.0


def test_jitter_rises_at_once_and_falls_slowly() -> None:
    found = estimator()
    for second, jitter_ms in enumerate((5.0, 60.0, 5.0)):
        found.observe_report(report(0.0, jitter_ms), 50, 1_000.0 * second)
    assert 40 < found.picture(3_000.0).jitter_ms < 60
    for second in range(3, 40):
        found.observe_report(report(0.0, 5.0), 50, 1_000.0 * second)
    assert found.picture(40_000.0).jitter_ms == pytest.approx(5.0)


def test_jitter_falls_by_time_however_many_reports_come() -> None:
    often, seldom = estimator(), estimator()
    for found, interval_ms in ((often, 200.0), (seldom, 5_000.0)):
        found.observe_report(report(0.0, 100.0), 50, 0.0)
        for number in range(round(5_000 / interval_ms)):
            found.observe_report(report(0.0, 0.0), 50, interval_ms * (number + 1))
    assert often.picture(5_000.0).jitter_ms == pytest.approx(seldom.picture(5_000.0).jitter_ms)
    assert 20 < often.picture(5_000.0).jitter_ms < 50


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 1e9), st.integers(0, 10_000), st.lists(st.booleans(), max_size=120)),
        max_size=20,
    )
)
def test_any_reports_give_shares_that_can_be(events: list[tuple[float, float, int, list[bool]]]) -> None:
    found = estimator()
    for number, (fraction, jitter_ms, num_packets, lost) in enumerate(events):
        found.observe_report(report(fraction, jitter_ms), num_packets, 7_000.0 * number)
        if number % 2:
            found.observe_losses(lost, 7_000.0 * number)
    picture = found.picture(7_000.0 * len(events))
    assert all(0 <= share <= 1 for share in picture.shares)
    assert 0 <= picture.loss_rate <= 1


def test_a_pattern_without_end_is_refused() -> None:
    with pytest.raises(UsageError, match="100000"):
        estimator().observe_losses([True] * 100_001, 0.0)


@given(st.floats(0, 1), st.floats(1, 1_000))
def test_geometric_bursts_lose_what_they_are_to_lose(loss_rate: float, mean_burst: float) -> None:
    shares = shares_of_bursts(loss_rate, mean_burst)
    assert shares.sum() == pytest.approx(loss_rate)
    assert np.all(shares >= -1e-12)
    assert np.all(np.diff(shares[:-1]) <= 1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fraction_lost": float("nan")},
        {"fraction_lost": -0.1},
        {"fraction_lost": 1.1},
        {"jitter_ms": float("nan")},
        {"jitter_ms": float("inf")},
        {"jitter_ms": -1.0},
        {"round_trip_ms": float("nan")},
        {"round_trip_ms": -1.0},
    ],
    ids=str,
)
def test_reports_that_cannot_be_true_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        ReceiverReport(**{"fraction_lost": 0.0, "jitter_ms": 0.0, "round_trip_ms": None, **wrong})
