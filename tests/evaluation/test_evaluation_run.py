"""A run is a pure function; what it has found it never does again, whatever interrupts it."""

import json
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_evaluation import METRICS, CountingExecutor, small_clips, small_experiment

from dred.errors import DredError, FileFormatError, ModelError, UsageError
from dred.evaluation.cache import Cache
from dred.evaluation.executors import processes
from dred.evaluation.experiment import Experiment
from dred.evaluation.folder import cache_of, read_evaluation, read_speech, write_evaluation
from dred.evaluation.networks import Network
from dred.evaluation.records import Evaluation
from dred.evaluation.run import evaluate
from dred.evaluation.schemes import Scheme
from dred.evaluation.table import table_rows
from dred.evaluation.task import perform
from dred.receiver import Source
from dred.weights import WeightSet, load

# Three schemes over two networks and two clips. The clean scheme meets no losses, so that it gives the same over both,
# and a quiet network makes "plc" the same as "clean" apart from how it would conceal.
NUM_ROWS = 12


@pytest.fixture(autouse=True)
def _installed(installed_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))


@pytest.fixture
def weights(_installed: None) -> WeightSet:
    return load()


def run(experiment: Experiment, cache: Cache, weights: WeightSet, executor: CountingExecutor) -> Evaluation:
    return evaluate(experiment, small_clips(), cache=cache, weights=weights, executor=executor)


@pytest.fixture
def first(tmp_path: Path, weights: WeightSet) -> Evaluation:
    return run(small_experiment(), cache_of(tmp_path), weights, CountingExecutor())


def test_there_is_a_row_for_every_scheme_network_and_clip(first: Evaluation) -> None:
    assert [(row.scheme, row.network, row.clip) for row in first.rows] == [
        (scheme, network, clip)
        for scheme in ("clean", "plc", "dred")
        for network in ("quiet", "lossy")
        for clip in ("one", "two")
    ]
    assert all(set(row.scores) == set(METRICS) for row in first.rows)


def test_all_schemes_meet_the_same_losses_and_the_lossless_one_none(first: Evaluation) -> None:
    lost = {(row.scheme, row.network, row.clip): row.lost for row in first.rows}
    assert lost["plc", "lossy", "one"] == lost["dred", "lossy", "one"]
    assert lost["plc", "lossy", "one"] != lost["plc", "lossy", "two"]
    assert 0.2 < np.mean(lost["plc", "lossy", "one"]) < 0.6
    assert not any(
        any(flags) for (scheme, network, _), flags in lost.items() if scheme == "clean" or network == "quiet"
    )


def test_networks_tell_whether_their_losses_were_recorded(tmp_path: Path, weights: WeightSet) -> None:
    (tmp_path / "call.txt").write_text("0\n1\n" * 50)
    networks = (Network(name="drawn", model="uniform", loss_percent=40), Network(name="calls", model="traces"))
    experiment = small_experiment(schemes=(Scheme(name="plc", plc="classic"),), networks=networks)
    found = evaluate(
        experiment,
        small_clips(),
        cache=cache_of(tmp_path),
        weights=weights,
        executor=CountingExecutor(),
        traces=tmp_path,
    )
    assert [network.is_recorded for network in found.networks] == [False, True]
    write_evaluation(found, tmp_path)
    assert read_evaluation(tmp_path) == found


def test_rows_tell_who_repaired_what(first: Evaluation) -> None:
    rows = {(row.scheme, row.network, row.clip): row for row in first.rows}
    assert rows["plc", "lossy", "one"].repairs[Source.PLC] == rows["plc", "lossy", "one"].num_lost
    assert rows["dred", "lossy", "one"].repairs[Source.DRED] > 0
    assert rows["dred", "lossy", "one"].rates.dred > 0
    assert rows["dred", "lossy", "one"].finding.coverage is not None


