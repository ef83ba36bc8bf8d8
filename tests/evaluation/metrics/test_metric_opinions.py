"""Opinions from what is heard alone: ours are those of the packages whose models they run."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from metric_speech import RATE_HZ, clip, hear, holes, noisy, shuffled, silence

from dred.audio import read_audio
from dred.evaluation.metrics import METRICS, Metric, installed_metrics
from dred.evaluation.metrics.dnsmos import DNSMOS_BAK, DNSMOS_OVRL, DNSMOS_SIG, rate_dnsmos
from dred.evaluation.metrics.plcmos import PLCMOS, rate_plcmos
from dred.evaluation.score import NO_SCORE

SEED = 3


@pytest.fixture(scope="module")
def package() -> Any:
    """PLCMOS of the package, as it is."""
    for name in ("onnxruntime", "onnx", "speechmos"):
        pytest.importorskip(name, reason="needs the extra eval")
    return pytest.importorskip("speechmos.plcmos")


def theirs(package: Any, samples: np.ndarray) -> float:
    np.random.seed(SEED)  # noqa: NPY002
    with warnings.catch_warnings(action="ignore"):
        return package.run(samples, sr=RATE_HZ)["plcmos"]


@pytest.mark.parametrize(
    "samples",
    [clip(), clip()[:9001], holes(clip()), noisy(clip(), 20), silence(RATE_HZ), np.eye(1, 8192, dtype=np.float32)[0]],
    ids=["clean", "short", "holes", "noise", "silence", "pulse"],
)
def test_plcmos_is_that_of_the_package_when_the_same_raters_are_asked(package: Any, samples: np.ndarray) -> None:
    expected = theirs(package, samples)
    raters = np.random.RandomState(SEED).normal(size=(15, 64)).astype(np.float32)
    assert rate_plcmos(samples, raters).mean() == pytest.approx(expected, abs=2e-6)


def test_the_raters_agree_with_random_ones(package: Any) -> None:
    assert PLCMOS.score(hear(clip())).value == pytest.approx(theirs(package, clip()), abs=0.06)


def test_plcmos_hears_holes_noise_and_shuffling(package: Any) -> None:
    clean, *spoilt = (
        PLCMOS.score(hear(heard)).value for heard in (clip(), holes(clip()), noisy(clip(), 15), shuffled(clip()))
    )
    assert 3.5 < clean < 5
    assert all(1 < value < clean - 0.5 for value in spoilt)


def test_plcmos_does_not_look_at_the_original(package: Any) -> None:
    assert PLCMOS.score(hear(holes(clip()))) == PLCMOS.score(hear(holes(clip()), silence(len(clip()))))


def test_less_than_half_a_second_has_no_opinion() -> None:
    short = clip()[: RATE_HZ // 2 - 1]
    assert PLCMOS.score(hear(short, short)) == DNSMOS_SIG.score(hear(short, short)) == NO_SCORE


@pytest.mark.reference
def test_plcmos_of_originals_is_what_the_reference_run_found(package: Any, shared: Path) -> None:
    rows = [json.loads(line) for line in (shared / "bench/libopus-1.6.1.jsonl").read_text().splitlines()]
    known = {row["clip"]: row["plcmos"] for row in rows if row["mode"] == "original"}
    paths = {path.name: path for path in (shared / "data/speech/test").rglob("*.flac")}
    clips = sorted(known)[:6]
    originals = [read_audio(paths[name]).samples[:, 0] for name in clips]
    found = [PLCMOS.score(hear(samples, samples)).value for samples in originals]
    np.testing.assert_allclose(found, [known[name] for name in clips], atol=0.08)
    assert np.mean(found) == pytest.approx(np.mean([known[name] for name in clips]), abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("num_samples", [9000, 11 * RATE_HZ], ids=["short, repeated", "several windows"])
def test_dnsmos_is_that_of_the_package(num_samples: int) -> None:
    for name in ("onnxruntime", "speechmos", "librosa", "requests"):
        pytest.importorskip(name, reason="the package's own DNSMOS needs it")
    with warnings.catch_warnings(action="ignore"):
        package = pytest.importorskip("speechmos.dnsmos")
        expected = package.run(clip()[:num_samples], sr=RATE_HZ)
    np.testing.assert_allclose(
        rate_dnsmos(clip()[:num_samples]), [expected[name] for name in ("sig_mos", "bak_mos", "ovrl_mos")], atol=1e-6
    )


def test_dnsmos_hears_noise_as_background() -> None:
    for name in ("onnxruntime", "speechmos"):
        pytest.importorskip(name, reason="needs the extra eval")
    clean, spoilt = (
        [metric.score(hear(heard)) for metric in (DNSMOS_SIG, DNSMOS_BAK, DNSMOS_OVRL)]
        for heard in (clip(), noisy(clip(), 10))
    )
    assert [score.value for score in clean] == pytest.approx(rate_dnsmos(clip()).tolist())
    assert clean[1].value - spoilt[1].value > 1
    assert clean[2].value > spoilt[2].value


@pytest.fixture
def distillmos() -> Metric:
    # Looked for, not imported: its own import wants a torchaudio that fits torch, which ours does without.
    if METRICS["distillmos"] not in installed_metrics():
        pytest.skip("needs the extra distillmos")
    return METRICS["distillmos"]


def test_distillmos_hears_holes_and_noise_but_not_the_level(distillmos: Metric) -> None:
    seven_seconds = clip()[: 7 * RATE_HZ]
    clean, holed, noise, quiet = (
        distillmos.score(hear(heard, seven_seconds)).value
        for heard in (seven_seconds, holes(seven_seconds), noisy(seven_seconds, 10), seven_seconds / 4)
    )
    assert 3.5 < clean <= 5
    assert 1 <= holed < clean - 1
    assert 1 <= noise < clean - 0.5
    assert quiet == pytest.approx(clean, abs=1e-3)


def test_distillmos_leaves_no_stand_in_for_torchaudio_and_torch_its_threads(distillmos: Metric) -> None:
    import torch

    num_threads = torch.get_num_threads()
    second = clip()[:RATE_HZ]
    distillmos.score(hear(second, second))
    assert torch.get_num_threads() == num_threads
    assert getattr(sys.modules.get("torchaudio"), "__file__", "absent") is not None
