"""Who does the work of an evaluation: processes of this machine, or a Dask cluster. Both are `Executor`s."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing import get_context

from dred.errors import DredError, UsageError

__all__ = ["cluster", "processes"]

# Workers share the cores: each of their libraries keeps to one thread.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_CONNECT_TIMEOUT_S = 10


@contextmanager
def processes(num_jobs: int | None = None) -> Iterator[Executor]:
    """Start processes, by default one per core that this process may use; they end with the body.

    Raises:
        UsageError: The number is below 1.
    """
    num_jobs = _num_cores() if num_jobs is None else num_jobs
    if num_jobs < 1:
        raise UsageError(f"jobs must be at least 1, got {num_jobs}")
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    # Fresh processes: what this one has loaded, threads above all, does not survive a fork.
    executor = ProcessPoolExecutor(num_jobs, mp_context=get_context("spawn"), initializer=_ignore_interrupt)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Connect to the scheduler of a Dask cluster; the work of a worker that dies goes to the others.

    Raises:
        UsageError: `distributed` is not installed, or nothing answers there.
        DredError: The cluster was lost, or each of several workers died of the same task.
    """
    if find_spec("distributed") is None:
        raise UsageError("a cluster needs distributed: pip install 'dred[dask]'")
    from distributed import Client
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        client = Client(address, timeout=_CONNECT_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler answers at {address}: {' '.join(str(error).split())}") from error
    with client:
        # The same task gives the same outcome, but the cache decides what is done again, not Dask.
        try:
            yield client.get_executor(pure=False, retries=3)
        except (KilledWorker, CancelledError, CommClosedError) as error:
            raise DredError(
                f"the cluster at {address} failed: {' '.join(str(error).split()) or type(error).__name__}; "
                "what was done is kept: run the same again"
            ) from error


def _num_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _ignore_interrupt() -> None:
    """Leave an interrupt to the process that asked for the work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
