"""Training of hidden Markov models on loss traces: traces enter, the model of the greatest likelihood leaves.

    traces -> weights -> 1 state -> split one, or begin anew -> ... -> K states
                                 Baum-Welch each time

Baum-Welch climbs to the next hilltop only. So each number of states starts from several places: the model with one
state less, with each of its states split in turn, and seeded random ones. The best of them after some steps climb on.

A prior (Dirichlet for transitions, Beta for losses) acts like a few packets seen beforehand on each way: nothing
becomes impossible because a few minutes did not show it. No trace counts more than the median one, so that one long
recording does not outvote many short ones.

Source: L. R. Rabiner, "A Tutorial on Hidden Markov Models", 1989; the priors: J.-L. Gauvain, C.-H. Lee, "Maximum a
Posteriori Estimation for Multivariate Gaussian Mixture Observations of Markov Chains", 1994.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from dred.channel.fitting_kernel import expect
from dred.channel.hidden_markov import MAX_STATES, HiddenMarkov
from dred.channel.models import GilbertElliott
from dred.errors import UsageError

__all__ = [
    "FittingConfig",
    "balanced_weights",
    "climb",
    "fit_gilbert_elliott",
    "fit_hidden_markov",
    "grow",
    "log_likelihood",
]

Losses = Bool[np.ndarray, " _"]
Weights = Float64[np.ndarray, " traces"]

# How far candidates climb before the best go on, and how many go on. Our choice.
_TRIAL_STEPS = 60
_NUM_FINALISTS = 3
# A random beginning stays in each state for some time; a split state's halves differ by so much.
_STAYING = 0.5
_SPLIT = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class FittingConfig:
    """How a model is trained.

    Attributes:
        prior: Packets seen beforehand on each transition, and of each kind in each state; at least 0.
        num_restarts: Random beginnings for each number of states, at least 1.
        max_steps: Steps of Baum-Welch at most, at least 1.
        tolerance: Climbing ends when a step gains less log-likelihood per packet.
        seed: Of the random beginnings.
    """

    prior: float = 0.05
    num_restarts: int = 8
    max_steps: int = 1000
    tolerance: float = 1e-7
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.prior < float("inf"):
            raise UsageError(f"prior must be finite and at least 0, got {self.prior}")
        for name in ("num_restarts", "max_steps"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.tolerance > 0:
            raise UsageError(f"tolerance must be above 0, got {self.tolerance}")
        if self.seed < 0:
            raise UsageError(f"seed must be at least 0, got {self.seed}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stage:
    """A model under training: its parameters, and the chance of each state where a trace begins."""

    starts: Float64[np.ndarray, " states"]
    transitions: Float64[np.ndarray, "states states"]
    losses: Float64[np.ndarray, " states"]


class _Climber:
    """Baum-Welch on given traces."""

    def __init__(self, traces: Sequence[Losses], weights: Weights, config: FittingConfig) -> None:
        self._lost = np.concatenate(traces).astype(np.uint8)
        self._ends = np.cumsum([len(trace) for trace in traces])
        self._weights = weights
        self._config = config
        self._num_packets = float(weights @ np.array([len(trace) for trace in traces]))

    def step(self, stage: _Stage) -> tuple[float, _Stage]:
        """Rate a stage, prior included, and make a better one."""
        num_states = len(stage.losses)
        starts = np.empty(num_states)
        ways = np.empty((num_states, num_states))
        counts = np.empty((2, num_states))
        likelihood = expect(
            self._lost,
            self._ends,
            self._weights,
            stage.starts,
            stage.transitions,
            stage.losses,
            starts,
            ways,
            counts,
        )
        prior = self._config.prior
        if prior:
            likelihood += prior * (
                np.log(stage.starts).sum()
                + np.log(stage.transitions).sum()
                + np.log(stage.losses).sum()
                + np.log1p(-stage.losses).sum()
            )
        better = _Stage(
            starts=_shares(starts + prior, stage.starts),
            transitions=np.stack([_shares(row + prior, old) for row, old in zip(ways, stage.transitions)]),
            losses=_shares(counts.T + prior, np.stack([1 - stage.losses, stage.losses], axis=1))[:, 1],
        )
        return float(likelihood), better

    def climb(self, stage: _Stage, max_steps: int) -> tuple[list[float], _Stage]:
        """Take steps until they gain nothing; return the rating of each stage on the way, and the last one rated."""
        ratings: list[float] = []
        for _ in range(max_steps):
            rating, better = self.step(stage)
            ratings.append(rating)
            if len(ratings) > 1 and rating - ratings[-2] < self._config.tolerance * self._num_packets:
                break
            stage = better
        return ratings, stage


def balanced_weights(traces: Sequence[Losses]) -> Weights:
    """Weigh traces so that none counts more than the median one: 1, or median length / length.

    Raises:
        UsageError: There is no trace, or an empty one.
    """
    lengths = np.array([len(trace) for trace in traces], np.float64)
    if not len(lengths) or not lengths.min():
        raise UsageError("training needs at least one trace, and each needs at least one packet")
    return np.minimum(1.0, np.median(lengths) / lengths)


def grow(traces: Sequence[Losses], weights: Weights, max_states: int, config: FittingConfig) -> Iterator[HiddenMarkov]:
    """Train models of 1, 2, ... states, each grown from the one before.

    Raises:
        UsageError: There is no trace, or `max_states` is out of range.
    """
    if not 1 <= max_states <= MAX_STATES:
        raise UsageError(f"the number of states must be 1 to {MAX_STATES}, got {max_states}")
    balanced_weights(traces)
    rng = np.random.default_rng(config.seed)
    climber = _Climber(traces, weights, config)
    # One state is as good as the share of losses, whatever it begins with.
    best = _Stage(starts=np.ones(1), transitions=np.ones((1, 1)), losses=np.array([0.5]))
    best = climber.climb(best, config.max_steps)[1]
    yield _model(best)
    for num_states in range(2, max_states + 1):
        candidates = [_split(best, state, rng) for state in range(num_states - 1)]
        candidates += [_random(num_states, rng) for _ in range(config.num_restarts)]
        tried = [climber.climb(stage, min(_TRIAL_STEPS, config.max_steps)) for stage in candidates]
        tried.sort(key=lambda trial: trial[0][-1], reverse=True)
        finished = [climber.climb(stage, config.max_steps) for _, stage in tried[:_NUM_FINALISTS]]
        best = max(finished, key=lambda trial: trial[0][-1])[1]
        yield _model(best)


def fit_hidden_markov(
    traces: Sequence[Losses],
    num_states: int,
    config: FittingConfig | None = None,
    *,
    weights: Weights | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> HiddenMarkov:
    """Train a model with so many states, 1 to 64.

    Args:
        traces: At least one; True = lost.
        num_states: Of the model.
        config: How.
        weights: How much each trace counts; by default `balanced_weights`.
        on_progress: Told the share that is done.

    Raises:
        UsageError: There is no trace, an empty one, or the number of states is out of range.
    """
    weights = balanced_weights(traces) if weights is None else weights
    for number, model in enumerate(grow(traces, weights, num_states, config or FittingConfig()), start=1):
        # Work grows with the square of the states and with the number of splits.
        on_progress((number / num_states) ** 3)
        largest = model
    return largest


def climb(traces: Sequence[Losses], start: HiddenMarkov, config: FittingConfig) -> tuple[list[float], HiddenMarkov]:
    """Train on from a model, every trace counting the same; return the rating of each step, which never falls.

    The rating is the log-likelihood and the prior's logarithm together.
    """
    stage = _Stage(starts=start.stationary, transitions=start.transitions, losses=start.losses)
    ratings, stage = _Climber(traces, np.ones(len(traces)), config).climb(stage, config.max_steps)
    return ratings, _model(stage)


def fit_gilbert_elliott(
    traces: Sequence[Losses], *, weights: Weights | None = None, prior: float = 0.0
) -> GilbertElliott:
    """Train a Gilbert-Elliott model: how often a loss follows on a packet that arrived, and on one that did not.

    Args:
        traces: At least one; True = lost.
        weights: How much each trace counts; by default `balanced_weights`.
        prior: Packets seen beforehand on each of the four ways.

    Raises:
        UsageError: The traces lack losses, or received packets, to learn from.
    """
    weights = balanced_weights(traces) if weights is None else weights
    counts = np.full((2, 2), prior)
    for trace, weight in zip(traces, weights):
        np.add.at(counts, (trace[:-1].astype(np.intp), trace[1:].astype(np.intp)), weight)
    if not (counts[0, 1] and counts[1, 0]):
        raise UsageError("a Gilbert-Elliott model needs traces with losses that begin and end")
    leave_good, leave_bad = counts[0, 1] / counts[0].sum(), counts[1, 0] / counts[1].sum()
    return GilbertElliott(loss=float(leave_good / (leave_good + leave_bad)), mean_burst=float(1 / leave_bad))


def log_likelihood(model: HiddenMarkov, traces: Sequence[Losses], *, weights: Weights | None = None) -> float:
    """Tell how well a model foresees traces: natural logarithm of their probability per packet, at most 0.

    Args:
        model: Starts each trace in its stationary distribution.
        traces: At least one packet in all.
        weights: How much each trace counts; by default all the same.
    """
    weights = np.ones(len(traces)) if weights is None else weights
    num_states = len(model.losses)
    total = expect(
        np.concatenate(traces).astype(np.uint8),
        np.cumsum([len(trace) for trace in traces]),
        weights,
        model.stationary,
        model.transitions,
        model.losses,
        np.empty(num_states),
        np.empty((num_states, num_states)),
        np.empty((2, num_states)),
    )
    return float(total / (weights @ np.array([len(trace) for trace in traces])))


def _shares(
    counts: Float64[np.ndarray, "*rows n"], otherwise: Float64[np.ndarray, "*rows n"]
) -> Float64[np.ndarray, "*rows n"]:
    """Turn counts into shares; where nothing was counted, what was believed before."""
    totals = counts.sum(-1, keepdims=True)
    return np.where(totals > 0, counts / np.where(totals > 0, totals, 1.0), otherwise)


def _model(stage: _Stage) -> HiddenMarkov:
    return HiddenMarkov(transitions=stage.transitions, losses=stage.losses)


def _random(num_states: int, rng: np.random.Generator) -> _Stage:
    moves = rng.dirichlet(np.ones(num_states), num_states)
    return _Stage(
        starts=np.full(num_states, 1 / num_states),
        transitions=_STAYING * np.eye(num_states) + (1 - _STAYING) * moves,
        losses=rng.uniform(0.01, 0.99, num_states),
    )


def _split(stage: _Stage, state: int, rng: np.random.Generator) -> _Stage:
    """Give a state a twin that behaves almost like it."""
    order = [*range(len(stage.losses)), state]
    transitions = stage.transitions[np.ix_(order, order)] * np.exp(_SPLIT * rng.normal(size=(len(order), len(order))))
    losses = stage.losses[order]
    # Each twin moves half way towards one end of 0-1, by a share of the way.
    losses[state] -= _SPLIT * losses[state]
    losses[-1] += _SPLIT * (1 - losses[-1])
    starts = stage.starts[order]
    starts[[state, -1]] /= 2
    # The way into the state leads to either twin.
    transitions[:, [state, -1]] /= 2
    return _Stage(starts=starts, transitions=transitions / transitions.sum(1, keepdims=True), losses=losses)
