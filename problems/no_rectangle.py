"""No four chosen points of the n x n grid are the corners of a rectangle with sides parallel to the axes."""

from collections.abc import Sequence
from itertools import combinations

from patternboost.problem import Point, Problem, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The fourth corner, where the three are corners: one has a neighbour in its row and one in its column."""
    for i in range(3):
        r, c = chosen[i] // n, chosen[i] % n
        for j in range(3):
            if j == i:
                continue
            row, column = chosen[j], chosen[3 - i - j]
            if row // n == r and column % n == c:
                out[0] = column // n * n + row % n
                return 1
    return 0


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two columns that two rows have in common."""
    rows: dict[int, set[int]] = {}
    for r, c in points:
        rows.setdefault(r, set()).add(c)
    for (r, first), (s, second) in combinations(sorted(rows.items()), 2):
        common = sorted(first & second)
        if len(common) > 1:
            return [(r, common[0]), (r, common[1]), (s, common[0]), (s, common[1])]
    return None


PROBLEM = Problem(
    name="no-rectangle",
    title="no four points form a rectangle parallel to the axes",
    definition="Points of the n x n grid, no four of which are the corners of a rectangle with sides parallel to the "
    "axes (Zarankiewicz's problem for 2 x 2).",
    k=4,
    complete=complete,
    violation=violation,
    translations=True,
    sources=("OEIS A072567", "K. Zarankiewicz, Colloquium Mathematicum 2, 1951"),
)
