"""Connected graphs whose largest eigenvalue and matching number have a small sum."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import numpy as np

from patternboost.problem import EDGES, Objective, Point, Problem, ends, matching_number, measure

#: values are counted in millionths
UNIT = 10**6


@measure
def excess(n, members, count):  # type: ignore[no-untyped-def]
    """The number of connected components, less one."""
    label = np.arange(n)
    parts = n
    for i in range(count):
        u, v = ends(n, members[i])
        a, b = label[u], label[v]
        if a != b:
            parts -= 1
            label[label == b] = a
    return parts - 1


@measure
def value(n, members, count):  # type: ignore[no-untyped-def]
    """The matching number, and the largest eigenvalue rounded up to millionths."""
    matrix = np.zeros((n, n))
    for i in range(count):
        u, v = ends(n, members[i])
        matrix[u, v] = matrix[v, u] = 1.0
    largest = np.linalg.eigvalsh(matrix)[n - 1]
    return matching_number(matrix) * 1_000_000 + np.int64(np.ceil(largest * 1_000_000 - 2e-7))


def judge(n: int, points: Sequence[Point]) -> int | None:
    """Whole numbers throughout: the least bound on the eigenvalue in millionths for which a matrix is definite."""
    edges = frozenset(points)
    seen, left = {0}, [0]
    while left:
        u = left.pop()
        new = {b if a == u else a for a, b in edges if u in (a, b)} - seen
        seen |= new
        left += new
    return UNIT * matching(n, edges) + eigenvalue(n, edges) if len(seen) == n else None


def matching(n: int, edges: frozenset[Point]) -> int:
    """The most edges without a vertex in common: the first vertex left goes with one of its neighbours, or alone."""
    beside = [{b if a == v else a for a, b in edges if v in (a, b)} for v in range(n)]

    @cache
    def most(left: frozenset[int]) -> int:
        if not left:
            return 0
        rest = left - {min(left)}
        return max([most(rest), *(1 + most(rest - {u}) for u in beside[min(left)] & rest)])

    return most(frozenset(range(n)))


def eigenvalue(n: int, edges: frozenset[Point]) -> int:
    """The least m with lambda_1 <= m / 10^6, exactly: m / 10^6 - A has no negative pivot."""

    def bounds(m: int) -> bool:
        rows = [[Fraction(m if i == j else 0) for j in range(n)] for i in range(n)]
        for u, v in edges:
            rows[u][v] = rows[v][u] = Fraction(-UNIT)
        while rows:
            pivot, first = rows[0][0], rows[0]
            if pivot < 0 or (pivot == 0 and any(first)):
                return False
            rows = [
                [x - row[0] * y / pivot if row[0] and y else x for x, y in zip(row[1:], first[1:], strict=True)]
                for row in rows[1:]
            ]
        return True

    low, high = -1, (n - 1) * UNIT
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if bounds(middle) else (middle, high)
    return high


PROBLEM = Problem(
    name="wagner-eigenvalue-matching",
    title="connected graphs with a small sum of largest eigenvalue and matching number",
    definition="Edges of a connected graph on n vertices. The value is the least m such that lambda_1 + mu <= m / "
    "10^6, to be made small: lambda_1 is the largest eigenvalue of the adjacency matrix, mu the matching number. A "
    "value below 10^6 (sqrt(n - 1) + 1) refutes a conjecture of Aouchiche and Hansen.",
    ground=EDGES,
    objective=Objective(judge, value, minimise=True, excess=excess, unit=UNIT, name="lambda_1 + mu"),
    sources=("A. Z. Wagner, Constructions in combinatorics via neural networks, arXiv 2104.14516",),
)
