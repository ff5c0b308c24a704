"""No three in line: no three chosen points of the n x n grid lie on one straight line."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from patternboost.problem import Point, Problem, equal_from_one, gcd, rule


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


def _directions(step: np.ndarray) -> np.ndarray:
    """The direction of steps, up to sign, as one number; 0 for no step."""
    row, column = np.moveaxis(step // np.maximum(1, np.gcd(step[..., 0], step[..., 1]))[..., None], -1, 0)
    sign = np.where((row < 0) | ((row == 0) & (column < 0)), -1, 1)
    width = 2 * int(np.abs(column).max()) + 1
    return np.asarray(sign * (row * width + column))


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two points in the same direction (up to sign) from a third are in line with it."""
    found = equal_from_one(points, _directions)
    return found and [found[1], found[0], found[2]]  # first the point that the two are seen from


def plain(points: Sequence[Point]) -> Sequence[Point] | None:
    """Three points that span no area."""
    for (a, b), (c, d), (e, f) in combinations(points, 3):
        if (c - a) * (f - b) == (d - b) * (e - a):
            return [(a, b), (c, d), (e, f)]
    return None


PROBLEM = Problem(
    name="no-three-in-line",
    title="no three points on a straight line",
    definition="Points of the n x n grid, no three of which lie on one straight line of any slope.",
    k=3,
    complete=complete,
    violation=violation,
    plain=plain,
    translations=True,
    sources=(
        "H. E. Dudeney, Amusements in Mathematics, 1917, puzzle 317",
        "A. Flammenkamp, Progress in the no-three-in-line problem II, J. Combin. Theory A 81 (1998)",
        "T. Prellberg, arXiv 2602.07751",
    ),
    # At most two points in each of the n rows.
    upper_bound=lambda n: 2 * n if n > 1 else 1,
)
