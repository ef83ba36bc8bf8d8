"""One recording through every scheme: what is sent, what is lost, what is heard."""

from pathlib import Path

import numpy as np
import pytest
from small_simulation import LOSS, SECONDS, short_clip, small_simulation

from dred.audio import Audio, resample
from dred.channel import write_trace
from dred.errors import UsageError
from dred.evaluation.losses import LossConfig
from dred.evaluation.schemes import SCHEME_NAMES
from dred.evaluation.simulate import SchemeResult, Simulation, SimulationConfig, simulate
from dred.receiver import Source
from dred.sender import DredConfig
from dred.weights import WeightSet, load

NAMES = list(SCHEME_NAMES)
PACKET_SAMPLES = 320
DELAY_SAMPLES = 104


@pytest.fixture(scope="module")
def simulation(installed_weights: Path) -> Simulation:
    return small_simulation(installed_weights)


@pytest.fixture(scope="module")
def weights(installed_weights: Path) -> WeightSet:
    return load(directory=installed_weights)


def by_name(simulation: Simulation) -> dict[str, SchemeResult]:
    return {result.scheme.name: result for result in simulation.results}


def best_shift(reference: np.ndarray, heard: np.ndarray, reach: int = 150) -> int:
    """The shift of heard against reference, in samples, at which they agree best."""
    core = reference[reach:-reach]
    products = [core @ heard[reach + shift : reach + shift + len(core)] for shift in range(-reach, reach)]
    return int(np.argmax(products)) - reach


def test_the_schemes_are_those_of_the_mission_in_their_order(simulation: Simulation) -> None:
    assert NAMES == ["clean", "zero", "plc", "neural-plc", "red", "lbrr", "dred", "dred+lbrr"]
    assert [result.scheme.name for result in simulation.results] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_speech_is_as_long_as_the_input_and_aligned_with_it(simulation: Simulation, name: str) -> None:
    heard = by_name(simulation)[name].samples
    assert heard.shape == simulation.audio.samples.shape
    assert abs(best_shift(simulation.audio.samples[:, 0], heard[:, 0])) <= 1


def test_all_lossy_schemes_meet_the_same_losses_and_clean_none(simulation: Simulation) -> None:
    results = by_name(simulation)
    assert results["clean"].num_lost == 0
    assert set(results["clean"].sources) == {Source.RECEIVED}
    losses = LOSS.draw(len(results["zero"].sources))
    assert losses.any()
    for name in NAMES[1:]:
        np.testing.assert_array_equal(results[name].lost, losses)
        replaced = np.array([source is not Source.RECEIVED for source in results[name].sources])
        np.testing.assert_array_equal(replaced, losses)


@pytest.mark.parametrize(
    ("name", "mechanisms"),
    [
        ("zero", {Source.SILENCE}),
        ("plc", set()),
        ("neural-plc", set()),
        ("red", {Source.RED}),
        ("lbrr", {Source.LBRR}),
        ("dred", {Source.DRED}),
        ("dred+lbrr", {Source.LBRR, Source.DRED}),
    ],
)
def test_each_scheme_repairs_by_its_own_means_and_guesses_the_rest(
    simulation: Simulation, name: str, mechanisms: set[Source]
) -> None:
    result = by_name(simulation)[name]
    assert {source for source, count in result.repairs.items() if count} - {Source.PLC} == mechanisms
    assert sum(result.repairs.values()) == result.num_lost


def test_deep_redundancy_leaves_little_to_guess(simulation: Simulation) -> None:
    results = by_name(simulation)
    assert results["lbrr"].repairs[Source.PLC] > 0.4 * results["lbrr"].num_lost
    assert results["dred"].repairs[Source.PLC] < 0.2 * results["dred"].num_lost


def test_one_red_copy_repairs_exactly_the_last_packet_of_each_gap(simulation: Simulation) -> None:
    result = by_name(simulation)["red"]
    ends = result.lost & ~np.append(result.lost[1:], True)
    copied = np.array([source is Source.RED for source in result.sources])
    np.testing.assert_array_equal(copied, ends)


def test_zero_is_silent_in_gaps_and_as_clean_before_the_first(simulation: Simulation) -> None:
    results = by_name(simulation)
    zero, clean = results["zero"].samples, results["clean"].samples
    start = int(np.argmax(results["zero"].lost)) * PACKET_SAMPLES - DELAY_SAMPLES
    assert not zero[start : start + PACKET_SAMPLES].any()
    np.testing.assert_array_equal(zero[:start], clean[:start])
    assert clean[start : start + PACKET_SAMPLES].any()


