"""All metrics by name, and which of them can run here."""

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

from dred.compilation import source_stamp
from dred.errors import UsageError
from dred.evaluation.metrics.distillmos import DISTILLMOS
from dred.evaluation.metrics.dnsmos import DNSMOS_BAK, DNSMOS_OVRL, DNSMOS_SIG
from dred.evaluation.metrics.estoi import ESTOI
from dred.evaluation.metrics.f0 import F0_ERROR, VOICING_ERROR
from dred.evaluation.metrics.gap_click import GAP_CLICK
from dred.evaluation.metrics.gap_lsd import GAP_LSD, INSIDE_LSD
from dred.evaluation.metrics.gap_snr import GAP_SNR
from dred.evaluation.metrics.metric import Metric
from dred.evaluation.metrics.pesq import PESQ
from dred.evaluation.metrics.plcmos import PLCMOS
from dred.evaluation.metrics.speaker_similarity import SPEAKER_SIMILARITY
from dred.evaluation.metrics.visqol import VISQOL
from dred.evaluation.metrics.wer import WER

__all__ = ["METRICS", "find_metrics", "installed_metrics", "metric_version", "require_metrics"]

_PREPARATION = "dred.evaluation.hearing"

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        PLCMOS,
        DISTILLMOS,
        DNSMOS_SIG,
        DNSMOS_BAK,
        DNSMOS_OVRL,
        PESQ,
        VISQOL,
        ESTOI,
        WER,
        SPEAKER_SIMILARITY,
        F0_ERROR,
        VOICING_ERROR,
        GAP_LSD,
        INSIDE_LSD,
        GAP_SNR,
        GAP_CLICK,
    )
}
"""By name: opinions from what is heard, opinions beside the original, words, voice, gaps."""


def find_metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    """Return metrics by name, in the order of the names.

    Raises:
        UsageError: There is no such metric.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise UsageError(f"no metric is called {', '.join(unknown)}; there are {', '.join(METRICS)}")
    return tuple(METRICS[name] for name in names)


def require_metrics(metrics: Sequence[Metric]) -> None:
    """Make sure that metrics can run.

    Raises:
        UsageError: Packages are missing; the text says which, and what to install.
    """
    lacking = [(metric, missing) for metric in metrics if (missing := _missing_packages(metric))]
    if not lacking:
        return
    needs = "; ".join(f"{metric.name} needs {', '.join(missing)}" for metric, missing in lacking)
    extras = ",".join(dict.fromkeys(metric.extra for metric, _ in lacking))
    raise UsageError(f"{needs}: pip install 'dred[{extras}]'")


def installed_metrics() -> tuple[Metric, ...]:
    """Return the metrics whose packages are here; nothing is imported."""
    return tuple(metric for metric in METRICS.values() if not _missing_packages(metric))


def metric_version(metric: Metric) -> str:
    """Return what a metric's figures depend on: its name, a digest of our own code, its packages with their versions.

    Raises:
        UsageError: One of the packages is missing.
    """
    require_metrics([metric])
    distributions = sorted({_distributions()[package][0] for package in metric.packages})
    return " ".join(
        [metric.name, _code_digest(metric.score.__module__)]
        + [f"{distribution}=={version(distribution)}" for distribution in distributions]
    )


def _missing_packages(metric: Metric) -> list[str]:
    return [package for package in metric.packages if find_spec(package) is None]


def _code_digest(module: str) -> str:
    """Digest the code that makes figures of speech, and what prepares speech for it."""
    stamps = [source_stamp(name, Path(import_module(name).__file__ or "")) for name in (module, _PREPARATION)]
    return sha256(b"".join(stamps)).hexdigest()[:16]


@cache
def _distributions() -> Mapping[str, list[str]]:
    """By name of the importable package."""
    return packages_distributions()
