"""ViSQOL, speech mode with its lattice network: what listeners would say beside the original, 1 to 5.

Compares spectrograms after aligning them patch by patch: it forgives shifts in time that PESQ does not. Identical
speech gets about 4 to 4.3, not 5.

Source: Chinen et al., "ViSQOL v3", QoMEX 2020; a port of version 3.3.3, visqol-python.
"""

import warnings
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.score import NO_SCORE, Score
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["VISQOL"]

# One patch of speech mode takes 0.4 s; with less there is nothing to align.
_LEAST_SAMPLES = SAMPLE_RATE_HZ


def _score(speech: HeardSpeech) -> Score:
    if len(speech.reference) < _LEAST_SAMPLES or not speech.reference.any():
        return NO_SCORE
    numba = import_module("numba")
    num_threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        with warnings.catch_warnings(action="ignore"):
            found = _estimator().measure_from_arrays(
                speech.reference.astype(np.float64), speech.heard.astype(np.float64), SAMPLE_RATE_HZ
            )
    finally:
        numba.set_num_threads(num_threads)
    # Not a number: all that is heard is silence.
    return NO_SCORE if np.isnan(found.moslqo) else Score(float(found.moslqo))


@cache
def _estimator() -> Any:
    estimator = import_module("visqol").VisqolApi()
    estimator.create(mode="speech", use_lattice_model=True)
    return estimator


VISQOL = Metric(
    name="visqol",
    title="opinion beside the original (ViSQOL speech)",
    unit="MOS",
    is_higher_better=True,
    is_fast=True,
    packages=("visqol", "ai_edge_litert"),
    extra="visqol",
    score=_score,
)
