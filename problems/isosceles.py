"""Isosceles-free sets: no three chosen points of the n x n grid form an isosceles triangle, flat ones included."""

from collections.abc import Sequence

import numpy as np

from patternboost.problem import GRID, Point, Problem, equal_from_one, gcd, height, rule, width

_MAX = GRID.max_n()


def _vectors_by_length() -> tuple[np.ndarray, np.ndarray]:
    """All vectors (x > 0, y >= 0) sorted by squared length, and where each squared length starts.

    Every other vector is one of these turned by one, two or three quarter-turns.
    """
    x, y = np.divmod(np.arange(_MAX, _MAX * _MAX), _MAX)
    length = x * x + y * y
    order = np.argsort(length, kind="stable")
    start = np.searchsorted(length[order], np.arange(2 * _MAX * _MAX))
    return np.stack([x[order], y[order]], axis=1).astype(np.int16), start.astype(np.int32)


_VECTORS, _START = _vectors_by_length()


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """Third points: on the circle around either point through the other, and on the perpendicular bisector."""
    h, w = height(n), width(n)
    ar, ac = chosen[0] // w, chosen[0] % w
    br, bc = chosen[1] // w, chosen[1] % w
    dr, dc = br - ar, bc - ac
    count = 0
    # Apex at a or at b: every vector as long as b - a, from either point.
    length = dr * dr + dc * dc
    for i in range(_START[length], _START[length + 1]):
        vr, vc = np.int64(_VECTORS[i, 0]), np.int64(_VECTORS[i, 1])
        for _ in range(4):
            vr, vc = -vc, vr
            r, c = ar + vr, ac + vc
            if 0 <= r < h and 0 <= c < w and (r != br or c != bc):
                out[count] = r * w + c
                count += 1
            r, c = br + vr, bc + vc
            if 0 <= r < h and 0 <= c < w and (r != ar or c != ac):
                out[count] = r * w + c
                count += 1
    # Apex on the bisector: midpoint + s (-v, u) for the s (all whole, or all half odd) that give lattice points.
    g = gcd(dr, dc)
    u, v = dr // g, dc // g
    odd = g % 2
    if odd and (u + v) % 2:
        return count
    r, c = (ar + br - odd * v) // 2, (ac + bc + odd * u) // 2
    while 0 <= r < h and 0 <= c < w:
        out[count] = r * w + c
        count += 1
        r, c = r - v, c + u
    r, c = (ar + br - odd * v) // 2 + v, (ac + bc + odd * u) // 2 - u
    while 0 <= r < h and 0 <= c < w:
        out[count] = r * w + c
        count += 1
        r, c = r + v, c - u
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two equal distances from one point make an isosceles triangle with its apex there."""
    return equal_from_one(points, lambda step: step[..., 0] ** 2 + step[..., 1] ** 2)


def plain(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two points at one distance from a third."""
    for apex in points:
        seen: dict[int, Point] = {}
        for p in points:
            square = (p[0] - apex[0]) ** 2 + (p[1] - apex[1]) ** 2
            if square and square in seen:
                return [seen[square], apex, p]
            seen[square] = p
    return None


PROBLEM = Problem(
    name="isosceles",
    title="no three points form an isosceles triangle",
    definition="Points of the n x n grid (or of an m x n board), no three of which form an isosceles triangle; "
    "three equally spaced points on a line count as one.",
    k=3,
    complete=complete,
    violation=violation,
    translations=True,
    boards=True,
    plain=plain,
    sources=(
        "A. Z. Wagner, Transformers and Makemore (lecture), 2023",
        "Charton, Ellenberg, Wagner, Williamson, PatternBoost, arXiv 2411.00566",
        "Georgiev, Gomez-Serrano, Tao, Wagner, arXiv 2511.02864",
    ),
)
