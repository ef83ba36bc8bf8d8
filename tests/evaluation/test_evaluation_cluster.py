"""A real cluster on this machine: two workers, one of which is killed at work."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_evaluation import CountingExecutor, small_clips, small_experiment

from dred.errors import DredError, UsageError
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


class NoClient:
    """A cluster that does nothing."""

    def __init__(self, *arguments: object, **settings: object) -> None: ...

    def __enter__(self) -> "NoClient":
        return self

    def __exit__(self, *error: object) -> None: ...

    def get_executor(self, **settings: object) -> CountingExecutor:
        return CountingExecutor()


@pytest.mark.parametrize(
    "error",
    [
        distributed.scheduler.KilledWorker("perform", SimpleNamespace(address="tcp://there"), 3),
        CancelledError(),
        distributed.comm.CommClosedError("the scheduler\nis gone"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_cluster_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(distributed, "Client", NoClient)
    with (
        pytest.raises(DredError, match=r"the cluster at tcp://here failed: .+; what was done is kept"),
        cluster("tcp://here"),
    ):
        raise error


def test_no_scheduler_is_told() -> None:
    with pytest.raises(UsageError, match="no Dask scheduler answers"), cluster("tcp://127.0.0.1:1"):
        pass
