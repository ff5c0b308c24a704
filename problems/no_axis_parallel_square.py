"""No four chosen points of the n x n grid are the corners of a square with sides parallel to the axes."""

from collections.abc import Sequence

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
            if row // n == r and column % n == c and abs(row % n - c) == abs(column // n - r):
                out[0] = column // n * n + row % n
                return 1
    return 0


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """A diagonal of a square: two points with equal steps in rows and columns; are the other corners there?"""
    present = set(points)
    for a in points:
        for b in points:
            if b[0] > a[0] and abs(b[1] - a[1]) == b[0] - a[0]:
                corners = [a, b, (a[0], b[1]), (b[0], a[1])]
                if present.issuperset(corners):
                    return corners
    return None


PROBLEM = Problem(
    name="no-axis-parallel-square",
    title="no four points form a square parallel to the axes",
    definition="Points of the n x n grid, no four of which are the corners of a square with sides parallel to the "
    "axes.",
    k=4,
    complete=complete,
    violation=violation,
    translations=True,
    sources=("OEIS A227133",),
)
