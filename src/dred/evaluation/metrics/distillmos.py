"""DistillMOS: what listeners would say of the speech, 1 to 5, from what is heard alone.

A small network taught by a large one that listens by wav2vec features. It normalises the level.

Source: Stahl, Gamper, "Distillation and pruning for scalable self-supervised representation-based speech quality
assessment", ICASSP 2025; distillmos 0.9.1.
"""

import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.metrics.torch_thread import one_torch_thread
from dred.evaluation.score import NO_SCORE, Score
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["DISTILLMOS"]

_LEAST_SAMPLES = SAMPLE_RATE_HZ // 2


def _score(speech: HeardSpeech) -> Score:
    if len(speech.heard) < _LEAST_SAMPLES:
        return NO_SCORE
    with one_torch_thread():
        heard = import_module("torch").from_numpy(np.array(speech.heard, np.float32))
        return Score(float(_network()(heard[None])))


@cache
def _network() -> Any:
    package = _import_package()
    # The constructor could load the weights itself, but tells so on standard output.
    network = package.ConvTransformerSQAModel(load_weights=False)
    weights = import_module("torch").load(package.DEFAULT_WEIGHTS_CHKPT, map_location="cpu", weights_only=True)
    network.load_state_dict(weights["model"])
    return network.eval()


def _import_package() -> ModuleType:
    """Import the package without torchaudio, which it needs for files only and which often fits no installed torch."""
    if "torchaudio" in sys.modules:
        return import_module("distillmos.sqa")
    sys.modules["torchaudio"] = ModuleType("torchaudio")
    try:
        return import_module("distillmos.sqa")
    finally:
        del sys.modules["torchaudio"]


DISTILLMOS = Metric(
    name="distillmos",
    title="opinion of the speech (DistillMOS)",
    unit="MOS",
    is_higher_better=True,
    is_fast=False,
    packages=("torch", "distillmos", "xls_r_sqa"),
    extra="distillmos",
    score=_score,
)
