"""The pool: the best distinct sets, those found outside learned regions apart, and the members of a class."""

import numpy as np
import pytest

from patternboost.loop.origins import Origin
from patternboost.loop.pool import Entry, Pool
from patternboost.problem.base import NOTHING
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import canonical_key, class_orbits
from patternboost.store.files import FileError


def entry(score, tag=0, origin=Origin.RANDOM):
    elements = np.arange(score, dtype=np.int64) + tag
    return Entry(elements.astype("<u2").tobytes(), elements, "none", tag, origin, len(elements))


def test_pool_keeps_the_top_distinct(tmp_path):
    pool = Pool(capacity=6, floor=4, top=0.5)
    assert pool.threshold == NOTHING
    kept = pool.merge([entry(3), entry(3), entry(5), entry(4), entry(4, 1)])
    assert [e.merit for e in pool.entries] == [5, 4, 4, 3]
    assert len(kept) == 4
    assert pool.merge([entry(5), entry(2)]) == []
    pool.merge([entry(9, t) for t in range(20)])
    assert [e.merit for e in pool.entries] == [9] * 6
    assert pool.threshold == 9
    pool.save(tmp_path / "pool.npz")
    other = Pool(6, 4, 0.5)
    other.load(tmp_path / "pool.npz")
    for a, b in zip(pool.entries, other.entries, strict=True):
        assert (a.key, a.symmetry, a.generation, a.origin) == (b.key, b.symmetry, b.generation, b.origin)
        assert a.elements.tolist() == b.elements.tolist()
    (tmp_path / "pool.npz").write_bytes(b"not a zip")
    with pytest.raises(FileError):
        other.load(tmp_path / "pool.npz")


def test_what_was_found_outside_learned_regions_keeps_its_places():
    pool = Pool(capacity=6, floor=4, top=0.5)
    pool.merge([entry(3, t) for t in range(5)])
    kept = pool.merge([entry(9, t, Origin.MODEL_REGION) for t in range(20)])
    assert [e.merit for e in pool.entries] == [9] * 6 + [3] * 4
    assert len(kept) == 6
    assert [e.merit for e in pool.unguided] == [3] * 4
    assert pool.threshold == NOTHING
    pool.merge([entry(5, t) for t in range(9)])
    assert [e.merit for e in pool.unguided] == [5] * 6
    assert pool.threshold == 5


def test_a_pool_tells_its_members_of_a_class_also_after_it_changed():
    """Beside the orbits, asked for every member again."""
    instance = problem("isosceles", 6)
    rng = np.random.default_rng(0)
    pool, turns = Pool(capacity=40, floor=10, top=0.5), 6
    for turn in range(turns):
        new = []
        for symmetry in ("none", "mirror", "both-mirrors", "full"):
            orbits = class_orbits(instance, symmetry)
            for _ in range(10):
                elements = orbits.expand(np.sort(rng.choice(orbits.count, 2, replace=False)))
                key = canonical_key(instance, elements)
                new.append(Entry(key, elements, symmetry, turn, Origin.RANDOM, turn + int(rng.integers(9))))
        pool.merge(new)
        for symmetry in ("none", "mirror", "both-mirrors"):
            orbits = class_orbits(instance, symmetry)
            expected = [e for e in pool.entries if e.symmetry == symmetry or orbits.is_union(e.elements)]
            assert pool.made_of(orbits, symmetry) == expected
            assert 0 < len(expected) < len(pool) or symmetry == "none"


def test_an_empty_pool_round_trips(tmp_path):
    Pool(6, 4, 0.5).save(tmp_path / "pool.npz")
    other = Pool(6, 4, 0.5)
    other.load(tmp_path / "pool.npz")
    assert len(other) == 0
