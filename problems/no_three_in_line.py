"""No three in line: no three chosen points of the n x n grid lie on one straight line."""

from collections.abc import Sequence

import numpy as np

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
    if not points:
        return None
    places = np.array(points, np.int64)
    step = places[None, :] - places[:, None]  # [origin, other, 2]
    step //= np.maximum(1, np.gcd(step[..., 0], step[..., 1]))[..., None]
    step[(step[..., 0] < 0) | ((step[..., 0] == 0) & (step[..., 1] < 0))] *= -1
    direction = step[..., 0] * (2 * int(np.abs(step).max()) + 1) + step[..., 1]  # one number each; 0: the origin itself
    order = np.argsort(direction, axis=1)
    ranked = np.take_along_axis(direction, order, axis=1)
    equal = np.argwhere((ranked[:, 1:] == ranked[:, :-1]) & (ranked[:, 1:] > 0))
    if not len(equal):
        return None
    origin, at = equal[0]
    return [points[origin], points[order[origin, at]], points[order[origin, at + 1]]]


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
