"""The unit of work of an evaluation: one recording, one scheme, some losses. It travels to a worker, its outcome back.

A worker needs the same dred, libopus, weights and packages of the metrics; no files of the one who asks. What it finds
is kept under what the one who asks has: so a worker that has others refuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int16

from dred.audio import float_to_int16, int16_to_float
from dred.compilation import source_stamp
from dred.errors import DredError, ModelError
from dred.evaluation import trial
from dred.evaluation.finding import Finding
from dred.evaluation.hearing import hear
from dred.evaluation.metrics import find_metrics, metric_version
from dred.evaluation.schemes import Scheme
from dred.evaluation.score import Score
from dred.evaluation.streams import encode
from dred.evaluation.trial import run_trial
from dred.opus import load_libopus
from dred.sender import SenderConfig, SentPacket
from dred.timebase import SAMPLE_RATE_HZ
from dred.weights import WeightSet, load

__all__ = ["Known", "Outcome", "Task", "installed_versions", "perform"]

# Neighbouring tasks send the same recording in the same way.
_KEPT_STREAMS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What an earlier run has found."""

    pcm: Int16[np.ndarray, " samples"]
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """What to do.

    Attributes:
        key: Under which the outcome is kept.
        pcm: The recording, 16 kHz.
        text: What is said, if known.
        scheme: The scheme.
        losses: Which packets the network loses; at least as many as there will be.
        weights: Name of the networks, which the worker has installed.
        weights_sha256: Digest of their arrays.
        known: What was heard, if only scores are wanted.
        metrics: Names of the metrics to rate it by.
        versions: What the one who asks gets from `installed_versions`.
    """

    key: str
    pcm: Int16[np.ndarray, " samples"]
    text: str | None
    scheme: Scheme
    losses: Bool[np.ndarray, " packets"]
    weights: str
    weights_sha256: str
    known: Known | None
    metrics: tuple[str, ...]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What was found.

    Attributes:
        key: Of the task.
        pcm: What was heard, 16 kHz, as long as the recording and in step with it.
        finding: What was sent, lost and repaired.
        scores: By name of the metric.
    """

    key: str
    pcm: Int16[np.ndarray, " samples"]
    finding: Finding
    scores: Mapping[str, Score]


def perform(task: Task) -> Outcome:
    """Send, lose, play and rate; a pure function of the task.

    Raises:
        ModelError: This machine lacks the weights, or has others under their name.
        UsageError: It lacks a metric's package.
        LibopusError: It lacks libopus.
        DredError: It has another version of something.
    """
    for name, version in installed_versions(task.metrics).items():
        if task.versions[name] != version:
            raise DredError(
                f"this worker's {name} is {version}, but {task.versions[name]} is wanted: install the same everywhere"
            )
    known = task.known or _play(task)
    heard = hear(
        int16_to_float(task.pcm[:, np.newaxis]),
        int16_to_float(known.pcm[:, np.newaxis]),
        SAMPLE_RATE_HZ,
        np.array(known.finding.lost, bool),
        known.finding.delay_ms,
        task.text,
    )
    scores = {metric.name: metric.score(heard) for metric in find_metrics(task.metrics)} if task.metrics else {}
    return Outcome(key=task.key, pcm=known.pcm, finding=known.finding, scores=scores)


@lru_cache(maxsize=16)
def installed_versions(metrics: tuple[str, ...]) -> Mapping[str, str]:
    """Return what findings and scores depend on beside the weights: libopus, the code that speech passes, metrics.

    Raises:
        UsageError: A metric's package is missing.
        LibopusError: There is no libopus.
    """
    return {
        "libopus": load_libopus().capabilities.version,
        "code": source_stamp(trial.__name__, Path(trial.__file__)).hex(),
        **{f"metric {metric.name}": metric_version(metric) for metric in find_metrics(metrics)},
    }


def _play(task: Task) -> Known:
    weights = _weights(task.weights, task.weights_sha256)
    loss_rate = float(task.losses.mean()) if task.scheme.is_lossy else 0.0
    config = task.scheme.sender_config(rate_hz=SAMPLE_RATE_HZ, channels=1, loss_rate=loss_rate)
    sent = _sent(task.pcm.tobytes(), config, weights.name, task.weights_sha256)
    played = run_trial(sent, task.losses, task.scheme, config, len(task.pcm), weights)
    return Known(
        pcm=float_to_int16(played.samples[:, 0]),
        finding=Finding(
            sources=played.sources,
            lost=tuple(played.lost.tolist()),
            delay_ms=played.delay_ms,
            rates=played.rates,
            coverage=played.coverage,
        ),
    )


@lru_cache(maxsize=_KEPT_STREAMS)
def _sent(pcm: bytes, config: SenderConfig, weights: str, weights_sha256: str) -> tuple[SentPacket, ...]:
    samples = int16_to_float(np.frombuffer(pcm, np.int16)[:, np.newaxis])
    return tuple(encode(samples, config, _weights(weights, weights_sha256)))


@lru_cache(maxsize=2)
def _weights(name: str, sha256: str) -> WeightSet:
    weights = load(name)
    if weights.tensors_sha256 != sha256:
        raise ModelError(f"this worker's weights {name} are not those of the evaluation: install the same everywhere")
    return weights
