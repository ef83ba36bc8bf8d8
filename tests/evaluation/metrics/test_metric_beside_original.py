"""PESQ, ESTOI and ViSQOL: identity, order, silence."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from metric_speech import RATE_HZ, clip, hear, holes, noisy, shuffled, silence

from dred.evaluation.metrics import METRICS, Metric
from dred.evaluation.score import NO_SCORE

# P.862.2's mapping of the highest raw score, 4.5.
BEST_PESQ = 0.999 + 4 / (1 + np.exp(-1.3669 * 4.5 + 3.8224))


@pytest.fixture(params=["pesq", "estoi", "visqol"])
def metric(request: pytest.FixtureRequest) -> Metric:
    metric = METRICS[request.param]
    for package in metric.packages:
        pytest.importorskip(package, reason=f"needs the extra {metric.extra}")
    return metric


def test_identical_speech_gets_the_most_that_there_is(metric: Metric) -> None:
    found = metric.score(hear(clip()))
    assert found.weight == 1
    if metric.name == "visqol":  # Its network has no such known point.
        assert 3.8 < found.value < 5
    else:
        assert found.value == pytest.approx({"pesq": BEST_PESQ, "estoi": 1.0}[metric.name], abs=1e-4)


def test_more_noise_is_worse(metric: Metric) -> None:
    values = [metric.score(hear(noisy(clip(), snr_db))).value for snr_db in (40, 25, 10)]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[2] + 0.05


def test_shuffled_speech_is_nearly_the_worst(metric: Metric) -> None:
    holed, mixed = (metric.score(hear(spoil(clip()))).value for spoil in (holes, shuffled))
    assert mixed < holed
    assert mixed < {"pesq": 1.2, "estoi": 0.2, "visqol": 1.5}[metric.name]


def test_a_silent_original_has_no_score(metric: Metric) -> None:
    assert metric.score(hear(clip()[: 3 * RATE_HZ], silence())) == NO_SCORE


def test_silence_instead_of_speech_is_no_number_that_misleads(metric: Metric) -> None:
    value = metric.score(hear(silence(len(clip())))).value
    assert value == pytest.approx(0, abs=0.01) if metric.name == "estoi" else value is None


def test_estoi_leaves_the_global_generator_alone() -> None:
    pytest.importorskip("pystoi", reason="needs the extra eval")
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    METRICS["estoi"].score(hear(holes(clip())))
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_estoi_of_threads_at_once_draws_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    pystoi = pytest.importorskip("pystoi", reason="needs the extra eval")

    def slow_noise(*speech: object, **settings: object) -> float:
        first = np.random.standard_normal()  # noqa: NPY002
        time.sleep(0.002)
        return float(first + 10 * np.random.standard_normal())  # noqa: NPY002

    monkeypatch.setattr(pystoi, "stoi", slow_noise)
    speech = hear(clip())
    with ThreadPoolExecutor(4) as executor:
        scores = list(executor.map(lambda _: METRICS["estoi"].score(speech), range(40)))
    assert len(set(scores)) == 1
