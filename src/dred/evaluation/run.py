"""An experiment over recordings: which tasks there are, which are done already, who does the others, what comes of it.

    experiment, clips -> conditions -> cache? -> executor (processes, a cluster) -> cache -> Evaluation

A run is a pure function of the experiment, the clips and the traces. What a condition gives depends on nothing but what
its key digests: the recording, the scheme, the losses, the weights, libopus, and the code that speech passes through.
"""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from dred import __version__
from dred.audio import float_to_int16
from dred.errors import DredError
from dred.evaluation.cache import Cache, VersionedScore, content_key
from dred.evaluation.clips import Clip
from dred.evaluation.experiment import Experiment
from dred.evaluation.finding import Finding
from dred.evaluation.metrics import find_metrics, require_metrics
from dred.evaluation.networks import Network
from dred.evaluation.records import ClipRecord, Evaluation, Named, Row
from dred.evaluation.schemes import PACKET_MS, Scheme
from dred.evaluation.task import Known, Outcome, Task, installed_versions, perform
from dred.opus import load_libopus
from dred.timebase import SAMPLE_RATE_HZ
from dred.weights import WeightSet, introduce

__all__ = ["evaluate"]

# Enough to keep a cluster busy, and few enough to hold in memory.
_MAX_IN_FLIGHT = 64
_FORMAT = 1


