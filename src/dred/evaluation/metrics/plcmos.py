"""PLCMOS, version 2: what listeners would say of concealed speech, from the concealed speech alone.

Runs the model in the wheel of speechmos. That model rates as one of many possible raters, given by a random vector;
its mean over raters is the score. speechmos asks 15 new ones at each call, so that its figure moves by about 0.02. Here
the same 500 are asked each time. That is cheap: the part of the model that listens runs once, only the small part that
judges runs for each rater.

Source: Diener et al., "PLCMOS - a data-driven non-intrusive metric for the evaluation of packet loss concealment
algorithms", Interspeech 2023; speechmos 0.0.1.1, plcmos.py (window, logarithm, names within the model).
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.metrics.onnx_session import open_session
from dred.evaluation.score import NO_SCORE, Score
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["PLCMOS", "rate_plcmos"]

_FRAME_SAMPLES = 512
_HOP_SAMPLES = 256
_LEAST_SAMPLES = SAMPLE_RATE_HZ // 2
_NUM_RATERS = 500
_SEED = 20

_SPEECH = "degraded_audio"
_RATER = "rater_embed"
# Two vectors about the speech; where the rater comes in.
_HEARD = ("onnx::Concat_335", "onnx::Concat_337")
_OPINION = "plcmos"


def rate_plcmos(
    heard: Float32[np.ndarray, " samples"], raters: Float32[np.ndarray, "raters 64"]
) -> Float32[np.ndarray, " raters"]:
    """Let each rater judge speech of at least 0.1 s: 16 kHz, -1 to 1. Opinions go from 1 to 5."""
    listen, judge = _sessions()
    impressions = listen.run(_HEARD, {_SPEECH: _spectrogram(heard)[None, None]})
    copies = {name: np.repeat(found, len(raters), axis=0) for name, found in zip(_HEARD, impressions, strict=True)}
    return np.reshape(judge.run([_OPINION], {**copies, _RATER: raters})[0], -1)


def _score(speech: HeardSpeech) -> Score:
    if len(speech.heard) < _LEAST_SAMPLES:
        return NO_SCORE
    return Score(float(rate_plcmos(speech.heard, _raters()).mean(dtype=np.float64)))


PLCMOS = Metric(
    name="plcmos",
    title="opinion of concealed speech (PLCMOS v2)",
    unit="MOS",
    is_higher_better=True,
    is_fast=True,
    packages=("onnxruntime", "onnx", "speechmos"),
    extra="eval",
    score=_score,
)


@cache
def _raters() -> Float32[np.ndarray, "raters 64"]:
    return np.random.default_rng(_SEED).standard_normal((_NUM_RATERS, 64), dtype=np.float32)


@cache
def _sessions() -> tuple[Any, Any]:
    """Cut the model in two: what listens, what judges."""
    onnx = import_module("onnx")
    extractor = import_module("onnx.utils").Extractor
    folder = Path(import_module("speechmos").__path__[0])
    model = import_module("onnx.shape_inference").infer_shapes(onnx.load(folder / "plcmos_models/plcmos_v2.onnx"))
    listen = extractor(model).extract_model([_SPEECH], list(_HEARD))
    judge = extractor(model).extract_model([*_HEARD, _RATER], [_OPINION])
    return open_session(listen.SerializeToString()), open_session(judge.SerializeToString())


def _spectrogram(samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, "frames 257"]:
    """Return logarithms of power, 0.05 per neper, in frames of 32 ms every 16 ms; the first begins 16 ms early."""
    num_frames = 1 + -(-len(samples) // _HOP_SAMPLES)
    padding = (_HOP_SAMPLES, num_frames * _HOP_SAMPLES - len(samples))
    padded = np.pad(samples.astype(np.float64), padding)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME_SAMPLES)[::_HOP_SAMPLES]
    power = np.abs(np.fft.rfft(frames * np.hamming(_FRAME_SAMPLES + 1)[:-1])) ** 2
    least = power[power > 0].min(initial=np.inf)
    # Zeros lie 120 dB below the least of the others, or at -80 dB where all are zero.
    floor = 1e-8 if np.isinf(least) else least * 1e-12
    return (np.log(np.where(power > 0, power, floor)) / 20).astype(np.float32)
