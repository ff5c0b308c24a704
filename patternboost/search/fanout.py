"""Fan-out of search tasks: threads or processes on one machine by joblib, dask or ray on several."""

from __future__ import annotations

import itertools
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext, suppress
from logging import CRITICAL
from typing import Any, NamedTuple

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
    if backend in ("dask", "ray"):
        yield from _in_order(iter(tasks), _dask(jobs) if backend == "dask" else _ray(jobs), stopped)
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
    if backend == "loky" and jobs > 1:  # joblib makes no processes for one job
        options |= {"initializer": serve, "initargs": (os.getpid(),)}
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
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            results.close()


class Cluster(NamedTuple):
    """Machines that run tasks: what there is to do with them."""

    name: str
    #: tasks at once
    slots: int
    #: begin a task; whether it is done, after a short wait; its outcomes; give it up
    submit: Callable[[Work], Any]
    is_done: Callable[[Any], bool]
    result: Callable[[Any], list[Outcome]]
    cancel: Callable[[Any], None]
    #: what says that a task has killed every worker that had it
    deadly: type[Exception]


def _in_order(tasks: Iterator[Work], cluster: Cluster, stopped: Stopped) -> Iterator[Done]:
    """The tasks on a cluster, twice as many in flight as it has slots.

    Not by joblib: with ray it hands results over when all are there, and with dask it waits for ever for a task that
    has killed its workers.
    """
    waiting: deque[tuple[Work, Any]] = deque()
    try:
        while not stopped():
            while len(waiting) < 2 * cluster.slots and (task := next(tasks, None)) is not None:
                waiting.append((task, cluster.submit(task)))
            if not waiting:
                return
            task, running = waiting[0]
            if cluster.is_done(running):
                try:
                    outcomes = cluster.result(running)
                except cluster.deadly as error:
                    raise BackendError(
                        f"--backend {cluster.name}: workers died over one task, time and again; a smaller memory_gib "
                        "may help"
                    ) from error
                waiting.popleft()
                yield task, outcomes
    finally:
        for _, running in waiting:
            cluster.cancel(running)


def _run(task: Work) -> list[Outcome]:
    """A task, as workers of a cluster run it."""
    return task.run()


def _dask(jobs: int) -> Cluster:
    """This process's dask client; else that of the cluster that is named, or of one on this machine."""
    try:
        import dask
        from distributed import Client, KilledWorker, WorkerPlugin, wait
    except ImportError as error:
        raise BackendError("--backend dask needs an extra: pip install 'patternboost[dask]'") from error
    try:
        client = Client.current()
    except ValueError:
        # DASK_SCHEDULER_ADDRESS or DASK_SCHEDULER_FILE name a cluster, else one is started on this machine.
        address, file = dask.config.get("scheduler-address", None), dask.config.get("scheduler-file", None)
        try:
            if file:
                client = Client(scheduler_file=file)
            elif address:
                client = Client(address)
            else:
                client = Client(n_workers=jobs, threads_per_worker=1, dashboard_address=None, silence_logs=CRITICAL)
                client.register_plugin(type("Quiet", (WorkerPlugin,), {"setup": _quiet})(), name="quiet")
        except OSError as error:  # a timeout is one
            raise BackendError(f"--backend dask: no scheduler answers at {file or address}: {error}") from error

    def is_done(future: Any) -> bool:
        with suppress(TimeoutError):
            wait(future, timeout=_LOOK)
        return bool(future.done())

    return Cluster(
        "dask",
        max(1, sum(client.ncores().values())),
        lambda task: client.submit(_run, task, pure=False),
        is_done,
        lambda future: future.result(),  # type: ignore[no-any-return]
        lambda future: future.cancel(),  # type: ignore[no-any-return]
        KilledWorker,
    )


def _quiet(plugin: Any, worker: Any) -> None:
    """A dask worker of this machine leaves signals to the search."""
    ignore_signals()


def _ray(jobs: int) -> Cluster:
    """Ray, connected to the cluster that RAY_ADDRESS names, or to one of this machine."""
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
    run = ray.remote(max_retries=_DEATHS)(_run)
    return Cluster(
        "ray",
        jobs,
        run.remote,
        lambda reference: bool(ray.wait([reference], timeout=_LOOK)[0]),
        ray.get,
        lambda reference: ray.cancel(reference, force=True),
        ray.exceptions.WorkerCrashedError,
    )
