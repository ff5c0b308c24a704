"""The loop's choice between tabu search and the solver."""

import dataclasses
import json

import numpy as np
import pytest
from commands import archived, invoke, read_log, untimed

from patternboost.loop.improver import COMPLETED, REPAIRED, Improver
from patternboost.loop.pool import Entry, Pool
from patternboost.loop.starts import Start
from patternboost.problem.registry import problem
from patternboost.store.settings import Settings

pytest.importorskip("ortools", reason="the extra exact (OR-tools) is not installed")

SMALL = ("--set", "starts=20", "--set", "repairs=3", "--set", "repair_work=0.1", "--jobs", 1, "--symmetry", "mirror")


def improver(improve="both", **changes):
    settings = Settings("isosceles", 8, symmetry="mirror", generations=2, improve=improve, **changes)
    return Improver(settings, problem("isosceles", 8))


def entries(origin, count):
    return [Entry(bytes([i]), np.array([i]), "mirror", 0, origin) for i in range(count)]


def test_shares_follow_what_pays():
    both = improver()
    first = both.share
    for _ in range(4):
        both.learn(entries(REPAIRED, 9) + entries("random", 1))
    more = both.share
    assert more > first
    for _ in range(10):
        both.learn(entries("elite", 40))
    assert both.share == 0.1  # never forgotten altogether
    for _ in range(20):
        both.learn(entries(COMPLETED, 40))
    assert both.share == 0.9
    for _ in range(40):
        both.learn([])
    assert 0.1 <= both.share <= 0.9


def test_one_alone_has_it_all():
    assert (improver("tabu").share, improver("tabu").repairs()) == (0, 0)
    assert (improver("solver").share, improver("solver").repairs()) == (1, 16)
    assert improver().repairs() < 16


def test_state_lasts():
    both = improver()
    both.learn(entries(REPAIRED, 5))
    again = improver()
    again.restore(json.loads(json.dumps(both.state)))
    assert again.share == both.share
    assert again.state == both.state


def test_starts_are_prefixes_of_samples_pool_members_or_nothing():
    instance = problem("isosceles", 8)
    pool = Pool(10, 10, 1.0)
    both = improver(repairs=200)
    empty = [t for t, _ in both.tasks([("mirror", 1.0, [])], pool, 0, 99, lambda: False, None)]
    assert all(not len(t.starts[0]) for t in empty)
    member = np.array([0, 7], np.int64)
    pool.merge([dataclasses.replace(entries("random", 1)[0], elements=member)])
    sample = np.array([1, 6], np.int64)
    planned = [("mirror", 1.0, [Start(sample, "model"), Start(member, "elite")])]
    tasks = list(both.tasks(planned, pool, 0, 99, lambda: False, None))
    assert {o for _, (o,) in tasks} == {REPAIRED, COMPLETED}
    for task, (origin,) in tasks:
        assert task.prefixes == (origin == COMPLETED,)
        assert task.starts[0].tolist() == (sample if origin == COMPLETED else member).tolist()
        assert task.instance == instance
    assert len({t.seed for t, _ in tasks}) == len(tasks)
    assert not list(both.tasks(planned, pool, 0, 99, lambda: True, None))


@pytest.mark.parametrize("improve", ["solver", "both"])
def test_runs_with_a_budget_in_generations_repeat_and_resume(improve, tmp_path, monkeypatch):
    def run(name, generations):
        monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / f"home-{name}"))
        folder = tmp_path / name
        budget = ("--generations", generations, "--seed", 3)
        arguments = (*budget, "--model", "bigram", "--improve", improve, *SMALL, "--run-dir", folder, "--quiet")
        assert invoke("search", "isosceles", 8, *arguments).status == 0
        return folder

    whole = run("whole", 2)
    parts = run("parts", 1)
    assert invoke("resume", parts, "--generations", 2, "--quiet").status == 0
    log = read_log(whole)
    assert untimed(log) == untimed(read_log(parts))
    assert archived(tmp_path / "home-whole") == archived(tmp_path / "home-parts")
    origins = set().union(*(entry["origins"] for entry in log))
    assert REPAIRED in origins
    assert bool(origins & {"random", "elite"}) == (improve == "both")
    assert all(bool(entry["steps"]) == (improve == "both") for entry in log)


def test_tabu_alone_is_as_it_was(tmp_path):
    """The default makes no repairs and asks for no solver."""
    assert invoke("search", "isosceles", 8, "--generations", 1, "--model", "none", *SMALL, "--run-dir", tmp_path / "r")
    (entry,) = read_log(tmp_path / "r")
    assert not set(entry["origins"]) & {REPAIRED, COMPLETED}


def test_a_time_budget_is_kept(tmp_path):
    arguments = ("--minutes", 0.1, "--model", "none", "--improve", "both", *SMALL, "--run-dir", tmp_path / "r")
    assert invoke("search", "isosceles", 24, *arguments, "--quiet").status == 0
    log = read_log(tmp_path / "r")
    assert any(REPAIRED in entry["origins"] for entry in log)
    assert log[-1]["seconds"] < 60
