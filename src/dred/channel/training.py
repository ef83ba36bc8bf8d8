"""From named traces to a model file's content: choose the number of states, train, and say what was done."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Bool

from dred.channel.fitting import FittingConfig, fit_hidden_markov
from dred.channel.held_out import held_out
from dred.channel.model_file import TrainedModel

__all__ = ["train_loss_model"]

# Our choice: more did not foresee the traces that we know any better.
_MAX_CHOSEN_STATES = 12
# Of the time that training takes with so many folds.
_HELD_OUT_SHARE = 0.85


def train_loss_model(
    traces: Mapping[str, Bool[np.ndarray, " packets"]],
    *,
    command: str,
    num_states: int | None = None,
    config: FittingConfig | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> TrainedModel:
    """Train a model and judge it on packets that are held out for that.

    Args:
        traces: By name.
        command: To be kept with the model.
        num_states: Of the model; by default the number up to 12 that foresees held-out packets best.
        config: How it is trained.
        on_progress: Told the share that is done.

    Raises:
        UsageError: There is no trace, one is too short, or the number of states is out of range.
    """
    config = config or FittingConfig()
    losses = list(traces.values())
    judged = held_out(
        losses,
        _MAX_CHOSEN_STATES if num_states is None else num_states,
        config,
        on_progress=lambda share: on_progress(_HELD_OUT_SHARE * share),
    )
    chosen = num_states or judged.best_states
    model = fit_hidden_markov(
        losses,
        chosen,
        config,
        on_progress=lambda share: on_progress(_HELD_OUT_SHARE + (1 - _HELD_OUT_SHARE) * share),
    )
    most = float(np.median([len(lost) for lost in losses]))
    listed = ", ".join(f"{name} ({len(lost)} packets, {100 * lost.mean():.1f} % lost)" for name, lost in traces.items())
    return TrainedModel(
        model=model,
        trained_on=f"{listed}; each counts as at most {most:g} packets",
        command=command,
        log_likelihoods={
            "hidden Markov": judged.by_states[chosen - 1],
            "Gilbert-Elliott": judged.gilbert_elliott,
            "Bernoulli": judged.by_states[0],
        },
    )
