"""What speech under loss is worth: one file per metric, each a function from `HeardSpeech` to a `Score`.

Importing this is cheap: what a metric needs is imported when it first scores. `docs/metrics.md` says what each tells.
"""

from dred.evaluation.metrics.catalogue import (
    METRICS,
    find_metrics,
    installed_metrics,
    metric_version,
    require_metrics,
)
from dred.evaluation.metrics.metric import HeardSpeech, Metric

__all__ = [
    "METRICS",
    "HeardSpeech",
    "Metric",
    "find_metrics",
    "installed_metrics",
    "metric_version",
    "require_metrics",
]
