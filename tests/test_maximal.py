"""Sets with symmetry have no room for an orbit; where they have room for an element, the search takes that, too."""

import numpy as np
import pytest

import patternboost as pb
from patternboost.loop.pool import Pool
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import class_orbits

N = 13


@pytest.fixture
def pool_of(tmp_path):
    def pool_of(**settings):
        options = {"starts": 60, "generations": 1, "model": "none", "jobs": 1, "make_seeds": False, "quiet": True}
        pb.search("no-three-in-line", N, seed=1, run_dir=tmp_path / "run", **options, **settings)
        pool = Pool(10_000, 10_000, 1.0)
        pool.load(max(tmp_path.glob("run/checkpoint/*/pool.npz")))
        return pool

    return pool_of


def room(elements):
    """The elements that fit, by the definition asked of each in turn."""
    instance = problem("no-three-in-line", N)
    others = np.setdiff1d(np.arange(instance.size), elements)
    return [e for e in others if instance.violation(instance.to_points(np.append(elements, e))) is None]


def test_what_is_nearly_the_best_is_kept_as_a_maximal_set_too(pool_of):
    pool = pool_of()
    sets = [set(e.elements.tolist()) for e in pool.entries]
    best = pool.entries[0].merit
    with_room = [set(e.elements.tolist()) for e in pool.entries if e.merit >= best - 2 and room(e.elements)]
    assert with_room
    for found in with_room:
        assert any(other > found and not room(np.array(sorted(other))) for other in sets)


def test_with_one_class_asked_for_nothing_without_it_is_kept(pool_of):
    pool = pool_of(symmetry="both-mirrors")
    orbits = class_orbits(problem("no-three-in-line", N), "both-mirrors")
    assert all(orbits.is_union(e.elements) for e in pool.entries)
    assert any(room(e.elements) for e in pool.entries)
