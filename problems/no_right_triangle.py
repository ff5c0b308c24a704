"""No right triangle among the chosen points of the n x n grid, in any position."""

from collections.abc import Sequence
from itertools import combinations

from patternboost.problem import Point, Problem, gcd, rule, square_root


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The perpendiculars through both points, and the circle that has them as a diameter."""
    ar, ac = chosen[0] // n, chosen[0] % n
    br, bc = chosen[1] // n, chosen[1] % n
    dr, dc = br - ar, bc - ac
    g = gcd(dr, dc)
    ur, uc = -dc // g, dr // g
    count = 0
    for pr, pc in ((ar, ac), (br, bc)):
        for sign in (1, -1):
            r, c = pr + sign * ur, pc + sign * uc
            while 0 <= r < n and 0 <= c < n:
                out[count] = r * n + c
                count += 1
                r, c = r + sign * ur, c + sign * uc
    # The right angle at p: (p - a) . (p - b) = 0. For every row r, c solves c^2 - (ac + bc) c + rest = 0.
    reach = (abs(dr) + abs(dc) + 1) // 2 + 1
    for r in range(max(0, (ar + br) // 2 - reach), min(n, (ar + br) // 2 + reach + 2)):
        height = (r - ar) * (r - br)
        discriminant = (ac - bc) ** 2 - 4 * height
        if discriminant < 0:
            continue
        root = square_root(discriminant)
        if root * root != discriminant or (ac + bc + root) % 2:
            continue
        for sign in (1, -1):
            if sign < 0 and root == 0:
                continue
            c = (ac + bc + sign * root) // 2
            element = r * n + c
            if 0 <= c < n and element != chosen[0] and element != chosen[1]:
                out[count] = element
                count += 1
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two differences from one point with scalar product 0."""
    for apex in points:
        for p, q in combinations([p for p in points if p != apex], 2):
            if (p[0] - apex[0]) * (q[0] - apex[0]) + (p[1] - apex[1]) * (q[1] - apex[1]) == 0:
                return [apex, p, q]
    return None


PROBLEM = Problem(
    name="no-right-triangle",
    title="no three points form a right triangle",
    definition="Points of the n x n grid, no three of which form a triangle with a right angle.",
    k=3,
    complete=complete,
    violation=violation,
    translations=True,
    sources=("P. Erdos and G. Purdy, Extremal problems in combinatorial geometry, Handbook of Combinatorics, 1995",),
)
