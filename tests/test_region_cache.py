"""Bitmaps of regions that are cut from others: the same as those from the rule, and made where that pays."""

import numpy as np
import patternboost_problems.isosceles as isosceles
import patternboost_problems.no_three_in_line as no_three_in_line
import pytest

from patternboost.problem import Instance
from patternboost.problem.registry import find_problem
from patternboost.problem.symmetry import class_orbits
from patternboost.search import region_cache
from patternboost.search.bitmaps import BitRows, build_bitrows
from patternboost.search.region_cache import cut, region_rows
from patternboost.search.regions import region_bitmaps
from patternboost.search.tables import build_table

MEMORY = 1 << 30


def same(mine: BitRows | None, other: BitRows | None) -> bool:
    """Whether two forms of the same bitmaps hold the same; one may have more planes than it needs."""
    assert mine is not None
    assert other is not None
    mine, other = (rows._replace(planes=0) for rows in (mine, other))
    return all(np.array_equal(a, b) for a, b in zip(mine, other, strict=True))


SMALL = [(isosceles.PROBLEM, 7), (no_three_in_line.PROBLEM, 9), (find_problem("distance"), 8)]


@pytest.mark.parametrize(
    ("problem", "n", "symmetry"),
    [
        *((*of, name) for of in SMALL for name in ("none", "both-mirrors", "near-quarter-turn", "both-mirrors+half")),
        *((isosceles.PROBLEM, 26, name) for name in ("both-mirrors", "diagonal", "both-mirrors+half")),
    ],
)
def test_a_cut_is_what_the_rule_says(problem, n, symmetry):
    instance = Instance(problem, n)
    count = class_orbits(instance, symmetry).count
    chosen = np.random.default_rng(n).permutation(count)
    region, more = (np.sort(chosen[: int(share * count)]).astype(np.int64) for share in (0.4, 0.7))
    rule = region_bitmaps(instance, symmetry, region, MEMORY)
    larger = region_bitmaps(instance, symmetry, more, MEMORY)
    assert larger is not None
    found = cut(larger, np.searchsorted(more, region))
    assert same(found, rule)
    assert rule is not None
    assert found.planes >= rule.planes
    whole = build_bitrows(build_table(instance, symmetry))
    assert whole is not None
    assert same(cut(whole, region), rule)


def test_regions_much_alike_are_evaluated_together_once(monkeypatch):
    instance, evaluated = isosceles.PROBLEM.at(31), []

    def counted(instance, symmetry, orbits, *rest):
        evaluated.append(orbits)
        return region_bitmaps(instance, symmetry, orbits, *rest)

    monkeypatch.setattr(region_cache, "region_bitmaps", counted)
    random = np.random.default_rng(5)
    asked = [np.sort(random.choice(60, 50, replace=False)).astype(np.int64) for _ in range(12)]
    found = [region_rows(instance, "both-mirrors", region, MEMORY) for region in asked]
    assert all(
        same(rows, region_bitmaps(instance, "both-mirrors", r, MEMORY)) for rows, r in zip(found, asked, strict=True)
    )
    assert len(evaluated) < 6
    before = len(evaluated)
    for region in asked:  # kept
        assert region_rows(instance, "both-mirrors", region, MEMORY) is found[[r is region for r in asked].index(True)]
    assert len(evaluated) == before


def test_bitmaps_of_the_class_at_hand_are_used(monkeypatch):
    instance, region = isosceles.PROBLEM.at(23), np.arange(3, 60, 2, dtype=np.int64)
    whole = build_bitrows(build_table(instance, "both-mirrors"))
    monkeypatch.setattr(region_cache, "region_bitmaps", None)
    assert same(region_rows(instance, "both-mirrors", region, MEMORY, whole=whole), cut(whole, region))


def test_where_memory_is_short_regions_are_evaluated_one_by_one(monkeypatch):
    instance, evaluated = isosceles.PROBLEM.at(33), []

    def counted(instance, symmetry, orbits, *rest):
        evaluated.append(len(orbits))
        return region_bitmaps(instance, symmetry, orbits, *rest)

    monkeypatch.setattr(region_cache, "region_bitmaps", counted)
    one = region_bitmaps(instance, "both-mirrors", np.arange(50), MEMORY)
    assert one is not None
    for first in range(0, 120, 10):
        assert region_rows(instance, "both-mirrors", np.arange(first, first + 50), 5 * one.nbytes) is not None
    assert evaluated == [50] * 12
