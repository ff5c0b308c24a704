"""Fast kernels against the obvious reference, on random data, over every symmetry class."""

import dataclasses

import numpy as np
import pytest
import reference

from patternboost.problem import ProblemError
from patternboost.problem.registry import problem
from patternboost.search import sparse
from patternboost.search.greedy import Greedy
from patternboost.search.memory import Building
from patternboost.search.sparse import MEMBER, TABU, tabu
from patternboost.search.tables import build_table, evaluate_row, pair_index
from patternboost.search.tabu import BEST_COUNT, BEST_POINTS, BEST_STEP, STEP, begin, new_walk
from patternboost.search.tasks import Effort, Task, run_task

CASES = [
    (name, n, symmetry)
    for name in ("isosceles", "no-three-in-line")
    for n in (4, 5)
    for symmetry in problem(name, n).classes
]


def orbit_edges_of(table):
    """The hypergraph that a table's arrays describe."""
    rows, count = table.rows, table.orbits.count
    edges = {
        frozenset((a, int(b))) for a in range(count) for b in rows.pair[rows.pair_start[a] : rows.pair_start[a + 1]]
    }
    scratch = [np.zeros(2, np.int64), np.zeros(table.instance.size, np.int64), np.zeros(count + 1, np.int64)]
    target = np.zeros(count, np.uint16)
    for a in range(count):
        for b in range(a + 1, count):
            if rows.bad[a] or rows.bad[b]:
                continue
            if rows.compiled:
                i = pair_index(count, a, b)
                row = rows.row[rows.row_start[i] : rows.row_start[i + 1]]
            else:
                row = target[: evaluate_row(table.instance.problem.complete, rows, a, b, *scratch, target, 0)]
            assert len(set(row.tolist())) == len(row)
            edges |= {frozenset((a, b, int(c))) for c in row}
    return edges


@pytest.mark.parametrize(("name", "n", "symmetry"), CASES)
@pytest.mark.parametrize("memory", [1 << 30, 0])
def test_tables_are_the_orbit_hypergraph(name, n, symmetry, memory):
    instance = problem(name, n)
    table = build_table(instance, symmetry, Building(memory, 2))
    assert table.rows.compiled == (memory > 0 or table.orbits.count < 2)
    assert set(np.flatnonzero(table.rows.bad)) == reference.bad_orbits(instance, table.orbits)
    assert orbit_edges_of(table) == reference.orbit_edges(instance, table.orbits)


@pytest.mark.parametrize(("name", "n", "symmetry"), CASES)
@pytest.mark.parametrize("memory", [1 << 30, 0])
def test_counts_stay_exact_under_random_moves(name, n, symmetry, memory):
    instance = problem(name, n)
    table = build_table(instance, symmetry, Building(memory))
    edges = orbit_edges_of(table)
    usable = np.flatnonzero(table.rows.bad == 0)
    if not len(usable):
        assert table.rows.bad.all()
        return
    rng = np.random.default_rng(3)
    state = sparse.new_state(table.rows, 1)
    members: set[int] = set()
    complete = instance.problem.complete
    for _ in range(40):
        a = int(rng.choice(usable))
        if a in members:
            sparse.drop(complete, table.rows, state, a)
            members.remove(a)
        else:
            sparse.add(complete, table.rows, state, a)
            members.add(a)
        expected = reference.conflict_counts(edges, table.orbits.count, members)
        assert (state.key & (MEMBER - 1)).tolist() == expected
        assert set(state.member[: state.total[0]].tolist()) == members
        assert state.total[1] == table.orbits.weights[sorted(members)].sum()
        assert {i for i, k in enumerate(state.key) if k & MEMBER} == members
    sparse.clear(complete, table.rows, state)
    assert not (state.key & (MEMBER - 1)).any()


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 200])
def test_least_is_a_uniform_choice_among_the_smallest(count):
    rng = np.random.default_rng(count)
    key = rng.integers(2, 5, count).astype(np.int32)
    key[rng.random(count) < 0.2] |= MEMBER
    key[rng.random(count) < 0.2] |= TABU
    smallest = np.flatnonzero(key == key.min())
    state = np.array([12345], np.uint64)
    if key.min() >= MEMBER:
        assert sparse.least(key, state) == -1, "members and tabu orbits may not be added"
        return
    draws = [sparse.least(key, state) for _ in range(200 * len(smallest))]
    hits = np.bincount(draws, minlength=count)
    assert set(np.flatnonzero(hits)) == set(smallest)
    assert (np.abs(hits[smallest] - 200) < 100).all()


