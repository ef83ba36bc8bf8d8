"""Are a model's losses like recorded ones? Distributions of both, and how far apart they are.

Each model draws as many packets as each trace has, again and again:

| model           | what it is told about the traces  |
|-----------------|-----------------------------------|
| hidden Markov   | their loss                        |
| Gilbert-Elliott | their loss and their mean burst   |
| uniform         | their loss                        |

The traces count as in training (`balanced_weights`), and so do their losses. A distance means little by itself: a few
recorded bursts differ from any model. So each comes with the distance that draws of the same size have by chance, if
the model were true.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from dred.channel.distributions import (
    Distribution,
    autocorrelation,
    gap_lengths,
    kolmogorov_smirnov,
    pool,
    window_losses,
)
from dred.channel.fitting import balanced_weights, fit_gilbert_elliott
from dred.channel.hidden_markov import HiddenMarkov
from dred.channel.models import LossModel, Uniform, burst_lengths
from dred.errors import UsageError
from dred.timebase import DOUBLE_FRAME_MS

__all__ = ["Comparison", "Distance", "Look", "compare"]

Losses = Bool[np.ndarray, " _"]

# One second each. Our choice.
_WINDOW = 1000 // DOUBLE_FRAME_MS
_MAX_LAG = 1000 // DOUBLE_FRAME_MS
_CHANCE = 0.95
# For traces that hold too little to tell how bursts end.
_GILBERT_ELLIOTT_PRIOR = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """What losses look like.

    Attributes:
        bursts: Lengths of runs of lost packets.
        gaps: Lengths of runs of received packets.
        windows: Share of lost packets in each window of a second, 0-1.
        correlation: Of a packet's fate with that of 1, 2, ... packets later.
    """

    bursts: Distribution
    gaps: Distribution
    windows: Distribution
    correlation: Float64[np.ndarray, " lags"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """The largest difference of two distribution functions (Kolmogorov-Smirnov), 0-1.

    Attributes:
        value: Between the data and the model.
        by_chance: What 95 % of draws as long as the data stay below.
    """

    value: float
    by_chance: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Data, and models beside them.

    Attributes:
        data: The traces.
        models: What each model draws, by its name.
        distances: Of each model from the data: of bursts, gaps and windows.
    """

    data: Look
    models: dict[str, Look]
    distances: dict[str, dict[str, Distance]]


def compare(
    traces: Sequence[Losses],
    model: HiddenMarkov,
    rng: np.random.Generator,
    *,
    num_draws: int = 100,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Comparison:
    """Compare a model, Gilbert-Elliott and uniform losses with traces.

    Args:
        traces: Each of at least 2 packets; lost ones and received ones among them all.
        model: Is conditioned on the loss of the traces.
        rng: Of the draws.
        num_draws: How often each trace is drawn, at least 1.
        on_progress: Told the share that is done.

    Raises:
        UsageError: The traces are too short or lack lost or received packets, or the model cannot have their loss.
    """
    if num_draws < 1:
        raise UsageError(f"num_draws must be at least 1, got {num_draws}")
    if not any(lost.any() for lost in traces) or all(lost.all() for lost in traces):
        raise UsageError("a comparison needs traces with lost packets and with received ones")
    if min(len(lost) for lost in traces) < 2:
        raise UsageError("each trace needs at least 2 packets")
    balance = balanced_weights(traces)
    sizes = balance * [len(lost) for lost in traces]
    loss = float(sizes @ [lost.mean() for lost in traces] / sizes.sum())
    rivals: dict[str, LossModel] = {
        "hidden Markov": model.at_loss(loss),
        "Gilbert-Elliott": fit_gilbert_elliott(traces, prior=_GILBERT_ELLIOTT_PRIOR),
        "uniform": Uniform(loss=loss),
    }
    weights: list[float] = balance.tolist()
    max_lag = min(_MAX_LAG, min(len(lost) for lost in traces) - 1)
    data = _look(traces, weights, max_lag)
    looks, distances = {}, {}
    for place, (name, rival) in enumerate(rivals.items()):
        draws: list[list[Losses]] = []
        for number in range(num_draws):
            draws.append([rival.draw(len(lost), rng) for lost in traces])
            on_progress((place + (number + 1) / num_draws) / len(rivals))
        looks[name] = _look([lost for draw in draws for lost in draw], weights * num_draws, max_lag)
        distances[name] = _distances(data, looks[name], draws, weights)
    return Comparison(data=data, models=looks, distances=distances)


def _look(traces: Sequence[Losses], weights: Sequence[float], max_lag: int) -> Look:
    sizes = np.array([weight * len(lost) for weight, lost in zip(weights, traces)])
    correlations = np.stack([autocorrelation(lost, max_lag) for lost in traces])
    return Look(
        bursts=pool([burst_lengths(lost) for lost in traces], weights),
        gaps=pool([gap_lengths(lost) for lost in traces], weights),
        windows=pool([_windows(lost) for lost in traces], weights),
        correlation=sizes @ correlations / sizes.sum(),
    )


def _windows(lost: Losses) -> Float64[np.ndarray, " windows"]:
    return window_losses(lost, min(_WINDOW, len(lost)))


def _distances(
    data: Look, look: Look, draws: Sequence[Sequence[Losses]], weights: Sequence[float]
) -> dict[str, Distance]:
    found = {}
    for aspect, measure in (("bursts", burst_lengths), ("gaps", gap_lengths), ("windows", _windows)):
        whole = getattr(look, aspect)
        parts = [[measure(lost) for lost in draw] for draw in draws]
        # A draw of a few packets may lack losses.
        chances = [kolmogorov_smirnov(pool(part, weights), whole) for part in parts if sum(map(len, part))]
        found[aspect] = Distance(
            value=kolmogorov_smirnov(getattr(data, aspect), whole), by_chance=float(np.quantile(chances, _CHANCE))
        )
    return found
