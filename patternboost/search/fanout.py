"""Fan-out of search tasks over joblib: threads or processes on one machine, dask or ray on several."""

from __future__ import annotations

import itertools
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from logging import CRITICAL
from typing import Any

from joblib import Parallel, delayed, parallel_config

from patternboost.search.tasks import Outcome, Work
from patternboost.search.workers import ignore_signals, serve, unheard
from patternboost.store.settings import BACKENDS

#: worker processes that die so often in a row, with no task done in between, are given up
_DEATHS = 3
#: seconds between two looks at whether to stop, while a task is waited for
_LOOK = 0.2

Stopped = Callable[[], bool]
Done = tuple[Work, list[Outcome]]


class BackendError(ValueError):
    """A backend that cannot be used here; the message says what to install or start."""


def run_tasks(tasks: Iterable[Work], jobs: int, backend: str, stopped: Stopped) -> Iterator[Done]:
    """Run tasks on `jobs` workers and yield each with its outcomes, in order. Tasks are taken from the iterable late.

    Threads share tables and hear `stopped` within a walk (the kernels release the GIL); other workers only between
    tasks. What a worker process had that died is given to another. Raises BackendError.
    """
    if backend not in BACKENDS:
        raise BackendError(f"backend {backend!r} is unknown: use one of {', '.join(BACKENDS)}")
    if backend == "ray":
        yield from _by_ray(iter(tasks), jobs, stopped)
        return
    left, waiting = iter(tasks), deque[Work]()
    deaths = 0
    while True:
        try:
            for done in _by_joblib(itertools.chain(tuple(waiting), left), waiting, jobs, backend, stopped):
                deaths = 0
                yield done
            return
        except BrokenProcessPool as error:
            deaths += 1
            if deaths == _DEATHS:
                raise BackendError(
                    f"--backend {backend}: workers died {deaths} times in a row; a smaller memory_gib or fewer --jobs "
                    "may keep them alive"
                ) from error


def _by_joblib(
    tasks: Iterable[Work], waiting: deque[Work], jobs: int, backend: str, stopped: Stopped
) -> Iterator[Done]:
    """The tasks by joblib; `waiting` holds those that were sent and have not come back."""
    waiting.clear()

    def calls() -> Iterator[Any]:
        for task in tasks:
            if stopped():
                return
            waiting.append(task)
            yield delayed(task.run)(stopped) if backend == "threading" else delayed(task.run)()

    options: dict[str, Any] = {"n_jobs": jobs}
    if backend == "loky":  # joblib makes no processes for one job
        options |= {"initializer": serve, "initargs": (os.getpid(),)} if jobs > 1 else {}
    if backend == "dask":
        _connect_dask(jobs)
    with (
        parallel_config(backend=backend, **options),
        unheard(starting=True) if backend == "loky" else nullcontext(),
        warnings.catch_warnings(),
    ):
        # joblib warns that unfinished tasks are cancelled when a search that reached its target stops asking
        warnings.simplefilter("ignore", UserWarning)
        results = Parallel(return_as="generator", pre_dispatch="2*n_jobs")(calls())
    try:
        for outcomes in results:
            yield waiting.popleft(), outcomes
            if stopped() and backend != "threading":
                return
    except _too_deadly(backend) as error:
        raise BackendError(
            f"--backend {backend}: workers died over one task, time and again; a smaller memory_gib may help"
        ) from error
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            results.close()


def _connect_dask(jobs: int) -> None:
    """See that there is a dask client: this process's, that of the cluster that is named, or one of this machine."""
    try:
        import dask
        from distributed import Client, WorkerPlugin
    except ImportError as error:
        raise BackendError("--backend dask needs an extra: pip install 'patternboost[dask]'") from error
    try:
        Client.current()
    except ValueError:
        # DASK_SCHEDULER_ADDRESS or DASK_SCHEDULER_FILE name a cluster, else one is started on this machine.
        address, file = dask.config.get("scheduler-address", None), dask.config.get("scheduler-file", None)
        try:
            if file:
                Client(scheduler_file=file, set_as_default=True)
            elif address:
                Client(address, set_as_default=True)
            else:
                client = Client(n_workers=jobs, threads_per_worker=1, dashboard_address=None, silence_logs=CRITICAL)
                client.register_plugin(type("Quiet", (WorkerPlugin,), {"setup": _quiet})(), name="quiet")
        except OSError as error:  # a timeout is one
            raise BackendError(f"--backend dask: no scheduler answers at {file or address}: {error}") from error


def _too_deadly(backend: str) -> tuple[type[Exception], ...]:
    """What says that a task has killed all workers that had it."""
    if backend != "dask":
        return ()
    from distributed import KilledWorker

    return (KilledWorker,)


def _quiet(plugin: Any, worker: Any) -> None:
    """A dask worker of this machine leaves signals to the search."""
    ignore_signals()


def _by_ray(tasks: Iterator[Work], jobs: int, stopped: Stopped) -> Iterator[Done]:
    """The tasks by ray itself, since its backend for joblib does not hand results over one by one."""
    ray = _connect_ray(jobs)
    run = ray.remote(max_retries=_DEATHS)(_run)
    waiting: deque[tuple[Work, Any]] = deque()
    while not stopped():
        while len(waiting) < 2 * jobs and (task := next(tasks, None)) is not None:
            waiting.append((task, run.remote(task)))
        if not waiting:
            return
        task, result = waiting[0]
        if ray.wait([result], timeout=_LOOK)[0]:
            waiting.popleft()
            try:
                outcomes = ray.get(result)
            except ray.exceptions.WorkerCrashedError as error:
                raise BackendError(
                    "--backend ray: workers died over one task; a smaller memory_gib may keep them alive"
                ) from error
            yield task, outcomes
    for _, result in waiting:
        ray.cancel(result, force=True)


def _run(task: Work) -> list[Outcome]:
    """A task, as ray runs it."""
    return task.run()


def _connect_ray(jobs: int) -> Any:
    """The module `ray`, connected: to the cluster that RAY_ADDRESS names, or to one of this machine."""
    try:
        import ray
    except ImportError as error:
        raise BackendError("--backend ray needs an extra: pip install 'patternboost[ray]'") from error
    if not ray.is_initialized():
        # No usage reports: nothing that this program starts calls anyone.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own: dict[str, Any] = {"num_cpus": jobs, "include_dashboard": False}
        if os.environ.get("RAY_ADDRESS"):
            own = {}
        with unheard(starting=False):
            try:
                ray.init(configure_logging=False, log_to_driver=False, **own)
            except ConnectionError as error:
                where = os.environ.get("RAY_ADDRESS")
                raise BackendError(f"--backend ray: no cluster answers at {where}: {error}") from error
    return ray
