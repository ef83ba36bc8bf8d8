"""How much the heard voice is that of the original speaker: the cosine between voice embeddings, at most 1.

Runs the network in the wheel of Resemblyzer, without the package's own code, which needs librosa and a voice activity
detector that must be compiled. Pauses are cut out where the *original* pauses, so that both are asked about the same
times; Resemblyzer would cut silent gaps out of what is heard.

Source: Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018; Resemblyzer 0.1.4.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.evaluation.metrics.activity import find_active
from dred.evaluation.metrics.mel import mel_power
from dred.evaluation.metrics.memory import remember
from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.metrics.torch_thread import one_torch_thread
from dred.evaluation.score import NO_SCORE, Score
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["SPEAKER_SIMILARITY", "embed_voice"]

_FRAME_SAMPLES = 400
_HOP_SAMPLES = 160
_NUM_BANDS = 40
_NUM_UNITS = 256
_NUM_LAYERS = 3
# Utterances are embedded in parts of 1.6 s, 1.3 of them a second; a last part that is less than 3/4 full is left out.
_PART_FRAMES = 160
_STEP_FRAMES = 77
_LEAST_COVER = 0.75
_LEAST_SAMPLES = int(_LEAST_COVER * _PART_FRAMES * _HOP_SAMPLES)
# Quieter speech is amplified to this level.
_LEVEL_DB = -30.0


def embed_voice(samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " 256"]:
    """Embed a voice, 16 kHz, as a vector of length 1."""
    num_frames = -(-(len(samples) + 1) // _HOP_SAMPLES)
    starts = list(range(0, max(1, num_frames - _PART_FRAMES + _STEP_FRAMES + 1), _STEP_FRAMES))
    cover = (len(samples) - starts[-1] * _HOP_SAMPLES) / (_PART_FRAMES * _HOP_SAMPLES)
    if cover < _LEAST_COVER and len(starts) > 1:
        starts.pop()
    padding = max(0, (starts[-1] + _PART_FRAMES) * _HOP_SAMPLES - len(samples))
    bands = mel_power(
        np.pad(samples, (0, padding)),
        frame_samples=_FRAME_SAMPLES,
        hop_samples=_HOP_SAMPLES,
        num_bands=_NUM_BANDS,
    )
    lstm, linear = _network()
    torch = import_module("torch")
    with one_torch_thread():
        _, (hidden, _) = lstm(torch.from_numpy(np.stack([bands[start : start + _PART_FRAMES] for start in starts])))
        parts = torch.relu(linear(hidden[-1])).numpy()
    return _of_length_one(_of_length_one(parts).mean(axis=0))


def _score(speech: HeardSpeech) -> Score:
    active = np.repeat(find_active(speech.reference), SAMPLE_RATE_HZ // 50)
    if active.sum() < _LEAST_SAMPLES:
        return NO_SCORE
    reference, heard = (samples[: len(active)][active] for samples in (speech.reference, speech.heard))
    return Score(float(_embed(reference) @ _embed(heard)))


@remember
def _embed(samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " 256"]:
    level_db = 10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-12)
    return embed_voice(samples * np.float32(10 ** (max(0.0, _LEVEL_DB - level_db) / 20)))


def _of_length_one(vectors: Float32[np.ndarray, "*parts 256"]) -> Float32[np.ndarray, "*parts 256"]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@cache
def _network() -> tuple[Any, Any]:
    torch = import_module("torch")
    specification = find_spec("resemblyzer")
    if specification is None or specification.origin is None:
        raise ModuleNotFoundError("resemblyzer")
    weights = torch.load(Path(specification.origin).parent / "pretrained.pt", map_location="cpu", weights_only=True)
    state = weights["model_state"]
    lstm = torch.nn.LSTM(_NUM_BANDS, _NUM_UNITS, _NUM_LAYERS, batch_first=True)
    linear = torch.nn.Linear(_NUM_UNITS, _NUM_UNITS)
    for layer, name in ((lstm, "lstm"), (linear, "linear")):
        layer.load_state_dict({key: state[f"{name}.{key}"] for key in layer.state_dict()})
    return lstm, linear


SPEAKER_SIMILARITY = Metric(
    name="speaker_similarity",
    title="likeness of the voice (Resemblyzer)",
    unit="",
    is_higher_better=True,
    is_fast=True,
    packages=("torch", "resemblyzer"),
    extra="speaker",
    score=_score,
)
