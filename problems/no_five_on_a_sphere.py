"""No five chosen points of the n x n x n grid lie on one sphere or in one plane."""

from collections.abc import Sequence
from itertools import combinations
from math import gcd as plain_gcd

import numpy as np
from numba import njit

from patternboost.problem import CUBE, Point, Problem, rule, update


@njit(inline="always")
def _surface(ax, ay, az, bx, by, bz, cx, cy, cz):  # type: ignore[no-untyped-def]
    """f, p, q, r of the sphere or plane f (x^2 + y^2 + z^2) + p x + q y + r z = 0 through the origin, a, b and c."""
    a, b, c = ax * ax + ay * ay + az * az, bx * bx + by * by + bz * bz, cx * cx + cy * cy + cz * cz
    f = ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx)
    p = -(a * (by * cz - bz * cy) - ay * (b * cz - bz * c) + az * (b * cy - by * c))
    q = a * (bx * cz - bz * cx) - ax * (b * cz - bz * c) + az * (b * cx - bx * c)
    r = -(a * (bx * cy - by * cx) - ax * (b * cy - by * c) + ay * (b * cx - bx * c))
    return f, p, q, r


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The other points of the sphere or plane through the four; every point where they are on a circle or a line."""
    place = np.empty((4, 3), np.int64)
    for i in range(4):
        place[i, 0], place[i, 1], place[i, 2] = chosen[i] // (n * n), chosen[i] // n % n, chosen[i] % n
    x, y, z = place[0]
    a, b, c = place[1] - place[0], place[2] - place[0], place[3] - place[0]
    f, p, q, r = _surface(a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1], c[2])
    count = element = 0
    for i in range(n):
        for j in range(n):
            for k in range(n):
                s = (i - x) ** 2 + (j - y) ** 2 + (k - z) ** 2
                if f * s + p * (i - x) + q * (j - y) + r * (k - z) == 0 and not (chosen == element).any():
                    out[count] = element
                    count += 1
                element += 1
    return count


@njit(fastmath={"contract"})
def _hits(x, y, z, members, hit):  # type: ignore[no-untyped-def]
    """Add to hit[e] the number of three members on a sphere or plane with e and the origin of the coordinates."""
    square = x * x + y * y + z * z
    for i in range(len(members)):
        a = members[i]
        for j in range(i):
            b = members[j]
            for k in range(j):
                c = members[k]
                f, p, q, r = _surface(x[a], y[a], z[a], x[b], y[b], z[b], x[c], y[c], z[c])
                for e in range(len(hit)):
                    hit[e] += np.int32(f * square[e] + p * x[e] + q * y[e] + r * z[e] == 0)


#: coordinates up to here: no sum in `_hits` exceeds 70 (n - 1)^5 < 2^24, so float32 is exact (and twice as fast)
_EXACT_IN_FLOAT32 = 12


@update
def conflicts(n, members, element, sign, counts):  # type: ignore[no-untyped-def]
    """For every three members one pass over all cells, in floating point: whole numbers, small enough to be exact."""
    size = n * n * n
    x, y, z = np.empty(size), np.empty(size), np.empty(size)
    for e in range(size):
        x[e] = e // (n * n) - element // (n * n)
        y[e] = e // n % n - element // n % n
        z[e] = e % n - element % n
    hit = np.zeros(size, np.int32)
    if n <= _EXACT_IN_FLOAT32:
        _hits(x.astype(np.float32), y.astype(np.float32), z.astype(np.float32), members, hit)
    else:
        _hits(x, y, z, members, hit)
    # Every three members were counted for themselves and for the element.
    m = len(members)
    hit[element] -= m * (m - 1) * (m - 2) // 6
    for a in members:
        hit[a] -= (m - 1) * (m - 2) // 2
    for e in range(size):
        counts[e] += sign * hit[e]


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two surfaces through the same three points that agree are one; through four points on a circle many go."""
    for i, first in enumerate(points):
        for a, b in combinations(points[i + 1 :], 2):
            known: dict[tuple[int, ...], Point] = {}
            for c in points[points.index(b) + 1 :]:
                surface = _through([[x - y for x, y in zip(p, first, strict=True)] for p in (a, b, c)])
                if not any(surface):
                    other = next((p for p in points if p not in (first, a, b, c)), None)
                    if other is not None:
                        return [first, a, b, c, other]
                elif surface in known:
                    return [first, a, b, known[surface], c]
                known[surface] = c
    return None


def _through(steps: list[list[int]]) -> tuple[int, ...]:
    """The sphere or plane through the origin and three points, up to a factor; zeros where there are many."""
    rows = [[x * x + y * y + z * z, x, y, z] for x, y, z in steps]
    minors = []
    for left in range(4):
        (a, b, c), (d, e, f), (g, h, i) = ([row[j] for j in range(4) if j != left] for row in rows)
        minors.append((-1) ** left * (a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)))
    factor = plain_gcd(*minors) * (1 if next((m for m in minors if m), 1) > 0 else -1)
    return tuple(m // factor for m in minors) if factor else (0, 0, 0, 0)


PROBLEM = Problem(
    name="no-five-on-a-sphere",
    title="no five points of the cube on a sphere or in a plane",
    definition="Points of the n x n x n grid, no five of which lie on one sphere or in one plane.",
    k=5,
    complete=complete,
    violation=violation,
    ground=CUBE,
    sources=(
        "T. Thiele, Geometric selection problems and hypergraphs, thesis, Berlin 1995",
        "Charton, Ellenberg, Wagner, Williamson, PatternBoost, arXiv 2411.00566",
        "Georgiev, Gomez-Serrano, Tao, Wagner, arXiv 2511.02864",
    ),
    conflicts=conflicts,
    # At most four points in each of the n layers.
    upper_bound=lambda n: 4 * n if n > 1 else 1,
)
