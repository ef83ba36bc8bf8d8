"""What the delay aimed at follows from: the fastest packet, what has become available when, and a share of that."""

from collections.abc import Callable

import numpy as np
import pytest
from constant_parts import PACKET_RTP, make_packet

from dred.errors import UsageError
from dred.receiver import AdaptiveDelay, BufferedPacket, ReceiverConfig
from dred.receiver.adaptive_delay import TargetDelay
from dred.receiver.availability import Availability, Stretch
from dred.receiver.coverage import Told
from dred.receiver.delay_histogram import DelayHistogram
from dred.receiver.fastest_packet import FastestPacket

LONGEST_RTP = 400 * 48


def packet(number: int, *, sequence: int | None = None, **form: object) -> BufferedPacket:
    return BufferedPacket.from_payload(
        make_packet(number, **form),  # type: ignore[arg-type]
        sequence=number if sequence is None else sequence,
        timestamp=number * PACKET_RTP,
    )


def tells(told: Told) -> Callable[[int], Told]:
    return lambda timestamp: told


NOTHING = tells(Told.NOTHING)


def numbers(found: list[Stretch]) -> list[int]:
    assert all(stretch.duration_rtp == PACKET_RTP for stretch in found)
    return [stretch.timestamp // PACKET_RTP for stretch in found]


def test_a_packet_in_order_brings_its_own_time() -> None:
    availability = Availability(LONGEST_RTP)
    for number in range(5):
        assert numbers(availability.observe(packet(number), (), NOTHING)) == [number]


def test_what_is_missing_comes_with_the_redundancy_that_reaches_it() -> None:
    availability = Availability(LONGEST_RTP)
    availability.observe(packet(0), (), NOTHING)
    assert numbers(availability.observe(packet(4), (), NOTHING)) == [4]
    assert numbers(availability.observe(packet(5), (), lambda time: (Told.NOTHING, Told.SPEECH)[time >= 1920])) == [
        5,
        2,
        3,
    ]
    assert numbers(availability.observe(packet(6), (), tells(Told.SPEECH))) == [6, 1]
    assert numbers(availability.observe(packet(7), (), tells(Told.SPEECH))) == [7]


def test_in_band_fec_brings_the_frame_before_it() -> None:
    availability = Availability(LONGEST_RTP)
    availability.observe(packet(0), (), NOTHING)
    assert numbers(availability.observe(packet(3, lbrr=True), (), NOTHING)) == [3, 2]


def test_a_copy_brings_what_it_is_a_copy_of() -> None:
    availability = Availability(LONGEST_RTP)
    availability.observe(packet(0), (), NOTHING)
    assert numbers(availability.observe(packet(3), [packet(1)], NOTHING)) == [3, 1]


def test_a_late_packet_brings_its_time_once() -> None:
    availability = Availability(LONGEST_RTP)
    for number in (0, 2):
        availability.observe(packet(number), (), NOTHING)
    assert numbers(availability.observe(packet(1), (), NOTHING)) == [1]
    for number in (1, 0, 2):
        assert availability.observe(packet(number), (), tells(Told.SPEECH)) == []


def test_a_late_packet_brings_nothing_that_redundancy_had_brought() -> None:
    availability = Availability(LONGEST_RTP)
    availability.observe(packet(0), (), NOTHING)
    availability.observe(packet(2), (), tells(Told.SPEECH))
    assert availability.observe(packet(1), (), NOTHING) == []


def test_a_pause_that_redundancy_tells_of_is_not_waited_for() -> None:
    availability = Availability(LONGEST_RTP)
    availability.observe(packet(0), (), NOTHING)
    assert numbers(availability.observe(packet(2), (), tells(Told.PAUSE))) == [2]
    assert numbers(availability.observe(packet(3), (), tells(Told.SPEECH))) == [3]


def test_a_gap_in_time_alone_is_a_pause() -> None:
    availability = Availability(LONGEST_RTP)
    availability.observe(packet(0), (), NOTHING)
    assert numbers(availability.observe(packet(9, sequence=1), (), tells(Told.SPEECH))) == [9]


def test_an_outage_that_no_delay_bridges_does_not_count() -> None:
    for num_lost, counts in ((20, True), (21, False)):
        availability = Availability(LONGEST_RTP)
        availability.observe(packet(0), (), NOTHING)
        found = availability.observe(packet(1 + num_lost), (), tells(Told.SPEECH))
        assert len(found) == (1 + num_lost if counts else 1)


def test_a_quantile_is_the_edge_of_the_bin_that_reaches_it() -> None:
    histogram = DelayHistogram(max_ms=400, memory_ms=1e9, start_ms=0)
    for delay_ms in range(1, 200):
        histogram.add(delay_ms, 20)
    for quantile in (0.5, 0.9, 0.97):
        assert histogram.quantile_ms(quantile) == pytest.approx(200 * quantile, abs=5)
    assert histogram.quantile_ms(0.9999) == 200


def test_what_comes_later_than_the_longest_delay_does_not_count() -> None:
    histogram = DelayHistogram(max_ms=100, memory_ms=1_000, start_ms=0)
    for delay_ms in (1, 104, 106, 5_000):
        histogram.add(delay_ms, 1_000)
    assert histogram.quantile_ms(0.999) == 105


def test_a_histogram_forgets() -> None:
    histogram = DelayHistogram(max_ms=400, memory_ms=1_000, start_ms=0)
    histogram.add(300, 20)
    for _ in range(30):
        histogram.add(0, 20)
    assert histogram.quantile_ms(0.99) == 305
    for _ in range(30):
        histogram.add(0, 20)
    assert histogram.quantile_ms(0.99) == 5


def test_a_histogram_counts_for_years() -> None:
    histogram = DelayHistogram(max_ms=400, memory_ms=100, start_ms=0)
    for _ in range(5_000):
        histogram.add(50, 120)
    assert histogram.quantile_ms(0.99) == 55


def test_a_histogram_moves_with_what_delays_are_relative_to() -> None:
    histogram = DelayHistogram(max_ms=400, memory_ms=1e9, start_ms=0)
    for _ in range(2_000):
        histogram.add(100, 20)
    for _ in range(30):
        histogram.shift(1.0)
    assert histogram.quantile_ms(0.9) == 135
    histogram.shift(-500)
    assert histogram.quantile_ms(0.9) == 5


def test_the_fastest_packet_is_followed_at_once_and_forgotten_after_ten_seconds() -> None:
    fastest = FastestPacket()
    for now in range(0, 5_000, 20):
        assert fastest.observe(100.0, now)
    assert fastest.observe(75.0, 5_000)
    assert fastest.offset_ms == 75
    for now in range(5_020, 14_980, 20):
        fastest.observe(100.0, now)
        assert fastest.offset_ms == 75
    for now in range(14_980, 16_000, 20):
        fastest.observe(100.0, now)
    assert fastest.offset_ms == 100


@pytest.mark.parametrize("ppm", [-200, 200])
def test_a_drifting_clock_is_followed_within_a_few_milliseconds(ppm: float) -> None:
    fastest = FastestPacket()
    for now in range(0, 100_000, 20):
        fastest.observe(now * ppm * 1e-6, now)
        assert fastest.offset_ms is not None
        assert abs(fastest.offset_ms - now * ppm * 1e-6) < 2.1


def test_a_wild_timestamp_is_not_believed_until_others_agree() -> None:
    fastest = FastestPacket()
    fastest.observe(0.0, 0)
    for now in range(20, 200, 20):
        assert not fastest.observe(-5_000.0, now)
        assert fastest.observe(0.0, now)
    assert fastest.offset_ms == 0
    for offset_ms in (-500.0, -600.0, -700.0, -800.0, -900.0, -1_000.0):
        assert not fastest.observe(offset_ms, 200)
    assert [fastest.observe(-500.0, 200 + now) for now in range(5)] == [False] * 4 + [True]
    assert fastest.offset_ms == -500


def drive(target: TargetDelay, delays_ms: np.ndarray) -> None:
    """Hand in packets in order, so much later than the fastest."""
    for number, delay_ms in enumerate(delays_ms):
        target.observe(packet(number), (), 20.0 * number + delay_ms, NOTHING)


def test_the_target_covers_its_share_of_the_delays(rng: np.random.Generator) -> None:
    target = TargetDelay(AdaptiveDelay(quantile=0.9), start_ms=80)
    drive(target, rng.uniform(0, 200, 4_000))
    assert target.target_ms == pytest.approx(180, abs=15)


def test_the_target_starts_where_it_is_told_to_and_falls_on_a_calm_network() -> None:
    target = TargetDelay(AdaptiveDelay(min_ms=10), start_ms=80)
    drive(target, np.zeros(20))
    assert target.target_ms >= 80
    drive(target, np.zeros(600))
    assert target.target_ms == 10


def test_the_target_stays_within_its_bounds(rng: np.random.Generator) -> None:
    target = TargetDelay(AdaptiveDelay(min_ms=50, max_ms=120), start_ms=80)
    drive(target, rng.uniform(0, 1_000, 1_000))
    assert 50 <= target.target_ms <= 120


def test_a_route_that_takes_longer_moves_the_target_and_then_is_the_new_measure() -> None:
    target = TargetDelay(AdaptiveDelay(), start_ms=80)
    drive(target, np.concatenate([np.zeros(1_000), np.full(100, 150.0)]))
    assert target.target_ms == pytest.approx(150, abs=10)
    target = TargetDelay(AdaptiveDelay(), start_ms=80)
    drive(target, np.concatenate([np.zeros(1_000), np.full(1_100, 150.0)]))
    assert target.target_ms <= 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_ms": -1.0},
        {"min_ms": 500.0},
        {"max_ms": 2_001.0},
        {"quantile": 1.0},
        {"quantile": 0.4},
        {"memory_ms": 10.0},
        {"memory_ms": float("inf")},
        {"min_ms": float("nan")},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        AdaptiveDelay(**wrong)


def test_a_delay_to_start_from_lies_where_it_may_move() -> None:
    with pytest.raises(UsageError, match="delay_ms must be 10 to 60"):
        ReceiverConfig(delay_ms=80, adaptive=AdaptiveDelay(max_ms=60))
