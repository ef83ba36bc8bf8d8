"""Reception statistics beside the algorithms that RFC 3550's appendices A.1, A.3 and A.8 print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import UsageError
from dred.rtp import ReceptionStatistics, Standing

PACKET_RTP = 960


def hear(statistics: ReceptionStatistics, sequences: list[int], *, start_ms: float = 0.0) -> list[Standing]:
    return [
        statistics.receive(sequence % 65536, sequence * PACKET_RTP % 2**32, start_ms + 20.0 * number)
        for number, sequence in enumerate(sequences)
    ]


def test_a_source_is_valid_after_packets_in_a_row() -> None:
    statistics = ReceptionStatistics(min_sequential=3)
    assert [standing.value for standing in hear(statistics, [7, 8, 20, 21, 22, 23])] == [
        "probation",
        "probation",
        "probation",
        "probation",
        "valid",
        "valid",
    ]
    # The first valid packet is the base. Source: appendix A.1, init_seq.
    assert (statistics.reception.num_received, statistics.reception.num_expected) == (2, 2)


def test_the_wrap_of_the_sequence_number_is_counted() -> None:
    statistics = ReceptionStatistics()
    hear(statistics, list(range(65530, 65550)))
    assert statistics.reception.highest_sequence == 65549
    assert statistics.reception.num_lost == 0
    assert statistics.report(1).highest_sequence == 0x1000D


def test_losses_are_told_since_the_last_report_and_in_all() -> None:
    statistics = ReceptionStatistics()
    hear(statistics, [number for number in range(101) if number % 4 != 2])
    first = statistics.report(1)
    # 25 of the 100 packets from number 1 on are missing.
    assert (first.fraction_lost_q8, first.cumulative_lost) == (64, 25)
    hear(statistics, list(range(101, 201)))
    second = statistics.report(1)
    assert (second.fraction_lost_q8, second.cumulative_lost) == (0, 25)


def test_duplicates_make_loss_negative_and_the_share_zero() -> None:
    statistics = ReceptionStatistics()
    hear(statistics, [0, 1, 1, 1, 2])
    assert statistics.report(1).cumulative_lost == -2
    assert statistics.report(1).fraction_lost_q8 == 0


def test_a_late_packet_is_valid_and_changes_no_highest() -> None:
    statistics = ReceptionStatistics()
    assert hear(statistics, [0, 1, 3, 2]) == [Standing.PROBATION, *[Standing.VALID] * 3]
    assert (statistics.reception.highest_sequence, statistics.reception.num_lost) == (3, 0)


def test_one_stray_packet_is_refused_and_two_in_a_row_are_a_restart() -> None:
    statistics = ReceptionStatistics()
    assert hear(statistics, [0, 1, 30_000, 2, 40_000, 40_001, 40_002]) == [
        Standing.PROBATION,
        Standing.VALID,
        Standing.REFUSED,
        Standing.VALID,
        Standing.REFUSED,
        Standing.VALID,
        Standing.VALID,
    ]
    assert (statistics.reception.num_received, statistics.reception.num_expected) == (2, 2)


def test_jitter_follows_the_formula() -> None:
    statistics = ReceptionStatistics(min_sequential=1)
    expected = 0.0
    for number, wobble_ms in enumerate([0, 5, 0, 10, 10, 0]):
        statistics.receive(number, number * PACKET_RTP, 20.0 * number + wobble_ms)
        if number:
            previous = [0, 5, 0, 10, 10, 0][number - 1]
            expected += (abs(wobble_ms - previous) * 48 - expected) / 16
    assert statistics.reception.jitter_rtp == pytest.approx(expected)
    assert statistics.report(1).jitter_rtp == int(expected)


def test_jitter_knows_nothing_of_the_wrap_of_timestamps() -> None:
    statistics = ReceptionStatistics(min_sequential=1)
    for number in range(10):
        statistics.receive(number, (2**32 - 3 * PACKET_RTP + number * PACKET_RTP) % 2**32, 20.0 * number)
    assert statistics.reception.jitter_rtp == 0


def test_before_any_packet_all_is_zero() -> None:
    report = ReceptionStatistics().report(3)
    assert (report.ssrc, report.highest_sequence, report.cumulative_lost, report.jitter_rtp) == (3, 0, 0, 0)


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1), st.floats(0, 1e9)), max_size=60))
def test_any_packets_give_a_report(packets: list[tuple[int, int, float]]) -> None:
    statistics = ReceptionStatistics()
    for number, (sequence, timestamp, arrival_ms) in enumerate(packets):
        statistics.receive(sequence, timestamp, arrival_ms)
        if number % 7 == 0:
            statistics.report(1)
    assert statistics.reception.num_received <= len(packets)


@given(st.integers(0, 65535), st.lists(st.booleans(), min_size=1, max_size=300))
def test_received_and_lost_add_up_to_expected(first: int, pattern: list[bool]) -> None:
    statistics = ReceptionStatistics(min_sequential=1)
    heard = [first, *(first + 1 + number for number, is_in in enumerate(pattern) if is_in)]
    hear(statistics, heard)
    assert statistics.reception.num_received == len(heard)
    assert statistics.reception.num_expected == heard[-1] - first + 1


@pytest.mark.parametrize("settings", [{"min_sequential": 0}, {"max_misorder": 0}, {"max_dropout": 65500}])
def test_impossible_limits_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"at least 1|must lie in"):
        ReceptionStatistics(**settings)
