"""The expectation step of Baum-Welch, compiled: how often a hidden Markov model takes each way through given losses.

Forward and backward passes are scaled, so that traces of any length stay within floating point. Compiled functions
carry `no_type_check`: a run-time type checker's wrapper would hide their source from the compiler.

Source: L. R. Rabiner, "A Tutorial on Hidden Markov Models", 1989, equations 18-40 and section V.A.
"""

from typing import no_type_check

import numpy as np

from dred.compilation import compiled


@compiled
@no_type_check
def expect(lost, ends, weights, starts, transitions, losses, start_counts, transition_counts, loss_counts):
    """Add up expected counts over all traces and return their weighted log-likelihood.

    Args:
        lost: uint8, all traces one after the other, 1 = lost.
        ends: int64, where each trace ends; each holds at least one packet.
        weights: float64, how much each trace counts.
        starts: float64, probability of each state at a trace's first packet.
        transitions: float64, rows are the state before.
        losses: float64, probability of a loss in each state.
        start_counts: One per state; written.
        transition_counts: As `transitions`; written.
        loss_counts: Received and lost packets, by state; written.
    """
    num_states = len(losses)
    start_counts[:] = 0.0
    transition_counts[:] = 0.0
    loss_counts[:] = 0.0
    forward = np.empty((len(lost), num_states))
    scales = np.empty(len(lost))
    backward = np.empty(num_states)
    seen = np.empty(num_states)
    total = 0.0
    begin = 0
    for trace in range(len(ends)):
        end, weight = ends[trace], weights[trace]
        for at in range(begin, end):
            scale = 0.0
            for state in range(num_states):
                share = starts[state] if at == begin else 0.0
                if at > begin:
                    for before in range(num_states):
                        share += forward[at - 1, before] * transitions[before, state]
                share *= losses[state] if lost[at] else 1.0 - losses[state]
                forward[at, state] = share
                scale += share
            if scale <= 0.0:
                return -np.inf
            for state in range(num_states):
                forward[at, state] /= scale
            scales[at] = scale
            total += weight * np.log(scale)
        backward[:] = 1.0
        for at in range(end - 1, begin - 1, -1):
            for state in range(num_states):
                loss_counts[lost[at], state] += weight * forward[at, state] * backward[state]
            if at == begin:
                for state in range(num_states):
                    start_counts[state] += weight * forward[at, state] * backward[state]
            else:
                for state in range(num_states):
                    chance = losses[state] if lost[at] else 1.0 - losses[state]
                    seen[state] = chance * backward[state] / scales[at]
                for before in range(num_states):
                    back = 0.0
                    for state in range(num_states):
                        way = transitions[before, state] * seen[state]
                        transition_counts[before, state] += weight * forward[at - 1, before] * way
                        back += way
                    backward[before] = back
        begin = end
    return total
