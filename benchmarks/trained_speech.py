"""What measuring trained networks shares: the published set, speech with its features, a vocoder, ratings."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from dred.audio import read_audio
from dred.evaluation.hearing import hear
from dred.evaluation.metrics.metric import Metric
from dred.features import FeatureExtractor
from dred.nn import default_engine
from dred.timebase import FEATURE_FRAME_SAMPLES, SAMPLE_RATE_HZ
from dred.vocoder import START_FEATURE_FRAMES, START_SAMPLES, CompiledFargan, CompiledLpcnet
from dred.weights import COMPONENTS, ESSENTIAL_COMPONENTS, LPCNET, WeightSet, combine, load, read_safetensors

PUBLISHED = "opus-1.6.1"
# The vocoder's first sample lies so far behind the first feature frame's.
START_FRAMES = 4
AHEAD_FRAMES = 2
# What codec and receiver delay 16 kHz speech by.
LOOKAHEAD_SAMPLES = 104
NO_GAPS = np.zeros(0, bool)


@cache
def weights_of(name: str) -> WeightSet:
    return load(PUBLISHED) if name == PUBLISHED else read_safetensors(Path(name))


@cache
def published_but(component: str, name: str) -> WeightSet:
    """Return the published set with one network of another."""
    published = weights_of(PUBLISHED)
    networks = dict.fromkeys(ESSENTIAL_COMPONENTS, published) | {component: weights_of(name)}
    return combine(networks, "exchanged", published.card)


@cache
def extractor(name: str = PUBLISHED) -> FeatureExtractor:
    return FeatureExtractor.from_tensors(weights_of(name).tensors, default_engine())


def spoken_with(name: str) -> str:
    """Return the component that a set speaks with."""
    has_lpcnet = any(tensor.startswith(COMPONENTS[LPCNET]) for tensor in weights_of(name).tensors)
    return LPCNET if has_lpcnet else "FARGAN vocoder"


@cache
def vocoder(name: str) -> CompiledFargan | CompiledLpcnet:
    compiled = CompiledLpcnet if spoken_with(name) == LPCNET else CompiledFargan
    return compiled.from_tensors(weights_of(name).tensors)


def read_speech(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return samples and features of a clip, whole double frames."""
    audio = read_audio(path)
    samples = audio.samples[:, 0]
    samples = samples[: len(samples) // (2 * FEATURE_FRAME_SAMPLES) * 2 * FEATURE_FRAME_SAMPLES].copy()
    return samples, extractor().extract(extractor().initial_state(), samples * 32768)


def speak(name: str, samples: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what was said and what a vocoder makes of the features, from 40 ms on."""
    start = START_FRAMES * FEATURE_FRAME_SAMPLES
    opening = features[START_FRAMES + AHEAD_FRAMES - START_FEATURE_FRAMES :][:START_FEATURE_FRAMES].copy()
    state = vocoder(name).start(opening, samples[start - START_SAMPLES : start].copy())
    spoken = vocoder(name).synthesise(state, features[START_FRAMES + AHEAD_FRAMES :].copy())
    return samples[start : start + len(spoken)], np.clip(spoken, -1, 1)


def rate(said: np.ndarray, spoken: np.ndarray, metrics: Sequence[Metric]) -> dict[str, float]:
    speech = hear(said[:, None], spoken[:, None].astype(np.float32), SAMPLE_RATE_HZ, NO_GAPS, 0.0)
    figures = {}
    for metric in metrics:
        value = metric.score(speech).value
        figures[metric.name] = float("nan") if value is None else value
    return figures
