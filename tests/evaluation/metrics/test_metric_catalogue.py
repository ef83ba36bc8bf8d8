"""Which metrics there are, what they need, and that they are pure functions of speech."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from metric_speech import RATE_HZ, clip, hear, holes, noisy

import dred
from dred.errors import UsageError
from dred.evaluation.metrics import METRICS, find_metrics, installed_metrics, metric_version, require_metrics

FOUR_SECONDS = clip()[: 4 * RATE_HZ]
NAMES = [metric.name for metric in installed_metrics()]


def forget(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    monkeypatch.setattr(
        "dred.evaluation.metrics.catalogue.find_spec", lambda name: None if name in packages else object()
    )


def test_metrics_are_found_by_name_in_the_order_of_the_names() -> None:
    assert find_metrics(["gap_snr", "plcmos"]) == (METRICS["gap_snr"], METRICS["plcmos"])


def test_an_unknown_metric_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no metric is called bliss, joy; there are plcmos, .*gap_click"):
        find_metrics(["plcmos", "bliss", "joy"])


def test_a_metric_is_kept_under_its_own_name() -> None:
    assert all(metric.name == name for name, metric in METRICS.items())
    assert all(bool(metric.packages) == bool(metric.extra) for metric in METRICS.values())


def test_missing_packages_are_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch, "pesq")
    with pytest.raises(UsageError, match=r"^pesq needs pesq: pip install 'dred\[eval\]'$"):
        require_metrics(find_metrics(["plcmos", "pesq"]))


def test_what_is_missing_from_several_extras_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch, "faster_whisper", "speechmos")
    with pytest.raises(UsageError, match=r"^plcmos needs speechmos; wer needs faster_whisper: .*'dred\[eval,asr\]'$"):
        require_metrics(find_metrics(["plcmos", "gap_snr", "wer"]))


def test_metrics_without_packages_are_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dred.evaluation.metrics.catalogue.find_spec", lambda name: None)
    own = ["f0_error", "voicing_error", "gap_lsd", "inside_lsd", "gap_snr", "gap_click"]
    assert [metric.name for metric in installed_metrics()] == own
    require_metrics(installed_metrics())


def test_a_version_holds_the_code_and_the_packages() -> None:
    metric = METRICS["gap_snr"]
    version = metric_version(metric)
    assert re.fullmatch("gap_snr [0-9a-f]{16}", version)
    assert metric_version(replace(metric, packages=("numpy", "_pytest"), extra="eval")) == (
        f"{version} numpy=={np.__version__} pytest=={pytest.__version__}"
    )
    assert len({metric_version(metric).split()[1] for metric in map(METRICS.get, ("gap_snr", "gap_click"))}) == 2


@pytest.mark.parametrize("changed", ["metrics/gap_snr.py", "metrics/returns.py", "metrics/activity.py", "hearing.py"])
def test_a_version_changes_with_the_code_of_the_metric(tmp_path: Path, changed: str) -> None:
    package = Path(dred.__file__).parent
    shutil.copytree(package, tmp_path / "dred", ignore=shutil.ignore_patterns("__pycache__", "data", "*.nbc"))
    code = "from dred.evaluation.metrics import METRICS, metric_version; print(metric_version(METRICS['gap_snr']))"

    def version() -> str:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.check_output([sys.executable, "-c", code], text=True, env=environment)

    before = version()
    with (tmp_path / "dred/evaluation" / changed).open("a") as file:
        file.write("# changed\n")
    assert version() != before


def test_there_is_no_version_without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch, "pesq")
    with pytest.raises(UsageError, match="pesq needs pesq"):
        metric_version(METRICS["pesq"])


def test_importing_the_metrics_imports_none_of_their_packages() -> None:
    packages = {package for metric in METRICS.values() for package in metric.packages} - {"scipy"}  # numba's own.
    code = f"import sys, dred.evaluation.metrics; print(sorted({packages!r} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_the_page_of_metrics_has_a_row_for_each() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/metrics.md").read_text()
    assert [name for name in METRICS if f"| `{name}` |" not in page] == []


def scores_of(names: list[str], spoilt: np.ndarray) -> dict[str, tuple[float, float]]:
    reference = clip()[: len(spoilt)]
    scores = {metric.name: metric.score(hear(spoilt, reference)) for metric in find_metrics(names)}
    return {name: (score.total, score.weight) for name, score in scores.items()}


FRESH = """
import json, sys
sys.path.insert(0, sys.argv[1])
from metric_speech import holes, noisy
from test_metric_catalogue import FOUR_SECONDS, scores_of
names = json.loads(sys.argv[2])[::-1]
scores_of(names, noisy(FOUR_SECONDS, 20))
print(json.dumps(scores_of(names, holes(FOUR_SECONDS))))
"""


@pytest.mark.slow
def test_equal_speech_gets_equal_scores_in_any_process_and_order() -> None:
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    once = scores_of(NAMES, holes(FOUR_SECONDS))
    scores_of(NAMES, noisy(FOUR_SECONDS, 10))
    again = scores_of(NAMES, holes(FOUR_SECONDS))
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert again == once
    command = [sys.executable, "-c", FRESH, str(Path(__file__).parent), json.dumps(NAMES)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    elsewhere = {name: tuple(score) for name, score in json.loads(printed.splitlines()[-1]).items()}
    assert elsewhere == once


@pytest.mark.parametrize("name", NAMES)
def test_what_is_spoilt_scores_worse(name: str) -> None:
    metric = METRICS[name]
    whole, spoilt = (metric.score(hear(heard)).value for heard in (clip(), holes(noisy(clip(), 0))))
    assert whole is not None
    assert spoilt is not None
    assert (whole > spoilt) if metric.is_higher_better else (whole < spoilt)


@pytest.mark.parametrize("name", NAMES)
def test_too_little_speech_gets_no_score(name: str) -> None:
    short = clip()[:160]
    assert METRICS[name].score(replace(hear(short, short), gaps=np.zeros((0, 2), np.int64))).value is None
