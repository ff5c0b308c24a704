"""No four chosen points of the n x n grid lie on one circle; lines are allowed."""

from collections.abc import Sequence
from itertools import combinations
from math import gcd

from patternboost.problem import Point, Problem, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The other points of the circle through the three: with the first at the origin, a (x^2 + y^2) + b x + c y = 0."""
    r, c = chosen[0] // n, chosen[0] % n
    ar, ac = chosen[1] // n - r, chosen[1] % n - c
    br, bc = chosen[2] // n - r, chosen[2] % n - c
    area = ar * bc - ac * br
    if area == 0:
        return 0
    first, second = ar * ar + ac * ac, br * br + bc * bc
    x_factor, y_factor = second * ac - first * bc, first * br - second * ar
    count = 0
    for row in range(n):
        x = row - r
        for column in range(n):
            y = column - c
            if area * (x * x + y * y) + x_factor * x + y_factor * y == 0:
                element = row * n + column
                if element != chosen[0] and element != chosen[1] and element != chosen[2]:
                    out[count] = element
                    count += 1
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """A pair sees all points of a circle through it under one angle (up to a straight one): equal cotangents."""
    for a, b in combinations(points, 2):
        seen: dict[Point, Point] = {}
        for p in points:
            cross = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
            if cross == 0:
                continue
            dot = (p[0] - a[0]) * (p[0] - b[0]) + (p[1] - a[1]) * (p[1] - b[1])
            common = gcd(dot, cross) * (1 if cross > 0 else -1)
            angle = (dot // common, cross // common)  # the cotangent, in lowest terms
            if angle in seen:
                return [a, b, seen[angle], p]
            seen[angle] = p
    return None


PROBLEM = Problem(
    name="no-four-on-a-circle",
    title="no four points on a circle",
    definition="Points of the n x n grid, no four of which lie on one circle; four points on a line are allowed.",
    k=4,
    complete=complete,
    violation=violation,
    translations=True,
    sources=("T. Thiele, The no-four-on-circle problem, J. Combin. Theory A 71 (1995)",),
)
