"""Graphs without a 4-cycle: as many edges as possible on n vertices."""

from collections.abc import Sequence

import numpy as np

from patternboost.problem import EDGES, Point, Problem, ends, join, rule, update


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The edge that closes a path of three edges."""
    for middle in range(3):
        u, v = ends(n, chosen[middle])
        a, b = ends(n, chosen[(middle + 1) % 3])
        c, d = ends(n, chosen[(middle + 2) % 3])
        if a == v or b == v:  # let the first of the other two be the one at u
            a, b, c, d = c, d, a, b
        if (a == u or b == u) and (c == v or d == v):
            x = b if a == u else a
            y = d if c == v else c
            if x != v and y != u and x != y:
                out[0] = join(n, x, y)
                return 1
    return 0


@update
def conflicts(n, members, element, sign, counts):  # type: ignore[no-untyped-def]
    """Cycles u v w x through the element uv of which one further edge is missing or present: vw, wx or xu."""
    degree = np.zeros(n, np.int64)
    neighbour = np.empty((n, n), np.int32)
    for i in range(len(members)):
        a, b = ends(n, members[i])
        neighbour[a, degree[a]], neighbour[b, degree[b]] = b, a
        degree[a] += 1
        degree[b] += 1
    u, v = ends(n, element)
    for i in range(degree[v]):  # wx closes the paths w v u x
        w = neighbour[v, i]
        for j in range(degree[u]):
            x = neighbour[u, j]
            if w != x:
                counts[join(n, w, x)] += sign
    for a, b in ((u, v), (v, u)):  # the edge from b to the end of the paths b a x w
        for i in range(degree[a]):
            x = neighbour[a, i]
            for j in range(degree[x]):
                w = neighbour[x, j]
                if w != a and w != b:
                    counts[join(n, b, w)] += sign


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two vertices with two common neighbours."""
    neighbours: dict[int, set[int]] = {}
    for u, v in points:
        neighbours.setdefault(u, set()).add(v)
        neighbours.setdefault(v, set()).add(u)
    for u in neighbours:
        for v in neighbours:
            common = sorted(neighbours[u] & neighbours[v])
            if u < v and len(common) >= 2:
                return [(min(a, b), max(a, b)) for a in (u, v) for b in common[:2]]
    return None


PROBLEM = Problem(
    name="no-four-cycle",
    title="graphs without a cycle of four edges",
    definition="Edges of the complete graph on n vertices, no four of which form a cycle.",
    k=4,
    complete=complete,
    violation=violation,
    ground=EDGES,
    sources=(
        "OEIS A006855",
        "C. Clapham, A. Flockhart, J. Sheehan, Graphs without four-cycles, J. Graph Theory 13 (1989)",
    ),
    conflicts=conflicts,
    # Every pair of vertices has at most one common neighbour: sum of d (d - 1) <= n (n - 1) (Reiman).
    upper_bound=lambda n: int(n * (1 + (4 * n - 3) ** 0.5) / 4 + 1e-9),
)
