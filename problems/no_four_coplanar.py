"""No four chosen points of the n x n x n grid lie in one plane."""

from collections.abc import Sequence
from itertools import combinations

from patternboost.problem import CUBE, Point, Problem, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The other points of the plane through the three; every point where the three are in line."""
    x, y, z = chosen[0] // (n * n), chosen[0] // n % n, chosen[0] % n
    ax, ay, az = chosen[1] // (n * n) - x, chosen[1] // n % n - y, chosen[1] % n - z
    bx, by, bz = chosen[2] // (n * n) - x, chosen[2] // n % n - y, chosen[2] % n - z
    p, q, r = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    level = p * x + q * y + r * z
    count = element = 0
    for i in range(n):
        for j in range(n):
            rest = level - p * i - q * j
            for k in range(n):
                if r * k == rest and element != chosen[0] and element != chosen[1] and element != chosen[2]:
                    out[count] = element
                    count += 1
                element += 1
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Four points span no volume."""
    for a, b, c, d in combinations(points, 4):
        (p, q, r), (s, t, u), (v, w, x) = ([i - j for i, j in zip(e, a, strict=True)] for e in (b, c, d))
        if p * (t * x - u * w) - q * (s * x - u * v) + r * (s * w - t * v) == 0:
            return [a, b, c, d]
    return None


PROBLEM = Problem(
    name="no-four-coplanar",
    title="no four points of the cube in a plane",
    definition="Points of the n x n x n grid, no four of which lie in one plane.",
    k=4,
    complete=complete,
    violation=violation,
    ground=CUBE,
    sources=("OEIS A280537",),
    # At most three points in each of the n layers.
    upper_bound=lambda n: 3 * n if n > 1 else 1,
)
