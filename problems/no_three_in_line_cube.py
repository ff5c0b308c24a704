"""No three in line in space: no three chosen points of the n x n x n grid lie on one straight line."""

from collections.abc import Sequence
from math import gcd as plain_gcd

from patternboost.problem import CUBE, Point, Problem, gcd, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """Every other lattice point of the line through the two points."""
    a, b = chosen[0], chosen[1]
    ax, ay, az = a // (n * n), a // n % n, a % n
    dx, dy, dz = b // (n * n) - ax, b // n % n - ay, b % n - az
    g = gcd(gcd(dx, dy), dz)
    dx, dy, dz = dx // g, dy // g, dz // g
    count = 0
    for sign in (1, -1):
        x, y, z = ax + sign * dx, ay + sign * dy, az + sign * dz
        while 0 <= x < n and 0 <= y < n and 0 <= z < n:
            element = (x * n + y) * n + z
            if element != b:
                out[count] = element
                count += 1
            x, y, z = x + sign * dx, y + sign * dy, z + sign * dz
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two points in the same direction (up to sign) from a third are in line with it."""
    for i, origin in enumerate(points):
        seen: dict[Point, Point] = {}
        for other in points[i + 1 :]:
            steps = tuple(x - y for x, y in zip(other, origin, strict=True))
            divisor = plain_gcd(*steps)
            if divisor:
                direction = tuple(x // divisor for x in steps)
                direction = max(direction, tuple(-x for x in direction))
                if direction in seen:
                    return [origin, seen[direction], other]
                seen[direction] = other
    return None


PROBLEM = Problem(
    name="no-three-in-line-cube",
    title="no three points of the cube on a straight line",
    definition="Points of the n x n x n grid, no three of which lie on one straight line.",
    k=3,
    complete=complete,
    violation=violation,
    ground=CUBE,
    sources=("A. Por and D. R. Wood, No-three-in-line-in-3D, Algorithmica 47 (2007)",),
    # At most two points on each of the n^2 lines along an axis.
    upper_bound=lambda n: 2 * n * n if n > 1 else 1,
)
