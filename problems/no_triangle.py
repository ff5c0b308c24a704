"""Graphs without a triangle: as many edges as possible on n vertices."""

from collections.abc import Sequence

from patternboost.problem import EDGES, Point, Problem, ends, join, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The edge between the free ends of two edges that share a vertex."""
    a, b = ends(n, chosen[0])
    c, d = ends(n, chosen[1])
    if a == c:
        out[0] = join(n, b, d)
    elif a == d:
        out[0] = join(n, b, c)
    elif b == c:
        out[0] = join(n, a, d)
    elif b == d:
        out[0] = join(n, a, c)
    else:
        return 0
    return 1


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """An edge whose ends have a common neighbour."""
    neighbours: dict[int, set[int]] = {}
    for u, v in points:
        neighbours.setdefault(u, set()).add(v)
        neighbours.setdefault(v, set()).add(u)
    for u, v in points:
        for w in neighbours[u] & neighbours[v]:
            return [(u, v), (min(u, w), max(u, w)), (min(v, w), max(v, w))]
    return None


PROBLEM = Problem(
    name="no-triangle",
    title="graphs without a triangle",
    definition="Edges of the complete graph on n vertices, no three of which form a triangle.",
    k=3,
    complete=complete,
    violation=violation,
    ground=EDGES,
    sources=("W. Mantel, Problem 28, Wiskundige Opgaven 10 (1907): the optimum is floor(n^2 / 4)",),
    upper_bound=lambda n: n * n // 4,
)
