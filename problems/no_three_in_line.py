"""No three in line: no three chosen points of the n x n grid lie on one straight line."""

from collections.abc import Sequence
from math import gcd as plain_gcd

from patternboost.problem import Point, Problem, gcd, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """Every other lattice point of the line through the two points."""
    a, b = chosen[0], chosen[1]
    ar, ac = a // n, a % n
    dr, dc = b // n - ar, b % n - ac
    g = gcd(dr, dc)
    dr, dc = dr // g, dc // g
    count = 0
    for sign in (1, -1):
        r, c = ar + sign * dr, ac + sign * dc
        while 0 <= r < n and 0 <= c < n:
            element = r * n + c
            if element != b:
                out[count] = element
                count += 1
            r, c = r + sign * dr, c + sign * dc
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two points in the same direction (up to sign) from a third are in line with it."""
    for i, origin in enumerate(points):
        seen: dict[Point, Point] = {}
        for other in points[i + 1 :]:
            dr, dc = other[0] - origin[0], other[1] - origin[1]
            divisor = plain_gcd(dr, dc)
            if divisor == 0:
                continue
            if dr < 0 or (dr == 0 and dc < 0):
                divisor = -divisor
            direction = (dr // divisor, dc // divisor)
            if direction in seen:
                return [origin, seen[direction], other]
            seen[direction] = other
    return None


PROBLEM = Problem(
    name="no-three-in-line",
    title="no three points on a straight line",
    definition="Points of the n x n grid, no three of which lie on one straight line of any slope.",
    k=3,
    complete=complete,
    violation=violation,
    translations=True,
    sources=(
        "H. E. Dudeney, Amusements in Mathematics, 1917, puzzle 317",
        "A. Flammenkamp, Progress in the no-three-in-line problem II, J. Combin. Theory A 81 (1998)",
        "T. Prellberg, arXiv 2602.07751",
    ),
    # At most two points in each of the n rows.
    upper_bound=lambda n: 2 * n if n > 1 else 1,
)
