"""All distances between chosen points of the n x n grid are different."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from patternboost_problems import isosceles

from patternboost.problem import Forbidden, Point, Problem, rule


@rule
def complete_four(n, chosen, out):  # type: ignore[no-untyped-def]
    """Fourth points: as far from one of the three as the two others are from each other."""
    opposite = np.zeros(3, np.int64)
    for i in range(3):
        a, b = chosen[(i + 1) % 3], chosen[(i + 2) % 3]
        opposite[i] = (a // n - b // n) ** 2 + (a % n - b % n) ** 2
    count = 0
    for element in range(n * n):
        fits = False
        for i in range(3):
            fits = fits or (element // n - chosen[i] // n) ** 2 + (element % n - chosen[i] % n) ** 2 == opposite[i]
        if fits and element != chosen[0] and element != chosen[1] and element != chosen[2]:
            out[count] = element
            count += 1
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two pairs, with a point in common or without, whose squared distances are equal."""
    seen: dict[int, tuple[Point, Point]] = {}
    for p, q in combinations(points, 2):
        square = sum((a - b) ** 2 for a, b in zip(p, q, strict=True))
        if square in seen:
            return sorted({p, q, *seen[square]})
        seen[square] = p, q
    return None


PROBLEM = Problem(
    name="no-repeated-distance",
    title="all distances between points are different",
    definition="Points of the n x n grid such that no two pairs of them, with a point in common or without, are "
    "equally far apart.",
    forbidden=(Forbidden(3, isosceles.complete), Forbidden(4, complete_four)),
    violation=violation,
    sources=("OEIS A271490", "P. Erdős and R. K. Guy, Distinct distances between lattice points, 1970"),
)
