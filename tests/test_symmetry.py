import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from patternboost.problem.ground.base import generated
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import (
    align,
    canonical_form,
    class_orbits,
    class_preserving,
    inner_board,
    symmetry_class,
)

SIZES = [1, 2, 3, 4, 5, 8]


@pytest.mark.parametrize("n", SIZES)
def test_orbits_agree_with_reference(n):
    instance = problem("isosceles", n)
    for name, generators in instance.classes.items():
        partition = class_orbits(instance, name)
        got = {frozenset(partition.expand(np.array([i])).tolist()) for i in range(partition.count)}
        assert got == set(reference.orbits(instance.size, generators)), name
        assert partition.weights.sum() == instance.size
        assert (partition.orbit_of[partition.representatives] == np.arange(partition.count)).all()


def test_orbit_sizes_of_known_classes():
    sizes = {
        name: sorted(set(class_orbits(problem("isosceles", 6), name).weights))
        for name in (
            "none",
            "half-turn",
            "mirror",
            "both-mirrors",
            "quarter-turn",
            "near-quarter-turn",
            "full",
            "diagonal",
        )
    }
    assert sizes == {
        "none": [1],
        "half-turn": [2],
        "mirror": [2],
        "both-mirrors": [4],
        "quarter-turn": [4],
        "near-quarter-turn": [2, 4],
        "full": [4, 8],
        "diagonal": [1, 2],
    }


@given(st.integers(1, 7), st.data())
@settings(max_examples=60, deadline=None)
def test_canonical_form_is_the_smallest_image_and_invariant(n, data):
    instance = problem("isosceles", n)
    elements = np.array(sorted(data.draw(st.sets(st.integers(0, n * n - 1), min_size=1, max_size=9))))
    expected = reference.canonical(instance, elements.tolist())
    assert canonical_form(instance, elements).tolist() == expected
    for permutation in instance.symmetries:
        assert canonical_form(instance, permutation[elements]).tolist() == expected


@pytest.mark.parametrize("n", [2, 3])
def test_every_set_of_a_small_board_is_named_by_its_whole_stabiliser(n):
    """The named class, turned some way, is a group of exactly the symmetries that fix the set, or the largest in it."""
    instance = problem("isosceles", n)
    orders = {name: len(generated(n * n, maps or [instance.symmetries[0]])) for name, maps in instance.classes.items()
              if all((m >= 0).all() for m in maps) and "near" not in name}  # fmt: skip
    for chosen in range(1 << (n * n)):
        elements = np.flatnonzero([(chosen >> e) & 1 for e in range(n * n)])
        fixed = sum(set(p[elements].tolist()) == set(elements.tolist()) for p in instance.symmetries)
        named = symmetry_class(instance, elements)
        assert orders[named] == max(order for order in orders.values() if fixed % order == 0 and order <= fixed)
        assert align(instance, elements, named) is not None


@pytest.mark.parametrize("n", [4, 5, 7])
def test_symmetry_class_names_the_stabiliser(n):
    instance = problem("isosceles", n)
    rng = np.random.default_rng(n)
    groups = ("half-turn", "mirror", "diagonal", "both-mirrors", "both-diagonals", "quarter-turn", "full")
    for name in groups:
        partition = class_orbits(instance, name)
        seen = set()
        for _ in range(40):
            chosen = rng.choice(partition.count, 3, replace=False)
            elements = partition.expand(chosen)
            found = symmetry_class(instance, elements)
            seen.add(found)
            # whatever it is called, the set is a union of orbits of that class once turned the right way
            assert align(instance, elements, found) is not None
        assert name in seen


@pytest.mark.parametrize("n", [3, 6, 7])
def test_class_preserving_symmetries_map_orbits_to_orbits(n):
    instance = problem("isosceles", n)
    for name in instance.classes:
        partition = class_orbits(instance, name)
        rng = np.random.default_rng(n)
        for permutation in class_preserving(instance, partition):
            chosen = partition.expand(rng.choice(partition.count, 2, replace=False))
            assert partition.is_union(np.sort(permutation[chosen]))
    assert len(class_preserving(instance, class_orbits(instance, "both-mirrors"))) == 8
    assert len(class_preserving(instance, class_orbits(instance, "mirror"))) == 4


def test_the_core_of_a_class_is_where_its_maps_act():
    instance = problem("isosceles", 7)
    cores = {name: inner_board(instance, name) for name in instance.classes}
    partial = {"mirror+half": (7, 6), "both-mirrors+half": (6, 6), "both-mirrors+one-half": (6, 7)}
    assert {name for name, core in cores.items() if core is not None} == set(partial)
    for name, (rows, columns) in partial.items():
        inside = class_orbits(instance, name).expand(cores[name])
        assert inside.tolist() == [7 * r + c for r in range(rows) for c in range(columns)]


def test_project_keeps_unions_of_orbits():
    instance = problem("isosceles", 6)
    for name in instance.classes:
        partition = class_orbits(instance, name)
        chosen = np.arange(0, partition.count, 3)
        assert partition.project(partition.expand(chosen)).tolist() == chosen.tolist()


@pytest.mark.parametrize(("small", "large"), [(4, 7), (5, 8), (6, 6), (5, 11)])
def test_embedding_keeps_distances_from_the_border(small, large):
    ground = problem("isosceles", small).problem.ground
    place = ground.embed(small, large)
    assert len(set(place.tolist())) == small * small
    for (r, c), (r2, c2) in zip(ground.points(small), ground.points(large)[place]):
        for x, y in ((r, r2), (c, c2)):
            assert min(x, small - 1 - x) == min(y, large - 1 - y)
