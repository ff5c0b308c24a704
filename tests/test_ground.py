"""Ground sets of every shape: numbering, groups, classes, embeddings, canonical forms."""

from importlib import import_module
from itertools import combinations
from math import factorial

import numpy as np
import pytest
import reference
from shapes import CASES, SHAPES, classes

from patternboost.problem import ends, join, square_root
from patternboost.problem.ground import CUBE, EDGES, F3, GRID, MAX_ELEMENTS, TORUS
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import align, canonical_form, class_orbits, class_preserving, symmetry_class

GROUNDS = {"grid": (GRID, (1, 2, 5)), "torus": (TORUS, (1, 2, 4, 5)), "cube": (CUBE, (1, 2, 3)), "F3": (F3, (1, 2, 3)),
           "edges": (EDGES, (2, 3, 6, 7))}  # fmt: skip
CASES_OF_GROUNDS = [(name, n) for name, (_, sizes) in GROUNDS.items() for n in sizes]


@pytest.mark.parametrize(("name", "n"), CASES_OF_GROUNDS)
def test_elements_and_points_are_two_names_of_one_thing(name, n):
    ground = GROUNDS[name][0]
    points = ground.points(n)
    assert len(points) == ground.size(n) == len({tuple(p) for p in points.tolist()})
    assert ground.elements(n, points).tolist() == list(range(ground.size(n)))
    assert sorted(ground.order(n).tolist()) == list(range(ground.size(n)))


@pytest.mark.parametrize("name", GROUNDS)
def test_the_largest_size_fits_and_the_next_does_not(name):
    ground = GROUNDS[name][0]
    assert ground.size(ground.max_n()) <= MAX_ELEMENTS < ground.size(ground.max_n() + 1)


