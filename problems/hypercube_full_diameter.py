"""The fewest edges of a spanning subgraph of the d-cube that has the cube's diameter."""

from collections.abc import Sequence

import numpy as np

from patternboost.problem import HYPERCUBE, Objective, Point, Problem, measure


@measure
def excess(n, members, count):  # type: ignore[no-untyped-def]
    """Ordered pairs of vertices that no path of n edges joins: what each vertex reaches grows as sets of 64 bits."""
    vertices, words = 1 << n, (1 << n) + 63 >> 6
    reached = np.zeros((vertices, words), np.uint64)
    for v in range(vertices):
        reached[v, v >> 6] = np.uint64(1) << np.uint64(v & 63)
    half = vertices >> 1
    for _ in range(n):
        before = reached.copy()
        for i in range(count):
            bit, low = members[i] // half, members[i] % half
            u = (low >> bit) << (bit + 1) | low & (1 << bit) - 1
            v = u | 1 << bit
            for w in range(words):
                reached[u, w] |= before[v, w]
                reached[v, w] |= before[u, w]
    missing = vertices * vertices
    for v in range(vertices):
        for w in range(words):
            x = reached[v, w]
            while x:
                x &= x - np.uint64(1)
                missing -= 1
    return missing


def judge(n: int, points: Sequence[Point]) -> int | None:
    """The number of edges, where a search in breadth finds all vertices within n steps of each."""
    neighbours: dict[int, set[int]] = {v: set() for v in range(2**n)}
    for u, v in points:
        neighbours[u].add(v)
        neighbours[v].add(u)
    for start in neighbours:
        seen = ring = {start}
        for _ in range(n):
            ring = {v for u in ring for v in neighbours[u]} - seen
            seen = seen | ring
        if len(seen) < 2**n:
            return None
    return len(points)


PROBLEM = Problem(
    name="hypercube-full-diameter",
    title="fewest edges of a spanning subgraph of the cube that has the cube's diameter",
    definition="Edges of the n-dimensional cube such that any two of its 2^n vertices are joined by a path of at most "
    "n of them. The value is the number of edges, to be made small.",
    ground=HYPERCUBE,
    objective=Objective(judge, minimise=True, excess=excess, name="edges"),
    sources=("PatternBoost, arXiv 2411.00566", "Bouabdallah, Delorme and Djelloul, Discrete Mathematics 137, 1995"),
)
