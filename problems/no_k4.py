"""Graphs without a complete subgraph on four vertices: as many edges as possible on n vertices."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from patternboost.problem import EDGES, Point, Problem, ends, join, rule, update


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The sixth edge, where the five have four vertices: it joins the two that only two of the edges have."""
    vertices, degree = np.full(4, -1, np.int64), np.zeros(4, np.int64)
    for i in range(5):
        for v in ends(n, chosen[i]):
            place = 0
            while place < 4 and vertices[place] >= 0 and vertices[place] != v:
                place += 1
            if place == 4:
                return 0
            vertices[place] = v
            degree[place] += 1
    low = np.flatnonzero(degree == 2)
    if len(low) != 2:
        return 0
    out[0] = join(n, vertices[low[0]], vertices[low[1]])
    return 1


@update
def conflicts(n, members, element, sign, counts):  # type: ignore[no-untyped-def]
    """Four vertices u v w x with the element uv, of whose five other edges one is missing, or none."""
    beside = np.zeros((n, n), np.uint8)
    for i in range(len(members)):
        a, b = ends(n, members[i])
        beside[a, b] = beside[b, a] = 1
    u, v = ends(n, element)
    for w in range(n):
        for x in range(w + 1, n):
            if w == u or w == v or x == u or x == v:
                continue
            present = beside[u, w] + beside[u, x] + beside[v, w] + beside[v, x] + beside[w, x]
            if present < 4:
                continue
            for a, b in ((u, w), (u, x), (v, w), (v, x), (w, x)):
                if present == 5 or not beside[a, b]:
                    counts[join(n, a, b)] += sign


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Four vertices of which every two are joined."""
    edges = set(points)
    for four in combinations(sorted({v for edge in points for v in edge}), 4):
        if edges.issuperset(combinations(four, 2)):
            return list(combinations(four, 2))
    return None


PROBLEM = Problem(
    name="no-k4",
    title="graphs without four vertices that are all joined",
    definition="Edges of the complete graph on n vertices, no six of which are all the edges between four vertices.",
    k=6,
    complete=complete,
    violation=violation,
    ground=EDGES,
    conflicts=conflicts,
    sources=("P. Turán, Matematikai és Fizikai Lapok 48, 1941", "OEIS A000212"),
    # Turán: three parts as equal as can be
    upper_bound=lambda n: n * n // 3,
)