def test_rates_count_each_part_where_it_is_sent(simulation: Simulation) -> None:
    rates = {name: result.rates for name, result in by_name(simulation).items()}
    clean = rates["clean"]
    assert clean.main == pytest.approx(24, rel=0.15)
    assert (clean.lbrr, clean.red, clean.dred) == (0, 0, 0)
    # A copy of each packet, four bytes for its header and one for the primary's.
    assert rates["red"].red == pytest.approx(clean.main + 2, rel=0.02)
    assert rates["dred"].main == clean.main
    assert 15 < rates["dred"].dred < 30
    assert rates["lbrr"].main + rates["lbrr"].lbrr == pytest.approx(40, rel=0.15)
    assert 5 < rates["lbrr"].lbrr < 16
    # At most the guard's byte in a packet differs: it depends on the frame before it. That is 0.4 kb/s.
    assert rates["dred+lbrr"].total == pytest.approx(rates["lbrr"].total + rates["dred"].dred, abs=0.4)


def test_deep_redundancy_reaches_back_a_second_once_it_has_one(simulation: Simulation) -> None:
    coverage = by_name(simulation)["dred"].coverage
    assert coverage is not None
    assert 980 <= coverage.max_ms <= 1040
    assert 0.5 * coverage.max_ms < coverage.mean_ms < coverage.max_ms
    assert by_name(simulation)["lbrr"].coverage is None


def test_a_gap_beyond_the_redundancy_is_spoken_where_it_is_covered_and_guessed_before(
    weights: WeightSet, tmp_path: Path
) -> None:
    lost = np.zeros(200, bool)
    lost[60:75] = True
    write_trace(tmp_path / "gap.txt", lost)
    config = SimulationConfig(
        loss=LossConfig(trace=tmp_path / "gap.txt"), dred=DredConfig(duration_ms=120), schemes=("dred",)
    )
    (result,) = simulate(short_clip(), config, weights=weights).results
    gap = result.sources[60:75]
    num_spoken = gap.count(Source.DRED)
    assert 5 <= num_spoken <= 8
    assert gap == (Source.PLC,) * (15 - num_spoken) + (Source.DRED,) * num_spoken
    assert result.coverage is not None
    # In a pause of the speaker, redundancy tells of the speech before it, so that it may reach further back.
    assert result.coverage.mean_ms == pytest.approx(140, abs=40)


def test_a_network_that_loses_everything_is_survived(weights: WeightSet, tmp_path: Path) -> None:
    write_trace(tmp_path / "dead.txt", np.ones(1, bool))
    config = SimulationConfig(loss=LossConfig(trace=tmp_path / "dead.txt"), schemes=("zero", "plc", "dred"))
    simulation = simulate(short_clip(), config, weights=weights)
    assert simulation.network.loss_rate == 1
    for result in simulation.results:
        assert Source.RECEIVED not in result.sources
        assert not result.samples.any()


@pytest.mark.parametrize(("rate_hz", "channels"), [(44_100, 2), (8_000, 1)])
def test_rate_and_channels_are_those_of_the_input(weights: WeightSet, rate_hz: int, channels: int) -> None:
    mono = resample(short_clip().samples[:16_001], from_hz=16_000, to_hz=rate_hz)
    audio = Audio(samples=np.repeat(mono, channels, axis=1), rate_hz=rate_hz)
    config = SimulationConfig(loss=LOSS, schemes=("clean", "dred"))
    for result in simulate(audio, config, weights=weights).results:
        assert result.samples.shape == audio.samples.shape
        # libopus rounds its delay to its own inner rate.
        assert abs(best_shift(mono[:, 0], result.samples[:, 0])) <= 0.0002 * rate_hz


def test_progress_rises_to_one(weights: WeightSet) -> None:
    shares: list[float] = []
    simulate(short_clip(), SimulationConfig(schemes=("clean", "zero")), weights=weights, report=shares.append)
    assert shares == [0, 0.5, 1]


@pytest.mark.parametrize(
    "settings",
    [
        {"schemes": ()},
        {"schemes": ("dred", "magic")},
        {"num_red_copies": 0},
        {"num_red_copies": 10},
        {"bitrate_bps": 5_999},
        {"bitrate_bps": 300_001},
    ],
    ids=str,
)
def test_impossible_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        SimulationConfig(**settings)


def test_more_than_two_channels_are_refused(weights: WeightSet) -> None:
    audio = Audio(samples=np.zeros((16_000, 3), np.float32), rate_hz=16_000)
    with pytest.raises(UsageError, match="channels must be 1 to 2, got 3"):
        simulate(audio, weights=weights)


def test_the_clip_is_long_enough_for_what_these_tests_count(simulation: Simulation) -> None:
    assert len(simulation.results[0].sources) == round(SECONDS * 50) + 1
