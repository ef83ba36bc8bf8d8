"""The generative loss model: what it draws, how it is conditioned, how it is trained."""

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

from dred.channel import GilbertElliott, bundled_loss_model, loss_statistics
from dred.channel.fitting import (
    FittingConfig,
    balanced_weights,
    climb,
    fit_gilbert_elliott,
    fit_hidden_markov,
    log_likelihood,
)
from dred.channel.held_out import held_out
from dred.channel.hidden_markov import HiddenMarkov, with_states
from dred.channel.model_file import TrainedModel, read_loss_model, write_loss_model
from dred.errors import FileFormatError, UsageError

THREE_STATES = HiddenMarkov(
    transitions=np.array([[0.97, 0.03, 0.0], [0.1, 0.8, 0.1], [0.0, 0.25, 0.75]]), losses=np.array([0.01, 0.3, 0.95])
)
QUICK = FittingConfig(num_restarts=2, max_steps=200)


def draw(model: HiddenMarkov | GilbertElliott, num_packets: int, seed: int = 1) -> np.ndarray:
    return model.draw(num_packets, np.random.default_rng(seed))


def test_a_seed_gives_the_same_losses_and_a_longer_draw_begins_like_a_shorter_one() -> None:
    assert np.array_equal(draw(THREE_STATES, 300), draw(THREE_STATES, 300))
    assert np.array_equal(draw(THREE_STATES, 300)[:100], draw(THREE_STATES, 100))
    assert not np.array_equal(draw(THREE_STATES, 300), draw(THREE_STATES, 300, seed=2))


def test_draws_have_the_loss_that_the_model_says() -> None:
    assert draw(THREE_STATES, 200_000).mean() == pytest.approx(THREE_STATES.loss, abs=0.01)
    first = [draw(THREE_STATES, 1, seed)[0] for seed in range(4_000)]
    assert np.mean(first) == pytest.approx(THREE_STATES.loss, abs=0.02)


def test_the_stationary_shares_do_not_change_from_packet_to_packet() -> None:
    shares = THREE_STATES.stationary
    assert shares.sum() == pytest.approx(1)
    assert np.allclose(shares @ THREE_STATES.transitions, shares)


def test_two_states_that_lose_nothing_or_everything_are_gilbert_elliott() -> None:
    model = with_states(GilbertElliott(loss=0.2, mean_burst=4.0))
    statistics = loss_statistics(draw(model, 200_000))
    assert model.loss == pytest.approx(0.2)
    assert statistics.loss_rate == pytest.approx(0.2, abs=0.01)
    assert statistics.mean_burst == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("loss", [0.02, 0.1, 0.2, 0.5, 0.9])
def test_a_model_can_be_asked_for_a_loss(loss: float) -> None:
    model = THREE_STATES.at_loss(loss)
    assert model.loss == pytest.approx(loss, abs=1e-6)
    assert draw(model, 200_000).mean() == pytest.approx(loss, abs=0.02)


def test_its_own_loss_changes_nothing() -> None:
    same = THREE_STATES.at_loss(THREE_STATES.loss)
    assert np.allclose(same.transitions, THREE_STATES.transitions, atol=1e-6)
    assert np.allclose(same.losses, THREE_STATES.losses, atol=1e-6)


def test_asking_twice_is_asking_for_the_second() -> None:
    once, twice = THREE_STATES.at_loss(0.3), THREE_STATES.at_loss(0.6).at_loss(0.3)
    assert np.allclose(once.transitions, twice.transitions, atol=1e-5)


def test_conditioning_weighs_every_sequence_by_its_losses_alone() -> None:
    # Of two sequences with as many losses, neither gains; each lost packet more gains the same.
    tilted = THREE_STATES.at_loss(0.4)
    gains: dict[int, list[float]] = {}
    for flags in product([False, True], repeat=3):
        # Quiet ends, so that the state there does not depend on what is between.
        whole = np.array([*[False] * 60, *flags, *[False] * 60])
        gain = log_likelihood(tilted, [whole]) - log_likelihood(THREE_STATES, [whole])
        gains.setdefault(sum(flags), []).append(len(whole) * gain)
    means = [np.mean(gains[count]) for count in range(4)]
    assert all(gains[count] == pytest.approx([means[count]] * len(gains[count]), abs=0.01) for count in range(4))
    assert np.diff(means) == pytest.approx([means[1] - means[0]] * 3, abs=0.01)
    assert means[1] > means[0]


def test_a_loss_out_of_reach_is_refused() -> None:
    with pytest.raises(UsageError, match="can have a loss"):
        HiddenMarkov(transitions=np.full((1, 1), 1.0), losses=np.array([0.5])).at_loss(1.5)
    one_way = HiddenMarkov(transitions=np.array([[0.0, 1.0], [1.0, 0.0]]), losses=np.array([0.0, 1.0]))
    with pytest.raises(UsageError, match=r"0\.5 to 0\.5"):
        one_way.at_loss(0.2)


@pytest.mark.parametrize(
    ("transitions", "losses"),
    [
        ([[1.0]], [1.1]),
        ([[1.0]], [float("nan")]),
        ([[0.9]], [0.5]),
        ([[1.0, 0.0], [0.5, 0.5]], [0.0, 1.0]),
        ([[1.5, -0.5], [0.5, 0.5]], [0.0, 1.0]),
    ],
)
def test_impossible_models_are_refused(transitions: list[list[float]], losses: list[float]) -> None:
    with pytest.raises(UsageError):
        HiddenMarkov(transitions=np.array(transitions), losses=np.array(losses))


