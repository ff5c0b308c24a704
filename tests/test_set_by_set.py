"""The engine for forbidden sets of four and more elements, against the obvious reference."""

import numpy as np
import pytest
import reference
from commands import invoke, refused
from shapes import LARGE, classes

from patternboost.exact.constraints import hypergraph
from patternboost.exact.prove import prove
from patternboost.exact.repair import improve
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import class_orbits
from patternboost.search import set_by_set
from patternboost.search.enumerate import can_be_written, find_conflicts, shared_conflicts
from patternboost.search.hypergraph import add_element, drop_element
from patternboost.search.masks import legality_mask
from patternboost.search.memory import Building, Interrupted
from patternboost.search.tables import build_table
from patternboost.search.tasks import Effort, Task, run_task
from patternboost.search.walker import Walker, set_walker

#: every form of the counts: written-out sets, the problem's own update (where it has one), the rule
FORMS = ("written", "own", "rule")
CASES = [(name, n, symmetry) for name, n in LARGE for symmetry in dict.fromkeys(classes(name, n))]
#: form, problem, n: the forms that a problem has
FORMED = [(form, name, n) for name, n in LARGE for form in FORMS if form != "own" or problem(name, n).problem.conflicts]


def conflicts_in(form, name, n):
    """The forbidden sets of an instance in one of the forms that it has."""
    instance = problem(name, n)
    found = find_conflicts(instance, Building(1 << 30 if form == "written" else 0))
    assert found.hypergraph.written == (form == "written")
    return found.__class__(instance, found.hypergraph._replace(own=form == "own"))


@pytest.mark.parametrize(("name", "n"), LARGE)
def test_written_out_sets_are_the_forbidden_sets(name, n):
    instance = problem(name, n)
    for jobs in (1, 3):
        hypergraph = find_conflicts(instance, Building(1 << 30, jobs)).hypergraph
        assert {frozenset(s) for s in hypergraph.sets.tolist()} == set(reference.forbidden_sets(instance))
        assert len({frozenset(s) for s in hypergraph.sets.tolist()}) == len(hypergraph.sets)
        for e in range(instance.size):
            at = hypergraph.incident[hypergraph.start[e] : hypergraph.start[e + 1]]
            assert sorted(at.tolist()) == np.flatnonzero((hypergraph.sets == e).any(axis=1)).tolist()


@pytest.mark.parametrize(("form", "name", "n"), FORMED)
def test_counts_stay_exact_under_random_moves(form, name, n):
    conflicts = conflicts_in(form, name, n)
    instance = conflicts.instance
    edges = set(reference.forbidden_sets(instance))
    counts = conflicts.empty()
    what = (instance.problem.complete, conflicts.update, conflicts.hypergraph, counts)
    rng = np.random.default_rng(n)
    members: set[int] = set()
    for _ in range(60):
        e = int(rng.integers(instance.size))
        if e in members:
            drop_element(*what, e)
            members.remove(e)
        else:
            add_element(*what, e)
            members.add(e)
        assert set(counts.member[: counts.size[0]].tolist()) == members
        assert counts.counts[: instance.size].tolist() == reference.conflict_counts(edges, instance.size, members)


@pytest.mark.parametrize(("name", "n", "symmetry"), CASES)
def test_bad_orbits_are_those_that_hold_a_forbidden_set(name, n, symmetry):
    instance = problem(name, n)
    table = build_table(instance, symmetry)
    assert set(np.flatnonzero(table.rows.bad)) == reference.bad_orbits(instance, table.orbits)


def walker_on(conflicts, orbits, bad, seed):
    state = set_by_set.new_state(orbits, conflicts.empty(), bad, seed)
    return Walker(set_by_set.FORM, set_by_set.space_of(conflicts), state, (1, 3))


@pytest.mark.parametrize(
    ("form", "name", "n", "symmetry"), [(f, *c) for c in CASES for f in FORMS if (f, *c[:2]) in FORMED]
)
def test_walks_are_valid_maximal_at_the_start_and_the_same_in_pieces(form, name, n, symmetry):
    conflicts = conflicts_in(form, name, n)
    instance, orbits = conflicts.instance, class_orbits(problem(name, n), symmetry)
    bad = build_table(instance, symmetry).rows.bad

    def points(chosen):
        return instance.to_points(orbits.expand(np.sort(chosen)))

    def walk(pieces):
        walker = walker_on(conflicts, orbits, bad, 5)
        left = walker.start(np.arange(0, orbits.count, 2, dtype=np.int64))
        first, score = walker.best
        assert left <= score == len(points(first))
        assert instance.violation(points(first)) is None
        for orbit in set(range(orbits.count)) - set(first.tolist()):
            assert instance.violation(points(np.append(first, orbit))) is not None
        for steps in pieces:
            walker.run(steps, 10**6, 10**6)
        return walker

    one, many = walk([120]), walk([1, 60, 59])
    assert one.steps == many.steps == 120
    assert one.best[1] == many.best[1]
    assert sorted(one.best[0]) == sorted(many.best[0])
    assert instance.violation(points(one.best[0])) is None
    assert len(points(one.best[0])) == one.best[1]


def test_all_forms_walk_alike():
    for name, n in LARGE:
        bests = []
        for form in (f for f, *formed in FORMED if formed == [name, n]):
            conflicts = conflicts_in(form, name, n)
            orbits = class_orbits(conflicts.instance, "none")
            walker = walker_on(conflicts, orbits, np.zeros(orbits.count, np.uint8), 2)
            walker.start(np.empty(0, np.int64))
            walker.run(200, 10**6, 10**6)
            bests.append(sorted(walker.best[0].tolist()))
        assert len(bests) >= 2
        assert all(best == bests[0] for best in bests), name