@pytest.mark.parametrize(("name", "n"), CASES_OF_GROUNDS)
def test_symmetries_are_a_group(name, n):
    group = GROUNDS[name][0].symmetries(n)
    known = {tuple(p) for p in group.tolist()}
    assert group[0].tolist() == list(range(GROUNDS[name][0].size(n)))
    assert all(sorted(p) == list(range(len(p))) for p in known)
    if name not in ("cube", "grid") or n > 1:
        assert len(known) == len(group)
    for p in group[:: max(1, len(group) // 12)]:
        assert all(tuple(p[q]) in known for q in group[:: max(1, len(group) // 12)].tolist())


def test_orders_of_the_groups():
    assert len(CUBE.symmetries(3)) == 48
    assert len(TORUS.symmetries(5)) == 200
    assert len(TORUS.symmetries(17)) == 8
    assert len(F3.symmetries(4)) == 2 * factorial(4)
    assert len(EDGES.symmetries(7)) == 14


@pytest.mark.parametrize(("name", "n"), SHAPES)
def test_orbits_agree_with_reference(name, n):
    instance = problem(name, n)
    for symmetry, generators in instance.classes.items():
        partition = class_orbits(instance, symmetry)
        got = {frozenset(partition.expand(np.array([i])).tolist()) for i in range(partition.count)}
        assert got == set(reference.orbits(instance.size, generators)), symmetry


@pytest.mark.parametrize(("name", "n"), [("cap-set", 4), ("cap-set", 6), ("no-four-cycle", 9), ("no-four-coplanar", 6)])
def test_classes_are_of_the_order_they_say(name, n):
    """'field-r' and 'cyclic-r': every orbit but the fixed ones has r elements, or a divisor of it."""
    instance = problem(name, n)
    for symmetry in instance.classes:
        kind, _, order = symmetry.partition("-")
        sizes = set(class_orbits(instance, symmetry).weights.tolist())
        if kind == "field" and "+" not in order:
            assert sizes == {1, int(order)}
        if kind == "cyclic":
            assert all(int(order) % s == 0 for s in sizes)
    assert len({tuple(class_orbits(instance, s).orbit_of) for s in instance.classes}) == len(instance.classes)


@pytest.mark.parametrize(("name", "n", "symmetry"), CASES)
def test_class_preserving_symmetries_map_orbits_to_orbits(name, n, symmetry):
    instance = problem(name, n)
    partition = class_orbits(instance, symmetry)
    rng = np.random.default_rng(n)
    moves = class_preserving(instance, partition)
    for permutation in moves[:: max(1, len(moves) // 20)]:
        chosen = partition.expand(rng.choice(partition.count, min(2, partition.count), replace=False))
        assert partition.is_union(np.sort(permutation[chosen]))


def random_symmetry(instance, rng):
    """A symmetry, also one that is not listed: any vertices of a graph exchanged, any move of a torus."""
    ground, n = instance.problem.ground, instance.n
    if ground is EDGES:
        return EDGES.moved(n, rng.permutation(n).astype(np.int64))
    if ground is TORUS:
        rows, columns = np.divmod(np.arange(n * n), n)
        moved = (rows + rng.integers(n)) % n * n + (columns + rng.integers(n)) % n
        return moved[GRID.symmetries(n)[rng.integers(8)]]
    return instance.symmetries[rng.integers(len(instance.symmetries))]


@pytest.mark.parametrize(("name", "n"), [*SHAPES, ("no-three-in-line-torus", 18), ("no-four-cycle", 11)])
def test_canonical_forms_are_equal_for_equivalent_sets_only(name, n):
    instance = problem(name, n)
    rng = np.random.default_rng(2)
    for _ in range(12):
        elements = np.sort(rng.choice(instance.size, min(instance.size, int(rng.integers(2, 9))), replace=False))
        form = canonical_form(instance, elements).tolist()
        assert len(form) == len(elements)
        assert form == sorted(form)
        for _ in range(4):
            moved = random_symmetry(instance, rng)[elements]
            assert canonical_form(instance, rng.permutation(moved)).tolist() == form
        # what is forbidden and what is not is kept by it
        valid = instance.violation(instance.to_points(elements)) is None
        assert (instance.violation(instance.to_points(np.array(form))) is None) == valid


def test_graphs_that_differ_have_different_forms():
    """All graphs on five vertices: 34 up to isomorphism, by the number of edges 1, 1, 2, 4, 6, 6, 6, 4, 2, 1, 1."""
    instance = problem("no-triangle", 5)
    kinds = []
    for edges in range(11):
        sets = combinations(range(10), edges)
        kinds.append(len({canonical_form(instance, np.array(s, np.int64)).tobytes() for s in sets}))
    assert kinds == [1, 1, 2, 4, 6, 6, 6, 4, 2, 1, 1]


def test_without_pynauty_graphs_are_told_apart_by_the_ring(monkeypatch):
    monkeypatch.setattr(import_module("patternboost.problem.ground.edges"), "has_pynauty", lambda: False)
    instance = problem("no-triangle", 6)
    form = canonical_form(instance, np.array([3, 7, 9])).tolist()
    assert form == reference.canonical(instance, [3, 7, 9])


@pytest.mark.parametrize(("name", "n"), SHAPES)
def test_embeddings_are_injective(name, n):
    ground = problem(name, n).problem.ground
    for large in (n, n + 1):
        place = ground.embed(n, large)
        assert len(set(place.tolist())) == ground.size(n)
        assert 0 <= place.min() <= place.max() < ground.size(large)
    assert ground.embed(n, n).tolist() == list(range(ground.size(n)))
    for place in ground.placements(n, n + 1):
        assert len(set(place.tolist())) == ground.size(n)


@pytest.mark.parametrize(("name", "n"), SHAPES)
def test_the_class_that_is_named_holds_the_set(name, n):
    instance = problem(name, n)
    rng = np.random.default_rng(n)
    for symmetry in classes(name, n):
        partition = class_orbits(instance, symmetry)
        elements = partition.expand(np.sort(rng.choice(partition.count, min(2, partition.count), replace=False)))
        named = symmetry_class(instance, elements)
        assert align(instance, elements, named) is not None
        if instance.problem.ground.symmetric_classes:  # all classes are symmetries: a symmetric set has a name
            assert class_orbits(instance, named).count <= partition.count


def test_edges_by_hand():
    for n in (2, 3, 7, 40, 362):
        points = EDGES.points(n).tolist()
        for e in {0, 1, n - 1, len(points) // 2, len(points) - 1} & set(range(len(points))):
            u, v = points[e]
            assert join(n, u, v) == join(n, v, u) == e
            assert ends(n, e) == (u, v)
    assert [square_root(x) for x in (0, 1, 3, 4, 99, 100, 2**52 - 1, 2**52)] == [0, 1, 1, 2, 9, 10, 2**26 - 1, 2**26]
