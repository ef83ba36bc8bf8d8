"""How well models foresee packets that they were not trained on: the one judge of how many hidden states to have.

Each trace is cut into as many blocks as there are folds. In turn, the blocks of one number are held out and the rest
trains, so that every packet is judged once by models that never saw it. The blocks come from the same calls as the
rest: this says nothing about a network of another kind.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from dred.channel.fitting import FittingConfig, balanced_weights, fit_gilbert_elliott, grow, log_likelihood
from dred.channel.hidden_markov import MAX_STATES, with_states
from dred.errors import UsageError

__all__ = ["HeldOut", "held_out"]

_NUM_FOLDS = 5

Losses = Bool[np.ndarray, " _"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Log-likelihood of held-out packets: natural logarithms per packet, at most 0; higher is better.

    Attributes:
        by_states: Of hidden Markov models with 1, 2, ... states. One state is a Bernoulli model: independent losses.
        gilbert_elliott: Of Gilbert-Elliott models.
    """

    by_states: tuple[float, ...]
    gilbert_elliott: float

    @property
    def best_states(self) -> int:
        """Number of states that foresee best; of equals, the smallest."""
        return int(np.argmax(self.by_states)) + 1


def held_out(
    traces: Sequence[Losses],
    max_states: int,
    config: FittingConfig | None = None,
    *,
    on_progress: Callable[[float], None] = lambda share: None,
) -> HeldOut:
    """Judge models of 1 to `max_states` states.

    Traces count as in `balanced_weights`, in training and in judging.

    Args:
        traces: Each of at least 10 packets.
        max_states: Most states tried.
        config: How models are trained.
        on_progress: Told the share that is done.

    Raises:
        UsageError: A trace is too short, there is none, or `max_states` is out of range.
    """
    config = config or FittingConfig()
    shortest = min((len(trace) for trace in traces), default=0)
    if shortest < 2 * _NUM_FOLDS:
        raise UsageError(f"each trace needs at least {2 * _NUM_FOLDS} packets to hold some out, got {shortest}")
    if not 1 <= max_states <= MAX_STATES:
        raise UsageError(f"the number of states must be 1 to {MAX_STATES}, got {max_states}")
    by_states = np.zeros((_NUM_FOLDS, max_states))
    gilbert_elliott = np.zeros(_NUM_FOLDS)
    for fold, (kept, kept_weights, held, weights) in enumerate(_folds(traces)):
        simple = fit_gilbert_elliott(kept, weights=kept_weights, prior=config.prior)
        gilbert_elliott[fold] = log_likelihood(with_states(simple), held, weights=weights)
        for index, model in enumerate(grow(kept, kept_weights, max_states, config)):
            by_states[fold, index] = log_likelihood(model, held, weights=weights)
            on_progress((fold + ((index + 1) / max_states) ** 3) / _NUM_FOLDS)
    return HeldOut(by_states=tuple(by_states.mean(0).tolist()), gilbert_elliott=float(gilbert_elliott.mean()))


_Part = tuple[list[Losses], Float64[np.ndarray, " kept"], list[Losses], Float64[np.ndarray, " held"]]


def _folds(traces: Sequence[Losses]) -> Iterator[_Part]:
    """Yield what trains and what is held out, each with its weights."""
    balance = balanced_weights(traces)
    for fold in range(_NUM_FOLDS):
        kept, kept_weights, held = [], [], []
        for trace, weight in zip(traces, balance):
            begin, end = (len(trace) * place // _NUM_FOLDS for place in (fold, fold + 1))
            held.append(trace[begin:end])
            # What lies before and what lies after the gap train as two traces: nothing joins them.
            for part in (trace[:begin], trace[end:]):
                if len(part):
                    kept.append(part)
                    kept_weights.append(weight)
        yield kept, np.array(kept_weights), held, balance
