"""The loop's choice between tabu search and the solver."""

import dataclasses

import numpy as np
import pytest
from commands import archived, invoke, read_log, untimed

from patternboost.loop.allocator import Improvers
from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.pool import Entry
from patternboost.loop.proposing import Proposal
from patternboost.loop.repairs import how_many, repair_tasks, share_of_solver
from patternboost.loop.starts import Start
from patternboost.loop.state import new_state
from patternboost.problem.base import NOTHING
from patternboost.problem.registry import problem
from patternboost.store.settings import Settings

pytest.importorskip("ortools", reason="the extra exact (OR-tools) is not installed")

SMALL = ("--set", "starts=20", "--set", "repairs=3", "--set", "repair_work=0.1", "--jobs", 1, "--symmetry", "mirror")


def context(improve="both", **changes):
    settings = Settings("isosceles", 8, symmetry="mirror", generations=2, improve=improve, model="none", **changes)
    return Context(settings, problem("isosceles", 8), ("mirror",), 64, "a proved bound")


def entries(count):
    return [Entry(bytes([i]), np.array([i]), "mirror", 0, Origin.RANDOM, 1) for i in range(count)]


def test_shares_follow_what_pays():
    both = Improvers()

    def learn(tabu, solver):
        both.note({"tabu": tabu, "solver": solver}, share_of_solver("both", both))

    first = share_of_solver("both", both)
    for _ in range(4):
        learn(1, 9)
    assert share_of_solver("both", both) > first
    for _ in range(10):
        learn(40, 0)
    assert share_of_solver("both", both) < 0.15  # but never forgotten altogether
    assert share_of_solver("both", both) >= 0.1
    for _ in range(20):
        learn(0, 40)
    assert 0.85 < share_of_solver("both", both) <= 0.9
    for _ in range(40):
        learn(0, 0)
    assert 0.1 <= share_of_solver("both", both) <= 0.9


def test_one_alone_has_it_all():
    both = Improvers()
    assert share_of_solver("tabu", both) == how_many(context("tabu"), 0.0, None) == 0
    assert share_of_solver("solver", both) == 1
    assert how_many(context("solver"), 1.0, None) == 16
    assert how_many(context(), share_of_solver("both", both), None) < 16


def test_starts_are_prefixes_of_samples_pool_members_or_nothing():
    here = context(repairs=200)
    state = new_state(here, [])

    def tasks(starts, over=lambda: False):
        return list(repair_tasks(here, state, [Proposal("mirror", 1.0, starts)], 0.25, over, None))

    assert all(not len(t.starts[0]) for t, _ in tasks([]))
    member = np.array([0, 7], np.int64)
    state.pool.merge([dataclasses.replace(entries(1)[0], elements=member)])
    sample = np.array([1, 6], np.int64)
    found = tasks([Start(sample, Origin.MODEL), Start(member, Origin.ELITE)])
    assert {start.origin for _, (start,) in found} == {Origin.REPAIRED, Origin.COMPLETED}
    for task, (start,) in found:
        completed = start.origin is Origin.COMPLETED
        assert task.prefixes == (completed,)
        assert task.starts[0].tolist() == start.elements.tolist() == (sample if completed else member).tolist()
        assert start.member == (NOTHING if completed else state.pool.entries[0].merit)
        assert task.instance == here.instance
    assert len({t.seed for t, _ in found}) == len(found)
    assert not tasks([Start(sample, Origin.MODEL)], lambda: True)


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
    assert Origin.REPAIRED in origins
    assert bool(origins & {"random", "elite"}) == (improve == "both")
    assert all(bool(entry["steps"]) == (improve == "both") for entry in log)


def test_tabu_alone_is_as_it_was(tmp_path):
    """The default makes no repairs and asks for no solver."""
    arguments = ("--generations", 1, "--model", "none", *SMALL, "--run-dir", tmp_path / "r")
    assert invoke("search", "isosceles", 8, *arguments).status == 0
    (entry,) = read_log(tmp_path / "r")
    assert not set(entry["origins"]) & {Origin.REPAIRED, Origin.COMPLETED}


def test_a_time_budget_is_kept(tmp_path):
    arguments = ("--minutes", 0.1, "--model", "none", "--improve", "both", *SMALL, "--run-dir", tmp_path / "r")
    assert invoke("search", "isosceles", 24, *arguments, "--quiet").status == 0
    log = read_log(tmp_path / "r")
    assert any(Origin.REPAIRED in entry["origins"] for entry in log)
    assert log[-1]["seconds"] < 60
