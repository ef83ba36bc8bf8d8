"""How good a recovered clip sounds, by three of dred's own metrics (`docs/metrics.md`); they need the extra `eval`."""

import numpy as np

from dred.evaluation.hearing import hear
from dred.evaluation.metrics import find_metrics
from dred.evaluation.simulate import SCORED_BY

RATE_HZ = 16_000
NO_LOSSES = np.zeros(0, bool)


def score(reference: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Score a clip against its original, both mono at 16 kHz, -1 to 1; the longer one is cut to the shorter.

    Both must lie at the same time: take the codec's delay out first.
    """
    num_samples = min(len(reference), len(test))
    original, played = (samples[:num_samples, None].astype(np.float32) for samples in (reference, test))
    speech = hear(original, played, RATE_HZ, NO_LOSSES, 0.0)
    values = {metric.name: metric.score(speech).value for metric in find_metrics(SCORED_BY)}
    return {name: np.nan if value is None else value for name, value in values.items()}
