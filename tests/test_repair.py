"""Large-neighbourhood repair by the exact solver."""

import itertools

import numpy as np
import pytest
from samples import greedy

pytest.importorskip("ortools", reason="the extra exact (OR-tools) is not installed")

from patternboost.exact.constraints import hypergraph
from patternboost.exact.repair import _NEIGHBOURHOODS, RepairTask, _prefix, complete, improve
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import class_orbits
from patternboost.search.tables import build_table

PROBLEMS = ("isosceles", "no-three-in-line")


def members_of(table, seed):
    construction = greedy(table.instance, seed)
    return table.orbits.project(table.instance.to_elements(construction.points))


@pytest.mark.parametrize("name", PROBLEMS)
def test_completion_is_the_best_there_is(name):
    instance = problem(name, 4)
    table = build_table(instance, "none")
    for seed in range(6):
        rng = np.random.default_rng(seed)
        members = members_of(table, seed)
        fixed, wanted = members[:2], members[2:]
        got = complete(table, fixed, wanted, rng)
        assert set(fixed.tolist()) <= set(got.tolist())
        assert instance.violation(instance.to_points(got)) is None
        rest = [e for e in range(instance.size) if e not in fixed]
        better = itertools.combinations(rest, len(got) - len(fixed) + 1)
        assert all(instance.violation(instance.to_points(np.array([*fixed, *s]))) is not None for s in better)


@pytest.mark.parametrize("symmetry", ["none", "mirror", "half-turn"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_repair_is_valid_never_worse_and_repeatable(name, symmetry):
    instance = problem(name, 8)
    starts = tuple(instance.to_elements(greedy(instance, seed).points) for seed in range(2))
    task = RepairTask(instance, symmetry, (*starts, np.empty(0, np.int64)), (False, True, False), 0.5, 7, 10**6)
    outcomes = task.run()
    assert len(outcomes) == 3
    orbits = class_orbits(instance, symmetry)
    for outcome in outcomes:
        assert outcome.after == len(outcome.elements) >= outcome.before
        assert orbits.is_union(outcome.elements)
        assert instance.violation(instance.to_points(outcome.elements)) is None
    assert [o.elements.tolist() for o in task.run()] == [o.elements.tolist() for o in outcomes]


def test_repair_improves_what_greedy_left():
    instance = problem("isosceles", 9)
    table = build_table(instance, "none")
    members = members_of(table, 3)
    better = improve(table, members, np.random.default_rng(0), 1.5, 16)
    assert len(better) > len(members)


@pytest.mark.parametrize("neighbourhood", _NEIGHBOURHOODS, ids=lambda f: f.__name__)
def test_neighbourhoods_free_some_members(neighbourhood):
    table = build_table(problem("isosceles", 10), "mirror")
    members = np.sort(np.array(hypergraph(table).orbits[[0, 9, 21, 33]]))
    for seed in range(20):
        freed = neighbourhood(table, members, np.random.default_rng(seed))
        assert len(freed)
        assert len(np.unique(freed)) == len(freed)
        assert np.isin(freed, members).all()


def test_a_prefix_is_what_the_model_writes_first():
    table = build_table(problem("isosceles", 6), "none")
    members = np.array([0, 14, 21, 35])  # two corners, two cells of the middle
    assert _prefix(table, members, 0.5).tolist() == [0, 35]
    assert _prefix(table, members, 0.01).tolist() in ([0], [35])


def test_repair_stops_when_told():
    instance = problem("isosceles", 10)
    task = RepairTask(instance, "none", (np.empty(0, np.int64),), (False,), 60.0, 1, 10**6)
    assert task.run(lambda: True) == []
