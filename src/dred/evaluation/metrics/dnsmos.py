"""DNSMOS P.835: what listeners would say of the speech, the background and both together, from what is heard alone.

Runs the model in the wheel of speechmos, without the package's own code, which needs librosa. Made for noise
suppression: it hardly notices gaps. Not fast: 10 s of speech take 0.4 s, and each second more takes as much again.

Source: Reddy, Gopal, Cutler, "DNSMOS P.835", ICASSP 2022; speechmos 0.0.1.1, dnsmos.py (windows, polynomials).
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64

from dred.evaluation.metrics.memory import remember
from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.metrics.onnx_session import open_session
from dred.evaluation.score import NO_SCORE, Score
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["DNSMOS_BAK", "DNSMOS_OVRL", "DNSMOS_SIG", "rate_dnsmos"]

_WINDOW_SECONDS = 9.01
_WINDOW_SAMPLES = int(_WINDOW_SECONDS * SAMPLE_RATE_HZ)
_HOP_SAMPLES = SAMPLE_RATE_HZ
_LEAST_SAMPLES = SAMPLE_RATE_HZ // 2
# From the model's figures to opinions: of x, factors of 1, x, x^2; signal, background, overall.
_POLYNOMIALS = np.array(
    [
        [0.0052439, -0.39604546, 0.04602535],
        [1.22083953, 1.60915514, 1.11546468],
        [-0.08397278, -0.13166888, -0.06766283],
    ]
)
_SIGNAL, _BACKGROUND, _OVERALL = range(3)


@remember
def rate_dnsmos(heard: Float32[np.ndarray, " samples"]) -> Float64[np.ndarray, "3"]:
    """Rate signal, background and both, about 1 to 5, as means over windows of 9 s; shorter speech is repeated."""
    heard = heard.astype(np.float32)
    while len(heard) < _WINDOW_SAMPLES:
        heard = np.append(heard, heard)
    num_windows = int(len(heard) // SAMPLE_RATE_HZ - _WINDOW_SECONDS) + 1
    figures = np.concatenate([_judge(heard, n) for n in range(num_windows) if _is_whole(n)]).astype(float)
    return (figures[:, None, :] ** np.arange(3)[:, None] * _POLYNOMIALS).sum(axis=1).mean(axis=0)


def _judge(heard: Float32[np.ndarray, " samples"], window: int) -> Float32[np.ndarray, "1 3"]:
    start = window * _HOP_SAMPLES
    return _session().run(None, {"input_1": heard[None, start : start + _WINDOW_SAMPLES]})[0]


def _is_whole(window: int) -> bool:
    """Tell which windows speechmos keeps: where rounding takes a sample away, it drops the whole window."""
    return int((window + _WINDOW_SECONDS) * SAMPLE_RATE_HZ) - window * _HOP_SAMPLES == _WINDOW_SAMPLES


def _score(speech: HeardSpeech, which: int) -> Score:
    return NO_SCORE if len(speech.heard) < _LEAST_SAMPLES else Score(float(rate_dnsmos(speech.heard)[which]))


def _score_signal(speech: HeardSpeech) -> Score:
    return _score(speech, _SIGNAL)


def _score_background(speech: HeardSpeech) -> Score:
    return _score(speech, _BACKGROUND)


def _score_overall(speech: HeardSpeech) -> Score:
    return _score(speech, _OVERALL)


@cache
def _session() -> Any:
    return open_session(str(Path(import_module("speechmos").__path__[0]) / "dnsmos_models/sig_bak_ovr.onnx"))


DNSMOS_SIG = Metric(
    name="dnsmos_sig",
    title="opinion of the speech (DNSMOS P.835)",
    unit="MOS",
    is_higher_better=True,
    is_fast=False,
    packages=("onnxruntime", "speechmos"),
    extra="eval",
    score=_score_signal,
)
DNSMOS_BAK = Metric(
    name="dnsmos_bak",
    title="opinion of the background (DNSMOS P.835)",
    unit="MOS",
    is_higher_better=True,
    is_fast=False,
    packages=("onnxruntime", "speechmos"),
    extra="eval",
    score=_score_background,
)
DNSMOS_OVRL = Metric(
    name="dnsmos_ovrl",
    title="opinion of speech and background together (DNSMOS P.835)",
    unit="MOS",
    is_higher_better=True,
    is_fast=False,
    packages=("onnxruntime", "speechmos"),
    extra="eval",
    score=_score_overall,
)
