"""A loss model with hidden states: what a network is busy with decides how likely it loses a packet.

At any time the network is in one of a few states that nobody sees. Each state loses a packet with a probability of its
own; then the network moves on, to the same or another state. Two states that lose nothing and everything are
`GilbertElliott`; more states can tell short bursts from long ones, and a quiet minute from a bad one.

`at_loss` asks: if this network happened to lose a certain share of its packets over a long time, how would it have
looked while it did so? Every way of losing is weighed by exp(tilt) per lost packet, and the sums are made
probabilities again. Of all processes with the wanted loss, the result is the one that the model would produce by
chance: bursts get longer and gaps shorter in the way that the model knows, and only as much as the loss demands.

    joint[i, j] = transitions[i, j] * (received[j] + lost[j] * exp(tilt))
    joint @ vector = value * vector                                         the largest value, its positive vector
    tilted[i, j] = joint[i, j] * vector[j] / (value * vector[i])            Doob's transform

Source: Doob's transform and conditioning by exponential tilting: R. Chetrite, H. Touchette, "Nonequilibrium Markov
processes conditioned on large deviations", 2015, sections 3 and 4; the model: L. R. Rabiner, "A Tutorial on Hidden
Markov Models", 1989.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from dred.channel.models import GilbertElliott, LossModel
from dred.errors import UsageError

__all__ = ["MAX_STATES", "HiddenMarkov", "with_states"]

MAX_STATES = 64
"""Our choice: far more than traces can tell apart."""

_SUM_TOLERANCE = 1e-6
_LOSS_TOLERANCE = 1e-9
# Weights of a lost packet beyond exp(+-30) change no loss rate by more than a double shows.
_LARGEST_TILT = 30.0
_BISECTIONS = 80
_SQUARINGS = 50
# Keeps quotients of a vector's elements finite, and every way that was open stays so.
_LEAST_ELEMENT = 1e-200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HiddenMarkov(LossModel):
    """Losses of a network with hidden states.

    Attributes:
        transitions: Probability of each next state, by the present one; rows sum to 1. Every state can be reached from
            every other.
        losses: Probability of losing a packet in each state, 0-1.
    """

    transitions: Float64[np.ndarray, "states states"]
    losses: Float64[np.ndarray, " states"]

    def __post_init__(self) -> None:
        num_states = len(self.losses)
        if not 1 <= num_states <= MAX_STATES:
            raise UsageError(f"a loss model has 1 to {MAX_STATES} states, got {num_states}")
        if self.losses.shape != (num_states,) or self.transitions.shape != (num_states, num_states):
            raise UsageError(
                f"transitions must be square with a row per state, got {self.transitions.shape} for {num_states} states"
            )
        # Written so that a NaN fails.
        if not (np.all(self.losses >= 0) and np.all(self.losses <= 1)):
            raise UsageError(f"losses must lie in 0-1, got {self.losses.tolist()}")
        if not (np.all(self.transitions >= 0) and np.all(abs(self.transitions.sum(1) - 1) <= _SUM_TOLERANCE)):
            raise UsageError("each row of transitions must hold probabilities that sum to 1")
        ways = np.linalg.matrix_power((self.transitions > 0) + np.eye(num_states), num_states)
        if not np.all(ways > 0):
            raise UsageError("every state must be reachable from every other, over one or more transitions")

    @property
    def stationary(self) -> Float64[np.ndarray, " states"]:
        """Share of the time spent in each state in the long run."""
        shares = _positive_vector(self.transitions.T)
        return shares / shares.sum()

    @property
    def loss(self) -> float:
        """Share of lost packets in the long run, 0-1."""
        return float(self.stationary @ self.losses)

    def stream(self, rng: np.random.Generator) -> Iterator[bool]:
        """Decide packet after packet, without an end; the first state has its long-run probability.

        Draws one number for the first state, then two per packet: the loss and the next state.
        """
        rows = [_inner_bounds(row) for row in self.transitions]
        losses = self.losses.tolist()
        state = bisect_right(_inner_bounds(self.stationary), rng.random())
        while True:
            yield rng.random() < losses[state]
            state = bisect_right(rows[state], rng.random())

    def at_loss(self, loss: float) -> "HiddenMarkov":
        """Condition the model on the share of packets that it loses in the long run; see this module's text.

        Args:
            loss: 0-1.

        Raises:
            UsageError: No way through the states has this loss.
        """
        tilts = (-_LARGEST_TILT, _LARGEST_TILT)
        lowest, highest = (self._tilted(tilt).loss for tilt in tilts)
        if not max(lowest - _LOSS_TOLERANCE, 0) <= loss <= min(highest + _LOSS_TOLERANCE, 1):
            raise UsageError(f"this model can have a loss of {lowest:.4g} to {highest:.4g}, got {loss}")
        below, above = tilts
        for _ in range(_BISECTIONS):
            middle = (below + above) / 2
            if self._tilted(middle).loss < loss:
                below = middle
            else:
                above = middle
        return self._tilted((below + above) / 2)

    def _tilted(self, tilt: float) -> "HiddenMarkov":
        # Both are at most 1, whatever the sign of the tilt: a common factor changes nothing.
        lost = self.losses * np.exp(min(tilt, 0.0))
        seen = lost + (1 - self.losses) * np.exp(min(-tilt, 0.0))
        joint = self.transitions * seen
        vector = _positive_vector(joint)
        transitions = joint * vector
        return HiddenMarkov(transitions=transitions / transitions.sum(1, keepdims=True), losses=lost / seen)


def with_states(model: GilbertElliott) -> HiddenMarkov:
    """Write a Gilbert-Elliott model as one with two hidden states: good and bad."""
    leave_bad = min(1 / model.mean_burst, 1.0)
    leave_good = min(leave_bad * model.loss / (1 - model.loss), 1.0)
    return HiddenMarkov(
        transitions=np.array([[1 - leave_good, leave_good], [leave_bad, 1 - leave_bad]]), losses=np.array([0.0, 1.0])
    )


def _inner_bounds(shares: Float64[np.ndarray, " states"]) -> list[float]:
    """Cut 0-1 into one interval per state; the last one ends at 1 whatever was rounded."""
    bounds: list[float] = np.cumsum(shares)[:-1].tolist()
    return bounds


def _positive_vector(matrix: Float64[np.ndarray, "states states"]) -> Float64[np.ndarray, " states"]:
    """Find the eigenvector of the largest eigenvalue of a matrix without negative elements; its largest element is 1.

    By squaring again and again: products and sums of positive numbers keep small elements exact to the last digits,
    which a general solver does not.
    """
    # Adding the unit matrix leaves the eigenvectors, and a chain that only swaps its states comes to rest, too.
    power = matrix / matrix.max() + np.eye(len(matrix))
    for _ in range(_SQUARINGS):
        power = power @ power
        power = power / power.max()
    vector = power.sum(1)
    return np.maximum(vector / vector.max(), _LEAST_ELEMENT)