def test_what_gives_the_same_is_done_once(tmp_path: Path, weights: WeightSet) -> None:
    executor = CountingExecutor()
    found = run(small_experiment(), cache_of(tmp_path), weights, executor)
    assert len(executor.tasks) == NUM_ROWS - 2
    assert len({row.audio for row in found.rows if row.scheme == "clean" and row.clip == "one"}) == 1


def test_a_second_run_does_nothing_and_gives_the_same(tmp_path: Path, weights: WeightSet, first: Evaluation) -> None:
    executor = CountingExecutor()
    assert run(small_experiment(), cache_of(tmp_path), weights, executor) == first
    assert executor.tasks == []


@pytest.mark.parametrize(
    ("interrupted", "error"),
    [(CountingExecutor(fail_after=4), KeyboardInterrupt), (CountingExecutor(cancel_after=4), CancelledError)],
    ids=["interrupt", "lost cluster"],
)
def test_an_interrupted_run_goes_on_where_it_was(
    tmp_path: Path, weights: WeightSet, interrupted: CountingExecutor, error: type[BaseException]
) -> None:
    cache = cache_of(tmp_path / "interrupted")
    with pytest.raises(error):
        run(small_experiment(), cache, weights, interrupted)
    resumed = CountingExecutor()
    found = run(small_experiment(), cache, weights, resumed)
    assert len(resumed.tasks) == NUM_ROWS - 2 - len(interrupted.tasks)
    assert found == run(small_experiment(), cache_of(tmp_path / "whole"), weights, CountingExecutor())


def test_a_new_metric_rates_what_is_known_and_speaks_nothing_again(
    tmp_path: Path, weights: WeightSet, first: Evaluation
) -> None:
    executor = CountingExecutor()
    found = run(small_experiment(metrics=(*METRICS, "f0_error")), cache_of(tmp_path), weights, executor)
    assert all(task.known is not None and task.metrics == ("f0_error",) for task in executor.tasks)
    assert [row.scores["gap_snr"] for row in found.rows] == [row.scores["gap_snr"] for row in first.rows]
    # What comes from the cache is what a worker hears at first.
    fresh = run(small_experiment(metrics=("f0_error",)), cache_of(tmp_path / "other"), weights, CountingExecutor())
    assert [row.scores["f0_error"] for row in found.rows] == [row.scores["f0_error"] for row in fresh.rows]


def test_names_and_titles_are_no_reason_to_do_it_again(tmp_path: Path, weights: WeightSet, first: Evaluation) -> None:
    executor = CountingExecutor()
    renamed = tuple(replace(scheme, name=scheme.name.upper(), title="x") for scheme in small_experiment().schemes)
    run(small_experiment(schemes=renamed), cache_of(tmp_path), weights, executor)
    assert executor.tasks == []


@pytest.mark.parametrize(
    "changes",
    [
        {"schemes": (Scheme(name="plc", plc="classic", bitrate_bps=16_000),)},
        {"schemes": (Scheme(name="plc", plc="zero"),)},
        {"networks": (Network(name="lossy", model="uniform", loss_percent=60),)},
        {"seed": 2, "networks": (Network(name="lossy", model="uniform", loss_percent=40),)},
    ],
    ids=["rate", "concealment", "loss", "seed"],
)
def test_what_changes_the_speech_is_done_again(
    tmp_path: Path, weights: WeightSet, first: Evaluation, changes: dict[str, object]
) -> None:
    executor = CountingExecutor()
    one_scheme = {"schemes": (Scheme(name="plc", plc="classic"),)}
    run(small_experiment(**{**one_scheme, **changes}), cache_of(tmp_path), weights, executor)
    assert len(executor.tasks) >= 2


def test_a_damaged_finding_is_found_anew(tmp_path: Path, weights: WeightSet, first: Evaluation) -> None:
    damaged = next(cache_of(tmp_path).folder.rglob("*.json"))
    damaged.write_bytes(damaged.read_bytes()[:40])
    executor = CountingExecutor()
    assert run(small_experiment(), cache_of(tmp_path), weights, executor) == first
    assert [task.key for task in executor.tasks] == [damaged.stem]


