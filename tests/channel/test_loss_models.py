import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.channel import (
    GilbertElliott,
    LossModel,
    Trace,
    Uniform,
    burst_lengths,
    gilbert_elliott_losses,
    loss_statistics,
    uniform_losses,
)
from dred.errors import UsageError

MODELS = [
    Uniform(loss=0.3),
    GilbertElliott(loss=0.2, mean_burst=4.0),
    Trace(lost=np.array([True, False, False]), start=1),
]


@pytest.mark.parametrize("loss", [0.0, 0.02, 0.3, 0.9, 1.0])
def test_uniform_losses_have_the_loss_rate_and_the_bursts_of_independent_packets(loss: float) -> None:
    num_packets = 100_000
    statistics = loss_statistics(uniform_losses(num_packets, loss, np.random.default_rng(3)))
    # Four standard deviations of a binomial count.
    assert statistics.loss_rate == pytest.approx(loss, abs=4 * math.sqrt(loss * (1 - loss) / num_packets))
    if 0 < loss < 1:
        assert statistics.mean_burst == pytest.approx(1 / (1 - loss), rel=0.05)


@pytest.mark.parametrize(("loss", "mean_burst"), [(0.05, 1.0), (0.2, 3.0), (0.3, 12.0), (0.5, 1.0), (0.75, 3.0)])
def test_gilbert_elliott_losses_have_the_loss_rate_and_mean_burst_asked_for(loss: float, mean_burst: float) -> None:
    statistics = loss_statistics(gilbert_elliott_losses(300_000, loss, mean_burst, np.random.default_rng(4)))
    assert statistics.loss_rate == pytest.approx(loss, rel=0.05)
    assert statistics.mean_burst == pytest.approx(mean_burst, rel=0.05)


def test_a_gilbert_elliott_stream_starts_as_bad_as_it_is_in_the_long_run() -> None:
    rng = np.random.default_rng(5)
    first = [gilbert_elliott_losses(1, 0.3, 20.0, rng)[0] for _ in range(4000)]
    assert np.mean(first) == pytest.approx(0.3, abs=0.03)


def test_no_loss_means_no_loss() -> None:
    assert not gilbert_elliott_losses(1000, 0.0, 5.0, np.random.default_rng(6)).any()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@given(num_packets=st.integers(0, 300), shorter=st.integers(0, 300), seed=st.integers(0, 2**32))
def test_a_longer_draw_begins_like_a_shorter_one(model: LossModel, num_packets: int, shorter: int, seed: int) -> None:
    shorter = min(shorter, num_packets)
    long = model.draw(num_packets, np.random.default_rng(seed))
    short = model.draw(shorter, np.random.default_rng(seed))
    assert long.shape == (num_packets,)
    np.testing.assert_array_equal(long[:shorter], short)


def test_a_seed_gives_the_same_losses_on_every_machine() -> None:
    rng = np.random.Generator(np.random.PCG64(20))
    packets = "".join(str(int(lost)) for lost in gilbert_elliott_losses(40, 0.3, 3.0, rng))
    assert packets == "1100010000000100010111100000010000000000"
    packets = "".join(str(int(lost)) for lost in uniform_losses(40, 0.3, np.random.Generator(np.random.PCG64(20))))
    assert packets == "1010011000010110010100010001011010000101"


def test_a_trace_starts_where_told_and_repeats() -> None:
    lost = np.array([True, False, False, True])
    rng = np.random.default_rng(7)
    assert Trace(lost=lost).draw(6, rng).tolist() == [True, False, False, True, True, False]
    assert Trace(lost=lost, start=2).draw(3, rng).tolist() == [False, True, True]
    assert rng.random() == np.random.default_rng(7).random()


@pytest.mark.parametrize(
    ("loss", "mean_burst", "rule"),
    [
        (-0.1, 2.0, "0 to below 1"),
        (1.0, 2.0, "0 to below 1"),
        (math.nan, 2.0, "0 to below 1"),
        (0.1, 0.9, "at least 1 packets"),
        (0.8, 3.9, "at least 4 packets"),
        (0.1, math.nan, "at least 1 packets"),
        (0.1, math.inf, "at least 1 packets"),
    ],
)
def test_an_impossible_gilbert_elliott_model_is_refused_with_the_allowed_range(
    loss: float, mean_burst: float, rule: str
) -> None:
    with pytest.raises(UsageError, match=rule):
        GilbertElliott(loss=loss, mean_burst=mean_burst)


def test_other_impossible_models_are_refused_with_the_allowed_range() -> None:
    for loss in (-0.1, 1.1, math.nan):
        with pytest.raises(UsageError, match="0-1"):
            Uniform(loss=loss)
    for start in (-1, 3):
        with pytest.raises(UsageError, match="3 packets"):
            Trace(lost=np.zeros(3, bool), start=start)
    with pytest.raises(UsageError, match="0 packets"):
        Trace(lost=np.zeros(0, bool))
    with pytest.raises(UsageError, match="at least 0"):
        Uniform(loss=0.1).draw(-1, np.random.default_rng(8))


@given(st.lists(st.booleans()))
def test_bursts_are_the_runs_of_lost_packets(losses: list[bool]) -> None:
    expected = [len(run) for run in "".join("1" if lost else "0" for lost in losses).split("0") if run]
    lost = np.array(losses, bool)
    assert burst_lengths(lost).tolist() == expected
    statistics = loss_statistics(lost)
    assert statistics.num_packets == len(losses)
    assert statistics.num_lost == sum(losses)
    assert statistics.longest_burst == max(expected, default=0)
    assert statistics.mean_burst == (np.mean(expected) if expected else 0)
    assert statistics.loss_rate == (np.mean(losses) if losses else 0)