@pytest.mark.parametrize(("name", "n", "symmetry"), CASES)
def test_repair_and_fill_end_in_a_maximal_valid_set(name, n, symmetry):
    instance = problem(name, n)
    table = build_table(instance, symmetry)
    complete = instance.problem.complete
    for seed in range(5):
        state = sparse.new_state(table.rows, seed)
        rng = np.random.default_rng(seed)
        sparse.load(complete, table.rows, state, rng.permutation(table.orbits.count)[: table.orbits.count // 2])
        sparse.repair(complete, table.rows, state)
        members = state.member[: state.total[0]].astype(np.int64)
        assert instance.violation(instance.to_points(table.orbits.expand(members))) is None
        sparse.fill(complete, table.rows, state)
        members = state.member[: state.total[0]].astype(np.int64)
        points = instance.to_points(table.orbits.expand(members))
        assert instance.violation(points) is None
        for orbit in set(range(table.orbits.count)) - set(members.tolist()):
            more = instance.to_points(table.orbits.expand(np.append(members, orbit)))
            assert instance.violation(more) is not None


@pytest.mark.parametrize(("name", "n", "symmetry"), CASES)
def test_tabu_is_valid_and_the_same_in_pieces(name, n, symmetry):
    instance = problem(name, n)
    table = build_table(instance, symmetry)
    complete = instance.problem.complete

    def walk_in(pieces):
        state, walk = sparse.new_state(table.rows, 7), new_walk(table.orbits.count, (1, 3))
        sparse.fill(complete, table.rows, state)
        begin(state, walk)
        for steps in pieces:
            tabu(complete, table.rows, state, walk, steps, 10**6, 10**6)
        return walk, state

    one, state = walk_in([300])
    many, other = walk_in([1, 99, 50, 150])
    assert one.info.tolist() == many.info.tolist()
    assert state.key.tolist() == other.key.tolist()
    assert one.info[STEP] == 300
    best = table.orbits.expand(one.best[: one.info[BEST_COUNT]].astype(np.int64))
    assert len(best) == one.info[BEST_POINTS]
    assert instance.violation(instance.to_points(best)) is None


def test_tabu_stops_at_target_and_patience():
    instance = problem("isosceles", 6)
    table = build_table(instance, "none")
    complete = instance.problem.complete
    state, walk = sparse.new_state(table.rows, 1), new_walk(table.orbits.count, (1, 3))
    begin(state, walk)
    assert tabu(complete, table.rows, state, walk, 10**6, 10**5, 9)
    assert walk.info[BEST_POINTS] == 9
    sparse.clear(complete, table.rows, state)
    begin(state, walk)
    assert tabu(complete, table.rows, state, walk, 10**6, 50, 10)
    assert walk.info[STEP] == walk.info[BEST_STEP] + 50


def test_a_task_gives_the_same_outcomes_again_and_projects_its_starts():
    instance = problem("isosceles", 8)
    start = np.array([0, 7, 56, 63, 3], np.int64)
    task = Task(instance, "both-mirrors", (start, np.empty(0, np.int64)), Effort(200, 2000), 5, 100)
    first, second = run_task(task), run_task(task)
    assert [o.elements.tolist() for o in first] == [o.elements.tolist() for o in second]
    assert [o.steps for o in first] == [o.steps for o in second]
    assert first[1].before == 0
    for outcome in first:
        assert instance.violation(instance.to_points(outcome.elements)) is None


def test_a_task_hears_stop():
    instance = problem("isosceles", 8)
    task = Task(instance, "none", (np.empty(0, np.int64),) * 3, Effort(200, 2000), 5, 100)
    assert run_task(task, lambda: True) == []


@pytest.mark.parametrize("name", ["isosceles", "no-three-in-line"])
@pytest.mark.parametrize("n", [1, 2, 5, 9, 16])
def test_greedy_by_shifts_takes_the_same_cells(name, n):
    instance = problem(name, n)
    table = build_table(instance, "none", Building(0))
    greedy = Greedy.of(instance)
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(n * n)
        state = sparse.new_state(table.rows, 1)
        sparse.fill_in_order(instance.problem.complete, table.rows, state, order)
        expected = np.sort(state.member[: state.total[0]])
        assert greedy.fill(order).tolist() == expected.tolist()
    assert [s.tolist() for s in greedy.sample(3, 4)] == [s.tolist() for s in greedy.sample(3, 4)]


def test_greedy_needs_triples_that_may_be_moved():
    instance = problem("isosceles", 5)
    still = dataclasses.replace(instance.problem, translations=False)
    with pytest.raises(ProblemError, match="may be moved"):
        Greedy.of(still.at(5))
    with pytest.raises(ProblemError, match="n must be"):
        Greedy.of(problem("isosceles", 200))