def test_the_share_that_is_done_rises_to_one(tmp_path: Path, weights: WeightSet) -> None:
    shares: list[float] = []
    evaluate(
        small_experiment(),
        small_clips(),
        cache=cache_of(tmp_path),
        weights=weights,
        executor=CountingExecutor(),
        report=shares.append,
    )
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_processes_give_what_this_process_gives(tmp_path: Path, weights: WeightSet, first: Evaluation) -> None:
    with processes(2) as executor:
        found = evaluate(
            small_experiment(), small_clips(), cache=cache_of(tmp_path / "two"), weights=weights, executor=executor
        )
    assert found == first


def test_a_worker_with_other_weights_refuses(tmp_path: Path, weights: WeightSet) -> None:
    executor = CountingExecutor()
    run(small_experiment(), cache_of(tmp_path), weights, executor)
    with pytest.raises(ModelError, match="the same everywhere"):
        perform(replace(executor.tasks[0], weights_sha256="0" * 64))


@pytest.mark.parametrize("name", ["libopus", "code", "metric gap_snr"])
def test_a_worker_with_another_version_refuses(tmp_path: Path, weights: WeightSet, name: str) -> None:
    executor = CountingExecutor()
    run(small_experiment(), cache_of(tmp_path), weights, executor)
    task = executor.tasks[0]
    with pytest.raises(DredError, match=f"this worker's {name} is .*, but other is wanted"):
        perform(replace(task, versions={**task.versions, name: "other"}))


def test_a_folder_gives_back_what_was_written(tmp_path: Path, first: Evaluation) -> None:
    write_evaluation(first, tmp_path)
    assert read_evaluation(tmp_path) == first
    speech = read_speech(tmp_path, first.rows[-1].audio)
    assert speech.shape == (16_000,)
    original = read_speech(tmp_path, first.clips[0].audio)
    assert np.array_equal(np.rint(original * 32768).astype(np.int16), small_clips()[0].pcm)


def test_a_folder_without_an_evaluation_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no evaluation"):
        read_evaluation(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 99}', "[" * 100_000], ids=range(6))
def test_a_broken_evaluation_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(FileFormatError, match="evaluation"):
        read_evaluation(tmp_path)


def test_the_table_has_one_flat_row_each(tmp_path: Path, first: Evaluation) -> None:
    rows = table_rows(first)
    assert len(rows) == NUM_ROWS
    assert len({tuple(row) for row in rows}) == 1
    lossy = next(row for row in rows if row["scheme"] == "dred" and row["network"] == "lossy")
    assert lossy["by_dred"] > 0
    assert lossy["kbps"] == pytest.approx(
        sum(lossy[f"kbps_{part}"] for part in ("main", "lbrr", "red", "dred")), abs=0.01
    )
    quiet = next(row for row in rows if row["network"] == "quiet")
    # No gap, nothing to measure behind one.
    assert (quiet["gap_snr"], quiet["gap_snr_weight"]) == (None, 0)
    write_evaluation(first, tmp_path)
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 1 + NUM_ROWS
    assert json.loads((tmp_path / "evaluation.json").read_text())["name"] == "small"


def test_parquet_holds_the_same_table(tmp_path: Path, first: Evaluation) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    write_evaluation(first, tmp_path)
    assert parquet.read_table(tmp_path / "rows.parquet").to_pylist() == table_rows(first)


def test_scores_of_a_clip_add_up_over_networks(first: Evaluation) -> None:
    both = first.clip_scores("gap_snr", "plc")
    assert both == first.clip_scores("gap_snr", "plc", ["lossy"])
    assert all(score.weight > 0 for score in both)
    assert all(score.weight == 0 for score in first.clip_scores("gap_snr", "plc", ["quiet"]))
