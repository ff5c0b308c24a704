"""Fan-out over joblib's backends: same results, and a dask cluster that loses a worker midway."""

import os
import signal

import numpy as np
import pytest

from patternboost.problem.registry import problem
from patternboost.search.fanout import BackendError, run_tasks
from patternboost.search.tasks import Effort, Task
from patternboost.store.settings import BACKENDS


def tasks(count, effort):
    instance = problem("isosceles", 10)
    empty = (np.empty(0, np.int64),) * 2
    return [Task(instance, "mirror", empty, effort, seed, 10**6) for seed in range(count)]


def never():
    return False


def results(batch, backend, jobs=2):
    found = run_tasks(iter(batch), jobs, backend, never)
    return [(task.seed, [o.elements.tolist() for o in outcomes]) for task, outcomes in found]


def test_loky_gives_what_threads_give():
    batch = tasks(6, Effort(300, 3000))
    assert results(batch, "threading") == results(batch, "loky") == results(batch, "threading", jobs=1)


def test_order_is_kept_and_the_iterable_is_taken_late():
    taken = []

    def late():
        for task in tasks(50, Effort(300, 3000)):
            taken.append(task.seed)
            yield task

    found = run_tasks(late(), 2, "threading", never)
    first = next(found)[0].seed
    found.close()
    assert first == 0
    assert len(taken) < 50


def test_an_unknown_backend_says_what_would_do():
    with pytest.raises(BackendError, match="threading, loky, dask, ray"):
        results(tasks(1, Effort(300, 3000)), "magic")
    assert "threading" in BACKENDS


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_dask_cluster_survives_the_death_of_a_worker():
    distributed = pytest.importorskip("distributed", reason="needs the extra: pip install 'patternboost[dask]'")
    batch = tasks(40, Effort(100_000, 400_000))
    expected = results(batch, "threading")
    with (
        distributed.LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster, set_as_default=True) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))
        got = []
        for task, outcomes in run_tasks(iter(batch), 3, "dask", never):
            if len(got) == 5:
                os.kill(victim, signal.SIGKILL)
            got.append((task.seed, [o.elements.tolist() for o in outcomes]))
        assert victim not in client.run(os.getpid).values()
    assert got == expected
