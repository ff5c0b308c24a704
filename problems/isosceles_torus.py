"""Isosceles-free sets on the torus: distances go the short way round."""

from collections.abc import Sequence

import numpy as np

from patternboost.problem import TORUS, Point, Problem, equal_from_one, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """Every cell that makes two of the three distances equal."""
    ar, ac = chosen[0] // n, chosen[0] % n
    br, bc = chosen[1] // n, chosen[1] % n
    r, c = abs(ar - br), abs(ac - bc)
    between = min(r, n - r) ** 2 + min(c, n - c) ** 2
    count = 0
    for row in range(n):
        r, s = abs(row - ar), abs(row - br)
        to_a, to_b = min(r, n - r) ** 2, min(s, n - s) ** 2
        for column in range(n):
            c, d = abs(column - ac), abs(column - bc)
            first, second = to_a + min(c, n - c) ** 2, to_b + min(d, n - d) ** 2
            if (first == second or first == between or second == between) and first and second:
                out[count] = row * n + column
                count += 1
    return count


def violation(n: int, points: Sequence[Point]) -> Sequence[Point] | None:
    """Two equal distances from one point make an isosceles triangle with its apex there."""
    return equal_from_one(points, lambda step: (np.minimum(step % n, -step % n) ** 2).sum(axis=2))


def plain(n: int, points: Sequence[Point]) -> Sequence[Point] | None:
    """Two points at one distance from a third."""
    for apex in points:
        seen: dict[int, Point] = {}
        for p in points:
            steps = [min((a - b) % n, (b - a) % n) for a, b in zip(p, apex, strict=True)]
            square = steps[0] ** 2 + steps[1] ** 2
            if square and square in seen:
                return [seen[square], apex, p]
            seen[square] = p
    return None


PROBLEM = Problem(
    name="isosceles-torus",
    title="no three points form an isosceles triangle on the torus",
    definition="Points of the n x n torus, no three of which have two equal distances between them; the distance of "
    "two points is the shortest one around the torus.",
    k=3,
    complete=complete,
    violation=violation,
    ground=TORUS,
    plain=plain,
    sources=("Charton, Ellenberg, Wagner, Williamson, PatternBoost, arXiv 2411.00566 (the problem on the plane grid)",),
)
