"""Fan-out of search tasks over joblib: threads or processes on one machine, dask or ray on several."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from joblib import Parallel, delayed, parallel_config

from patternboost.search.tasks import Outcome, Work
from patternboost.store.settings import BACKENDS


class BackendError(ValueError):
    """A backend that cannot be used here; the message says what to install or start."""


def _context(backend: str, jobs: int) -> AbstractContextManager[Any]:
    if backend == "dask":
        try:
            from distributed import Client
        except ImportError as error:
            raise BackendError("--backend dask needs an extra: pip install 'patternboost[dask]'") from error
        try:
            Client.current()
        except ValueError:
            # No client in this process: DASK_SCHEDULER_ADDRESS names a cluster, else one is started on this machine.
            Client(set_as_default=True, **({"n_workers": jobs} if not _scheduler_address() else {}))
        dask_context: AbstractContextManager[Any] = parallel_config(backend="dask")
        return dask_context
    if backend == "ray":
        try:
            from ray.util.joblib import register_ray
        except ImportError as error:
            raise BackendError("--backend ray needs an extra: pip install 'patternboost[ray]'") from error
        register_ray()
        ray_context: AbstractContextManager[Any] = parallel_config(backend="ray", n_jobs=jobs)
        return ray_context
    if backend not in BACKENDS:
        raise BackendError(f"backend {backend!r} is unknown: use one of {', '.join(BACKENDS)}")
    return nullcontext()


def _scheduler_address() -> str | None:
    import dask

    address: str | None = dask.config.get("scheduler-address", None)
    return address


def run_tasks(
    tasks: Iterable[Work], jobs: int, backend: str, stopped: Callable[[], bool]
) -> Iterator[tuple[Work, list[Outcome]]]:
    """Run tasks on `jobs` workers and yield each with its outcomes, in order. Tasks are taken from the iterable late.

    Threads share tables and hear `stopped` within a walk (the kernels release the GIL); other workers only between
    tasks.
    """
    sent: list[Work] = []

    def calls() -> Iterator[Any]:
        for task in tasks:
            if stopped():
                return
            sent.append(task)
            yield delayed(task.run)(stopped) if backend == "threading" else delayed(task.run)()

    options = {"backend": backend} if backend in ("threading", "loky") else {}
    with _context(backend, jobs), warnings.catch_warnings():
        # joblib warns that unfinished tasks are cancelled when a search that reached its target stops asking
        warnings.simplefilter("ignore", UserWarning)
        results = Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="2*n_jobs", **options)(calls())
        try:
            for index in itertools.count():
                try:
                    outcomes = next(results)
                except StopIteration:
                    return
                yield sent[index], outcomes
                sent[index] = None  # type: ignore[call-overload]
                if stopped() and backend != "threading":
                    return
        finally:
            results.close()
