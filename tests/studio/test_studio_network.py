"""Sliders that move while packets are under way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.channel import PRESETS
from dred.errors import UsageError
from dred.studio import LiveNetwork, NetworkSettings

SETTINGS = st.builds(
    NetworkSettings,
    loss_percent=st.floats(0, 60),
    mean_burst=st.floats(1, 25),
    jitter_ms=st.floats(0, 200),
)


@given(SETTINGS)
def test_every_place_of_the_sliders_is_a_network(settings: NetworkSettings) -> None:
    assert settings.channel_config().loss.loss == pytest.approx(settings.loss_percent / 100)


@pytest.mark.parametrize(
    "wrong", [{"loss_percent": 61.0}, {"loss_percent": float("nan")}, {"mean_burst": 0.5}, {"jitter_ms": -1.0}]
)
def test_other_places_are_refused_with_the_range(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"must be [\d.]+ to \d+"):
        NetworkSettings(**wrong)


def test_the_share_that_is_lost_follows_the_slider(rng: np.random.Generator) -> None:
    network: LiveNetwork[int] = LiveNetwork(NetworkSettings(loss_percent=30.0, mean_burst=2.0), rng)
    before = np.mean([network.send(number, 20.0 * number) for number in range(4000)])
    network.change(NetworkSettings(loss_percent=5.0, mean_burst=1.0))
    after = np.mean([network.send(number, 20.0 * number) for number in range(4000, 8000)])
    # Three standard errors, with the variance that bursts of two have.
    assert before == pytest.approx(0.3, abs=0.04)
    assert after == pytest.approx(0.05, abs=0.012)


@given(st.lists(SETTINGS, min_size=1, max_size=200), st.integers(0, 2**32 - 1))
def test_whatever_the_sliders_do_what_was_not_lost_arrives_once_and_in_time(
    moves: list[NetworkSettings], seed: int
) -> None:
    network: LiveNetwork[int] = LiveNetwork(moves[0], np.random.default_rng(seed))
    sent, arrived = [], []
    for number, settings in enumerate(moves):
        network.change(settings)
        if not network.send(number, 20.0 * number):
            sent.append(number)
        arrivals = network.receive(20.0 * number)
        assert [time for time, _ in arrivals] == sorted(time for time, _ in arrivals)
        arrived += arrivals
    arrived += network.receive(20.0 * len(moves) + 200.0)
    assert sorted(number for _, number in arrived) == sent
    assert all(0 <= time - 20.0 * number <= 200.0 for time, number in arrived)


def test_a_named_network_brings_its_delay_its_losses_and_its_queue(rng: np.random.Generator) -> None:
    network: LiveNetwork[int] = LiveNetwork(NetworkSettings(loss_percent=0.0), rng)
    assert not network.send(0, 0.0, num_bytes=200)
    assert network.receive(0.0) == [(0.0, 0)]
    network.change(PRESETS["congested-uplink"])
    lost = [network.send(number, 20.0 * number, num_bytes=200) for number in range(1, 6_000)]
    # Most of it is what finds the queue full.
    assert 0.02 < np.mean(lost) < 0.12
    arrived = network.receive(1e6)
    late_ms = np.array([time - 20.0 * number for time, number in arrived])
    assert sorted(number for _, number in arrived) == [number for number, gone in enumerate(lost, start=1) if not gone]
    assert late_ms.min() >= 25
    assert late_ms.max() > 150
