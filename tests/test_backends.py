"""Fan-out over joblib's backends: same results, and a dask cluster that loses a worker midway."""

import os
import pickle
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from commands import spawn, wait_until

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


@pytest.mark.long
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


def test_a_task_is_pickled_without_what_was_worked_out_from_it():
    """While a thread pickles a task for a worker, another may work out more of its instance."""
    instance = problem("isosceles", 10)
    plain = len(pickle.dumps(instance))
    _ = instance.point_set, instance.symmetries, instance.problem.rules
    assert len(pickle.dumps(instance)) == plain
    back = pickle.loads(pickle.dumps(instance))
    assert set(vars(back)) == {"problem", "n"}
    assert (back.name, back.n) == (instance.name, instance.n)
    assert len(back.point_set) == 100


@dataclass(frozen=True)
class Deadly(Task):
    """A task whose worker dies; the first time, or always."""

    grave: Path = Path()
    always: bool = False

    def run(self, stopped=None):
        if self.always or not self.grave.exists():
            self.grave.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(stopped)


def deadly(tmp_path, always=False):
    batch = tasks(12, Effort(300, 3000))
    task = batch[5]
    batch[5] = Deadly(
        task.instance, task.symmetry, task.starts, task.effort, task.seed, task.target, grave=tmp_path / "grave",
        always=always,
    )  # fmt: skip
    return batch


@pytest.mark.long
def test_what_a_loky_worker_had_that_died_is_given_to_another(tmp_path):
    assert results(deadly(tmp_path), "loky") == results(tasks(12, Effort(300, 3000)), "threading")
    assert (tmp_path / "grave").exists()


@pytest.mark.long
def test_loky_workers_that_die_again_and_again_are_given_up(tmp_path):
    with pytest.raises(BackendError, match="workers died 3 times in a row"):
        results(deadly(tmp_path, always=True), "loky")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_ray_gives_what_threads_give_and_survives_the_death_of_a_worker(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # for its workers: `Deadly` lives here
    pytest.importorskip("ray", reason="needs the extra: pip install 'patternboost[ray]'")
    expected = results(tasks(12, Effort(300, 3000)), "threading")
    assert results(tasks(12, Effort(300, 3000)), "ray") == expected
    assert results(deadly(tmp_path), "ray") == expected
    with pytest.raises(BackendError, match="workers died over one task"):
        results(deadly(tmp_path, always=True), "ray")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_task_that_kills_every_dask_worker_ends_in_one_line(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="needs the extra: pip install 'patternboost[dask]'")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # for its workers: `Deadly` lives here
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster, set_as_default=True),
        pytest.raises(BackendError, match="workers died over one task"),
    ):
        results(deadly(tmp_path, always=True), "dask")


@pytest.mark.slow
def test_a_search_on_a_dask_cluster_that_a_scheduler_file_names(tmp_path, monkeypatch):
    """Scheduler and workers are processes of their own, as on a cluster with a shared home."""
    pytest.importorskip("distributed", reason="needs the extra: pip install 'patternboost[dask]'")
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    scheduler = subprocess.Popen(
        [*command, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)],
        **quiet,
    )
    worker = None
    try:
        wait_until(file.exists)
        options = ["--scheduler-file", str(file), "--nworkers", "2", "--nthreads", "1", "--no-dashboard"]
        worker = subprocess.Popen([*command, "worker", *options], **quiet)
        monkeypatch.setenv("DASK_SCHEDULER_FILE", str(file))
        search = ["isosceles", 10, "--model", "none", "--generations", 2, "--seed", 1, "--set", "starts=40", "--quiet"]
        answer = spawn("search", *search, "--backend", "dask", "--jobs", 4, "--run-dir", tmp_path / "dask")
        assert answer.status == 0, answer
        alone = spawn("search", *search, "--jobs", 2, "--run-dir", tmp_path / "threads")
        assert answer.last.split()[1] == alone.last.split()[1]
        assert worker.poll() is None  # the cluster outlives the search
    finally:
        for process in (worker, scheduler):
            if process is not None:
                process.terminate()
                process.wait(30)


@pytest.mark.slow
def test_a_dask_cluster_that_does_not_answer_is_said(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra: pip install 'patternboost[dask]'")
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "2s")
    search = ["isosceles", 8, "--model", "none", "--generations", 1, "--quiet", "--backend", "dask"]
    answer = spawn("search", *search, "--run-dir", tmp_path / "run")
    assert answer.status == 2, answer
    assert "no scheduler answers at tcp://127.0.0.1:9" in answer.err
    assert "Traceback" not in answer.err


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
