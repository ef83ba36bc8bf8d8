"""Schemes as data: what they ask of a sender, and what they refuse."""

import pytest

from dred.errors import UsageError
from dred.evaluation.schemes import SCHEME_NAMES, Scheme, find_schemes, standard_schemes
from dred.sender import DredConfig, SenderConfig


def config_of(scheme: Scheme, loss_rate: float = 0.2) -> SenderConfig:
    return scheme.sender_config(rate_hz=16_000, channels=1, loss_rate=loss_rate)


def test_the_family_is_the_name_unless_it_is_told() -> None:
    assert Scheme(name="plc").family == "plc"
    assert Scheme(name="plc@24", family="plc").family == "plc"


@pytest.mark.parametrize(("loss_rate", "told"), [(0.0, 10), (0.05, 10), (0.18, 18), (0.6, 25)])
def test_an_encoder_is_told_the_loss_there_is_within_bounds(loss_rate: float, told: int) -> None:
    assert config_of(Scheme(name="lbrr", in_band_fec=True), loss_rate).expected_loss_percent == told


def test_an_expected_loss_that_is_given_counts() -> None:
    assert config_of(Scheme(name="lbrr", expected_loss_percent=3)).expected_loss_percent == 3


@pytest.mark.parametrize("num_copies", [1, 2, 3])
def test_red_shares_a_total_rate_between_the_packet_and_its_copies(num_copies: int) -> None:
    scheme = Scheme(name="red", total_bitrate_bps=60_000, num_red_copies=num_copies)
    total = config_of(scheme).total_bitrate_bps
    assert total is not None
    packet_bytes = total * 20 // 8000
    sent_bytes = packet_bytes * (1 + num_copies) + 1 + 4 * num_copies
    assert 150 - (1 + num_copies) < sent_bytes <= 150


def test_a_total_rate_is_not_shared_out_three_ways() -> None:
    with pytest.raises(UsageError, match="not with both"):
        Scheme(name="both", total_bitrate_bps=60_000, num_red_copies=1, dred=DredConfig())


@pytest.mark.parametrize(
    "setting",
    [
        {"bitrate_bps": 5_999},
        {"bitrate_bps": 300_001},
        {"num_red_copies": 10},
        {"num_red_copies": -1},
        {"total_bitrate_bps": 7_999},
        {"expected_loss_percent": 101},
        # Nothing is left for the packets themselves.
        {"total_bitrate_bps": 16_000, "num_red_copies": 2},
    ],
    ids=str,
)
def test_what_is_out_of_range_is_refused_at_once(setting: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Scheme(name="wrong", **setting)


def test_the_standard_schemes_start_from_the_same_quality() -> None:
    schemes = {scheme.name: scheme for scheme in standard_schemes(bitrate_bps=24_000, num_red_copies=2)}
    assert tuple(schemes) == SCHEME_NAMES
    assert {name for name, scheme in schemes.items() if scheme.bitrate_bps == 40_000} == {"lbrr", "dred+lbrr"}
    assert schemes["red"].num_red_copies == 2
    assert [name for name, scheme in schemes.items() if not scheme.is_lossy] == ["clean"]


def test_schemes_are_found_by_name_in_their_own_order() -> None:
    found = find_schemes(["dred", "clean", "dred"], standard_schemes())
    assert [scheme.name for scheme in found] == ["clean", "dred"]
    for names in (["nonsense"], []):
        with pytest.raises(UsageError, match="clean, zero"):
            find_schemes(names, standard_schemes())