def evaluate(
    experiment: Experiment,
    clips: Sequence[Clip],
    *,
    cache: Cache,
    weights: WeightSet,
    executor: Executor,
    traces: Path | None = None,
    report: Callable[[float], None] = lambda share: None,
) -> Evaluation:
    """Run what is not known yet, and return everything.

    Args:
        experiment: What to compare.
        clips: The recordings.
        cache: Where findings are kept; what is there is not done again.
        weights: The networks, installed wherever the executor works.
        executor: Who works: processes, or a cluster.
        traces: The folder of recorded traces, for networks that ask for one.
        report: Called with the share that is done, 0 to 1.

    Raises:
        UsageError: A metric's package is missing, a trace is, or the cache cannot be written.
        FileFormatError: A trace breaks its format.
        ModelError: A worker has other weights.
        DredError: A worker died, or has another libopus, dred or metric. What was done is kept.
    """
    metrics = find_metrics(experiment.metrics)
    require_metrics(metrics)
    experiment = _with_version(experiment, weights)
    installed = installed_versions(experiment.metrics)
    versions = {metric.name: installed[f"metric {metric.name}"] for metric in metrics}
    conditions = list(_conditions(experiment, clips, traces, weights))
    for clip in clips:
        if not cache.has_speech(clip.key):
            cache.write_speech(clip.key, clip.pcm)
    found: dict[str, tuple[Finding, dict[str, VersionedScore]]] = {}
    pending: dict[str, _Condition] = {}
    for condition in conditions:
        if condition.key not in found and condition.key not in pending:
            known = cache.read_finding(condition.key)
            if known is not None:
                found[condition.key] = known
            if known is None or _missing(known[1], versions, condition.clip):
                pending[condition.key] = condition
    report(0.0)
    outcomes = _perform_all(_tasks(pending.values(), found, installed, versions, cache), executor)
    for num_done, outcome in enumerate(outcomes, start=1):
        clip = pending[outcome.key].clip
        # Speech first: a finding without speech does not count.
        if outcome.key not in found:
            cache.write_speech(outcome.key, outcome.pcm)
        scores = found[outcome.key][1] if outcome.key in found else {}
        new = {
            name: VersionedScore(version=_score_version(versions[name], clip), score=score)
            for name, score in outcome.scores.items()
        }
        found[outcome.key] = outcome.finding, {**scores, **new}
        cache.write_finding(outcome.key, *found[outcome.key])
        report(num_done / len(pending))
    return Evaluation(
        name=experiment.name,
        title=experiment.title,
        seed=experiment.seed,
        metrics=experiment.metrics,
        clips=tuple(
            ClipRecord(name=clip.name, speaker=clip.speaker, seconds=clip.seconds, audio=clip.key, text=clip.text)
            for clip in clips
        ),
        schemes=tuple(
            Named(name=scheme.name, family=scheme.family, title=scheme.title) for scheme in experiment.schemes
        ),
        networks=tuple(
            Named(name=network.name, family=network.family, title=network.title, is_recorded=network.model == "traces")
            for network in experiment.networks
        ),
        rows=tuple(_row(condition, *found[condition.key], experiment.metrics) for condition in conditions),
        facts=_facts(weights, versions),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Condition:
    """A clip under a scheme over a network; those that share a key give the same."""

    clip: Clip
    scheme: Scheme
    network: Network
    losses: Bool[np.ndarray, " packets"]
    weights: WeightSet
    environment: Mapping[str, str]

    @cached_property
    def key(self) -> str:
        scheme = asdict(replace(self.scheme, name="", family="-", title=""))
        return content_key(
            {
                **self.environment,
                "clip": self.clip.key,
                "scheme": scheme,
                "losses": np.packbits(self.losses & self.scheme.is_lossy).tobytes().hex(),
            }
        )


def _with_version(experiment: Experiment, weights: WeightSet) -> Experiment:
    """Let deep redundancy speak the weights' version."""
    version = str(weights.card.bitstream_version)
    schemes = tuple(
        replace(scheme, dred=replace(scheme.dred, version=version)) if scheme.dred else scheme
        for scheme in experiment.schemes
    )
    return replace(experiment, schemes=schemes)


def _conditions(
    experiment: Experiment, clips: Sequence[Clip], traces: Path | None, weights: WeightSet
) -> Iterator[_Condition]:
    environment = {
        "format": str(_FORMAT),
        "weights": weights.tensors_sha256 + weights.tables_sha256,
        **installed_versions(()),
    }
    losses = {
        (network.name, clip.name): network.draw(
            clip.name, number, _max_packets(clip), seed=experiment.seed, traces=traces
        )
        for network in experiment.networks
        for number, clip in enumerate(clips)
    }
    for scheme in experiment.schemes:
        for network in experiment.networks:
            for clip in clips:
                yield _Condition(
                    clip=clip,
                    scheme=scheme,
                    network=network,
                    losses=losses[network.name, clip.name],
                    weights=weights,
                    environment=environment,
                )


def _max_packets(clip: Clip) -> int:
    """Return how many packets a clip takes at most: its codec's delay is shorter than a packet."""
    return -(-len(clip.pcm) * 1000 // (SAMPLE_RATE_HZ * PACKET_MS)) + 1


def _missing(scores: Mapping[str, VersionedScore], versions: Mapping[str, str], clip: Clip) -> tuple[str, ...]:
    return tuple(
        name
        for name, version in versions.items()
        if name not in scores or scores[name].version != _score_version(version, clip)
    )


def _score_version(version: str, clip: Clip) -> str:
    """Add to a metric's version what scores depend on beside speech and losses."""
    return version if clip.text is None else f"{version} {content_key({'text': clip.text})[:16]}"


def _tasks(
    conditions: Iterable[_Condition],
    found: Mapping[str, tuple[Finding, Mapping[str, VersionedScore]]],
    installed: Mapping[str, str],
    versions: Mapping[str, str],
    cache: Cache,
) -> Iterator[Task]:
    """Make tasks when they are wanted: speech is read from the cache no earlier."""
    for condition in conditions:
        known, missing = None, tuple(versions)
        if condition.key in found:
            finding, scores = found[condition.key]
            known = Known(pcm=float_to_int16(cache.read_speech(condition.key)), finding=finding)
            missing = _missing(scores, versions, condition.clip)
        yield Task(
            key=condition.key,
            pcm=condition.clip.pcm,
            text=condition.clip.text,
            scheme=condition.scheme,
            losses=condition.losses,
            weights=condition.weights.name,
            weights_sha256=condition.weights.tensors_sha256,
            known=known,
            metrics=missing,
            versions=installed,
        )


def _perform_all(tasks: Iterator[Task], executor: Executor) -> Iterator[Outcome]:
    """Keep the executor busy and give outcomes as they come."""
    running: set[Future[Outcome]] = set()
    try:
        while True:
            running |= {executor.submit(perform, task) for task in islice(tasks, _MAX_IN_FLIGHT - len(running))}
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            # What failed comes last, so that the rest is kept.
            for future in sorted(done, key=lambda future: future.cancelled() or future.exception() is not None):
                yield future.result()
    except BrokenProcessPool as error:
        raise DredError(
            "a worker process died, perhaps for want of memory; what was done is kept: run the same again, "
            "with fewer --jobs if it happens again"
        ) from error
    finally:
        for future in running:
            future.cancel()


def _row(condition: _Condition, finding: Finding, scores: Mapping[str, VersionedScore], metrics: Sequence[str]) -> Row:
    return Row(
        clip=condition.clip.name,
        scheme=condition.scheme.name,
        network=condition.network.name,
        finding=finding,
        scores={name: scores[name].score for name in metrics},
        audio=condition.key,
    )


def _facts(weights: WeightSet, versions: Mapping[str, str]) -> dict[str, str]:
    return {
        "dred": __version__,
        "weights": introduce(weights),
        "libopus": load_libopus().capabilities.version,
        "numpy": np.__version__,
        "python": platform.python_version(),
        **{f"metric {name}": version for name, version in versions.items()},
    }
