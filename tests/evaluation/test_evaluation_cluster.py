"""A real cluster on this machine: two workers, one of which is killed at work."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_evaluation import CountingExecutor, small_clips, small_experiment

from dred.errors import UsageError
from dred.evaluation.executors import cluster
from dred.evaluation.folder import cache_of
from dred.evaluation.networks import Network
from dred.evaluation.run import evaluate
from dred.weights import WeightSet, load

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def weights(installed_weights: Path, monkeypatch: pytest.MonkeyPatch) -> WeightSet:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    return load()


@pytest.fixture
def scheduler() -> Iterator[str]:
    """The address of a scheduler without workers."""
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen([*program, "--no-dashboard"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"Scheduler at:\s+(tcp://\S+)", line)
        if found:
            yield found[1]
            break
    process.terminate()
    process.communicate()


def start_worker(scheduler: str, folder: Path) -> "subprocess.Popen[bytes]":
    program = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler, "--nthreads", "1", "--no-nanny"]
    return subprocess.Popen(
        [*program, "--no-dashboard", "--local-directory", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_worker_killed_at_work_changes_nothing(tmp_path: Path, scheduler: str, weights: WeightSet) -> None:
    experiment = small_experiment(
        networks=tuple(Network(name=f"n{loss}", model="uniform", loss_percent=loss) for loss in (10, 20, 30, 40))
    )
    workers = [start_worker(scheduler, tmp_path / f"worker{number}") for number in (1, 2)]
    shares: list[float] = []

    def kill_one(share: float) -> None:
        shares.append(share)
        if share > 0 and workers[0].poll() is None:
            os.kill(workers[0].pid, signal.SIGKILL)

    try:
        with cluster(scheduler) as executor:
            found = evaluate(
                experiment,
                small_clips(),
                cache=cache_of(tmp_path / "cluster"),
                weights=weights,
                executor=executor,
                report=kill_one,
            )
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert workers[0].returncode == -signal.SIGKILL
    assert shares[-1] == 1
    alone = evaluate(
        experiment, small_clips(), cache=cache_of(tmp_path / "alone"), weights=weights, executor=CountingExecutor()
    )
    assert found == alone


def test_no_scheduler_is_told() -> None:
    with pytest.raises(UsageError, match="no Dask scheduler answers"), cluster("tcp://127.0.0.1:1"):
        pass
