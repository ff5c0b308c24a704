"""No three in line on the torus: a line is what a straight line of the plane becomes when opposite sides are glued."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import gcd as plain_gcd

from patternboost.problem import TORUS, Point, Problem, gcd, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """Cells whose differences u and v from the first are multiples of one primitive vector modulo n.

    That is so exactly if n g divides det(u, v), g the common divisor of all four differences and n.
    """
    ar, ac = chosen[0] // n, chosen[0] % n
    ur, uc = chosen[1] // n - ar, chosen[1] % n - ac
    common = gcd(gcd(ur, uc), n)
    count = 0
    for r in range(n):
        for c in range(n):
            vr, vc = r - ar, c - ac
            element = r * n + c
            if element == chosen[0] or element == chosen[1]:
                continue
            if (ur * vc - uc * vr) % (n * gcd(common, gcd(vr, vc))) == 0:
                out[count] = element
                count += 1
    return count


@lru_cache(maxsize=8)
def _directions(n: int) -> list[tuple[int, int]]:
    """One (a, b) for every line through the origin: the others on it that no smaller line holds are unit multiples."""
    units = [t for t in range(n) if plain_gcd(t, n) == 1]
    known: set[tuple[int, int]] = set()
    chosen = []
    for a, b in product(range(n), repeat=2):
        if plain_gcd(plain_gcd(a, b), n) == 1 and (a, b) not in known:
            known |= {(t * a % n, t * b % n) for t in units}
            chosen.append((a, b))
    return chosen


def violation(n: int, points: Sequence[Point]) -> Sequence[Point] | None:
    """Sort the points by the line of every direction that they lie on; b r - a c is constant along a line."""
    for a, b in _directions(n):
        lines: dict[int, list[Point]] = {}
        for point in points:
            line = lines.setdefault((b * point[0] - a * point[1]) % n, [])
            line.append(point)
            if len(line) == 3:
                return line
    return None


PROBLEM = Problem(
    name="no-three-in-line-torus",
    title="no three points on a line of the torus",
    definition="Points of the n x n torus, no three of which lie on the image of one straight line of the plane.",
    k=3,
    complete=complete,
    violation=violation,
    ground=TORUS,
    sources=("J. Fowler, A. Groot, D. Pandya, B. Snapp, The no-three-in-line problem on a torus, arXiv 1203.6604",),
    upper_bound=lambda n: 2 * n if n > 1 else 1,
)