@pytest.mark.parametrize("name", ["no-square", "no-axis-parallel-square", "no-four-cycle"])
def test_local_search_meets_the_small_optimum(name):
    n = 4
    instance = problem(name, n)
    task = Task(instance, "none", (np.empty(0, np.int64),) * 5, Effort(2000, 20000), 1, instance.size)
    assert max(o.after for o in run_task(task)) == reference.optimum(instance)


@pytest.mark.parametrize(("name", "n", "symmetry"), CASES)
def test_masks_block_exactly_what_would_be_invalid(name, n, symmetry):
    instance = problem(name, n)
    table = build_table(instance, symmetry)
    orbits = table.orbits
    rng = np.random.default_rng(1)
    mask = legality_mask(table, 2)
    pairs = [rng.choice(orbits.count, 2, replace=False) for _ in range(8)] if orbits.count > 1 else []
    start, parts = np.arange(0, 2 * len(pairs) + 1, 2), np.array(pairs, np.int64).ravel()
    chosen: list[int] = []
    while True:
        blocked = mask.blocked[1, :-1]
        for orbit in range(orbits.count):
            bad = orbit in chosen or instance.violation(instance.to_points(orbits.expand([*chosen, orbit]))) is not None
            assert blocked[orbit] == bad
        for pair, bad in zip(pairs, mask.groups(start, parts)[1], strict=True):
            there = [*chosen, *pair.tolist()]
            expected = len(set(there)) < len(there) or instance.violation(instance.to_points(orbits.expand(there)))
            assert bad == bool(expected)
        free = np.flatnonzero(blocked == 0)
        if not len(free):
            break
        chosen.append(int(rng.choice(free)))
        mask.extend(np.array([-1, chosen[-1]]))
    mask.keep(np.array([1]))
    assert mask.blocked.shape == (1, orbits.count + 1)


def test_finding_sets_hears_stop_and_is_shared_between_classes():
    instance = problem("no-square", 6)
    with pytest.raises(Interrupted):
        find_conflicts(instance, Building(1 << 30, stopped=lambda: True))
    told: list[float] = []
    first = shared_conflicts(instance, Building(1 << 30, report=told.append))
    assert told
    assert told[-1] == pytest.approx(1)
    assert shared_conflicts(instance, Building(1 << 30)) is first


def test_what_is_too_much_is_not_written_out():
    assert can_be_written(problem("no-square", 14), 1 << 30)
    assert not can_be_written(problem("no-square", 14), 1)
    assert not can_be_written(problem("no-five-on-a-sphere", 7), 1 << 40)


@pytest.mark.parametrize(("name", "n", "symmetry"), [case for case in CASES if case[0] != "no-four-coplanar"])
def test_the_solver_is_told_the_forbidden_sets_beside_fixed_members(name, n, symmetry):
    """Every subset of the free orbits is allowed by the hypergraph exactly if the definition allows it."""
    instance = problem(name, n)
    table = build_table(instance, symmetry)
    rng = np.random.default_rng(3)
    walker = set_walker(table, (1, 1), 4)
    whole = walker.valid(np.empty(0, np.int64), True)
    for size in {0, min(2, len(whole)), len(whole) // 2}:
        fixed = np.sort(rng.permutation(whole)[:size])
        graph = hypergraph(table, fixed)
        sets = [set(row) for rows in (graph.pairs, graph.triples, *graph.larger) for row in rows.tolist()]
        assert all(len(s) == len(row) for s, row in zip(sets, (r for rows in (graph.pairs, graph.triples, *graph.larger)
                                                               for r in rows.tolist()), strict=True))  # fmt: skip
        joined = {int(o) for o in range(table.orbits.count) if o not in fixed and instance.violation(
            instance.to_points(table.orbits.expand(np.append(fixed, o)))) is None}  # fmt: skip
        assert set(graph.orbits.tolist()) == joined
        for _ in range(60):
            chosen = np.flatnonzero(rng.random(graph.count) < rng.random())
            points = instance.to_points(table.orbits.expand(np.concatenate([fixed, graph.orbits[chosen]])))
            allowed = not any(s <= set(chosen.tolist()) for s in sets)
            assert allowed == (instance.violation(points) is None)


@pytest.mark.long
@pytest.mark.parametrize(("name", "n"), [("no-square", 4), ("no-four-cycle", 6), ("no-five-on-a-sphere", 2)])
def test_proofs_and_repairs_of_larger_sets(name, n, tmp_path):
    instance = problem(name, n)
    result = prove(instance, jobs=1, run_dir=tmp_path / "proof")
    assert result.proof.lower == result.proof.upper == reference.optimum(instance)
    table = build_table(instance, "none")
    rng = np.random.default_rng(0)
    start = set_walker(table, (1, 1), 9).valid(np.empty(0, np.int64), True)
    better = improve(table, start, rng, 2.0, instance.size)
    assert len(better) >= len(start)
    assert instance.violation(instance.to_points(table.orbits.expand(better))) is None


def test_repairs_of_what_cannot_be_written_out_are_refused_before_the_run(tmp_path):
    arguments = ("search", "no-five-on-a-sphere", 7, "--improve", "both", "--run-dir", tmp_path / "run")
    refused(invoke(*arguments), "more forbidden sets than the exact half can write out")
    assert not (tmp_path / "run").exists()