def test_the_likelihood_is_that_of_adding_up_all_ways_through_the_states() -> None:
    flags = [True, False, True, True]
    model = THREE_STATES
    total = 0.0
    for states in product(range(3), repeat=4):
        chance = model.stationary[states[0]]
        for now, then in pairwise(states):
            chance *= model.transitions[now, then]
        for state, is_lost in zip(states, flags):
            chance *= model.losses[state] if is_lost else 1 - model.losses[state]
        total += chance
    assert log_likelihood(model, [np.array(flags)]) == pytest.approx(np.log(total) / 4)


def test_training_never_goes_downhill() -> None:
    start = HiddenMarkov(transitions=np.array([[0.6, 0.4], [0.3, 0.7]]), losses=np.array([0.2, 0.6]))
    ratings, trained = climb([draw(THREE_STATES, 1_000)], start, QUICK)
    assert len(ratings) > 10
    assert np.diff(ratings).min() > -1e-9
    assert trained.loss == pytest.approx(draw(THREE_STATES, 1_000).mean(), abs=0.02)


def test_training_finds_the_model_that_drew_the_losses() -> None:
    truth = with_states(GilbertElliott(loss=0.2, mean_burst=4.0))
    traces = [draw(truth, 10_000, seed) for seed in range(2)]
    found = fit_hidden_markov(traces, 2, QUICK)
    good, bad = np.argsort(found.losses)
    assert found.losses[[good, bad]] == pytest.approx([0, 1], abs=0.02)
    assert 1 / found.transitions[bad, good] == pytest.approx(4, rel=0.1)
    other = draw(truth, 10_000, 9)
    assert log_likelihood(found, [other]) == pytest.approx(log_likelihood(truth, [other]), abs=2e-3)


def test_gilbert_elliott_is_trained_by_counting() -> None:
    found = fit_gilbert_elliott([draw(GilbertElliott(loss=0.3, mean_burst=6.0), 100_000)])
    assert (found.loss, found.mean_burst) == (pytest.approx(0.3, rel=0.05), pytest.approx(6, rel=0.05))
    with pytest.raises(UsageError, match="begin and end"):
        fit_gilbert_elliott([np.zeros(10, bool)])


def test_long_traces_count_as_much_as_the_median_one() -> None:
    sizes = [100, 200, 2_000]
    assert balanced_weights([np.zeros(size, bool) for size in sizes]).tolist() == [1, 1, 0.1]
    for traces in ([], [np.zeros(0, bool)]):
        with pytest.raises(UsageError):
            balanced_weights(traces)


def test_held_out_packets_tell_one_state_from_two() -> None:
    found = held_out([draw(with_states(GilbertElliott(loss=0.3, mean_burst=5.0)), 600, n) for n in range(3)], 3, QUICK)
    assert found.best_states >= 2


@pytest.mark.parametrize("max_states", [-1, 0, 65])
def test_an_impossible_number_of_states_is_refused(max_states: int) -> None:
    with pytest.raises(UsageError, match="must be 1 to 64"):
        held_out([draw(THREE_STATES, 100)], max_states, QUICK)


def test_a_packet_alone_between_bursts_is_the_least_that_gilbert_elliott_can_receive() -> None:
    for burst in (4, 5, 11):
        found = fit_gilbert_elliott([np.array(([False] + [True] * burst) * 3 + [False])])
        assert found.mean_burst == pytest.approx(burst)
        assert with_states(found).transitions[0] == pytest.approx([0, 1])
        again = GilbertElliott(loss=burst / (burst + 1), mean_burst=float(burst))
        assert draw(again, 20_000).mean() == pytest.approx(again.loss, abs=0.01)
    with pytest.raises(UsageError, match="at least 4 packets"):
        GilbertElliott(loss=0.8, mean_burst=3.999)


def test_a_file_gives_back_the_model(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    write_loss_model(path, TrainedModel(model=THREE_STATES, trained_on="x", command="y", log_likelihoods={"z": -0.5}))
    found = read_loss_model(path)
    assert np.array_equal(found.model.transitions, THREE_STATES.transitions)
    assert np.array_equal(found.model.losses, THREE_STATES.losses)
    assert (found.trained_on, found.command, found.log_likelihoods) == ("x", "y", {"z": -0.5})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": "dred-loss-model/1"}',
        '{"format": "dred-loss-model/1", "states": []}',
        '{"format": "dred-loss-model/1", "states": [{"loss": 2, "next": [1]}]}',
        "[" * 100_000,
    ],
    ids=range(8),
)
def test_a_broken_file_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(FileFormatError):
        read_loss_model(tmp_path / "model.json")


def test_every_truncation_of_a_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    write_loss_model(path, TrainedModel(model=THREE_STATES, trained_on="x", command="y", log_likelihoods={}))
    data = path.read_bytes().rstrip()
    for size in range(0, len(data), 7):
        path.write_bytes(data[:size])
        with pytest.raises(FileFormatError):
            read_loss_model(path)


@pytest.mark.parametrize("loss", [0.05, 0.2, 0.4])
def test_the_built_in_model_can_be_asked_for_a_loss(loss: float) -> None:
    assert bundled_loss_model().at_loss(loss).loss == pytest.approx(loss, abs=1e-6)


def test_the_built_in_model_loses_in_bursts_as_real_networks_do() -> None:
    bursty = loss_statistics(draw(bundled_loss_model().at_loss(0.2), 50_000))
    assert bursty.mean_burst > 1.5 / 0.8
    assert bursty.longest_burst > 10
