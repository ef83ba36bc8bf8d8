"""Networks as data: the losses of a clip are a function of the network, the clip and the seed."""

from pathlib import Path

import numpy as np
import pytest

from dred.channel import burst_lengths, loss_statistics, write_trace
from dred.errors import UsageError
from dred.evaluation.networks import Network

UNIFORM = Network(name="u", model="uniform", loss_percent=20)
MODELS = (
    UNIFORM,
    Network(name="g", model="gilbert-elliott", loss_percent=20, mean_burst=4),
    Network(name="h", model="generative", loss_percent=20),
)


def draw(
    network: Network, clip: str = "a", number: int = 0, size: int = 400, *, seed: int = 1, traces: Path | None = None
) -> np.ndarray:
    return network.draw(clip, number, size, seed=seed, traces=traces)


@pytest.mark.parametrize("network", MODELS, ids=lambda network: network.model)
def test_a_seed_gives_the_same_losses_again(network: Network) -> None:
    assert np.array_equal(draw(network), draw(network))
    assert not np.array_equal(draw(network), draw(network, seed=2))
    assert not np.array_equal(draw(network), draw(network, "b"))


@pytest.mark.parametrize("network", MODELS, ids=lambda network: network.model)
def test_losses_have_the_share_that_was_asked_for(network: Network) -> None:
    lost = np.concatenate([draw(network, str(number), number) for number in range(150)])
    assert loss_statistics(lost).loss_rate == pytest.approx(0.2, abs=0.03)


def test_a_longer_clip_begins_like_a_shorter_one() -> None:
    assert np.array_equal(draw(UNIFORM, size=400)[:100], draw(UNIFORM, size=100))


def test_two_networks_of_one_model_are_independent() -> None:
    other = Network(name="v", model="uniform", loss_percent=20)
    assert not np.array_equal(draw(UNIFORM), draw(other))


def test_no_network_loses_nothing() -> None:
    assert not draw(Network(name="none")).any()


@pytest.mark.parametrize("bursts_ms", [(0, 120), (120, 320), (320, 1000)])
def test_the_longest_burst_lies_within_its_class(bursts_ms: tuple[float, float]) -> None:
    network = Network(name="class", model="generative", loss_percent=20, bursts_ms=bursts_ms)
    for number in range(5):
        longest_ms = 20 * burst_lengths(draw(network, str(number), number)).max()
        assert bursts_ms[0] < longest_ms <= bursts_ms[1]


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    for name, flags in {"one": [1, 0, 0], "two": [0, 1, 1, 1], "three": [0] * 50 + [1] * 50}.items():
        write_trace(tmp_path / f"{name}.txt", np.array(flags, bool))
    return tmp_path


def test_a_clip_takes_the_trace_of_its_own_name_from_the_start(traces: Path) -> None:
    network = Network(name="recorded", model="traces")
    assert draw(network, "one", size=6, traces=traces).tolist() == [True, False, False] * 2
    assert draw(network, "two", size=4, traces=traces).tolist() == [False, True, True, True]


def test_the_traces_of_a_challenge_are_found_by_its_clips(tmp_path: Path) -> None:
    (tmp_path / "train" / "lossy_signals").mkdir(parents=True)
    for name, flags in {"7": [1, 0], "8": [0, 0, 1]}.items():
        write_trace(tmp_path / "train" / "lossy_signals" / f"{name}_is_lost.txt", np.array(flags, bool))
    network = Network(name="challenge", model="traces")
    assert draw(network, "7", size=4, traces=tmp_path).tolist() == [True, False] * 2
    assert draw(network, "8", size=3, traces=tmp_path).tolist() == [False, False, True]


def test_other_clips_take_turns_and_start_anywhere(traces: Path) -> None:
    network = Network(name="recorded", model="traces")
    rates = [float(draw(network, f"clip{n}", n, 1200, traces=traces).mean()) for n in range(3)]
    assert sorted(rates) == pytest.approx([1 / 3, 1 / 2, 3 / 4])
    starts = {tuple(draw(network, f"clip{n}", 1, 100, traces=traces)) for n in range(8)}
    assert len(starts) > 4


def test_a_pattern_picks_traces(traces: Path) -> None:
    network = Network(name="recorded", model="traces", files="th*.txt")
    assert draw(network, "one", size=100, traces=traces).mean() == 0.5


def test_missing_traces_are_told(traces: Path) -> None:
    with pytest.raises(UsageError, match="needs a folder"):
        draw(Network(name="recorded", model="traces"))
    with pytest.raises(UsageError, match=r"no trace x\*"):
        draw(Network(name="recorded", model="traces", files="x*"), traces=traces)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "uniform"},
        {"model": "gilbert-elliott"},
        {"model": "uniform", "loss_percent": 100},
        {"model": "uniform", "loss_percent": -1},
        {"model": "gilbert-elliott", "loss_percent": 80, "mean_burst": 1},
        {"bursts_ms": (100, 100)},
        {"bursts_ms": (-1, 100)},
    ],
    ids=str,
)
def test_impossible_networks_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Network(name="wrong", **settings)
